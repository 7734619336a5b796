"""onvif-zeep and zeep, made fit for thousands of devices. Nothing else imports either.

As shipped, onvif-zeep 0.2.12 parses its WSDL files anew for every camera (10 MB and 109 ms each, measured), opens a pull
point in the constructor and leaves it open, has no timeout, configures the logging of whoever imports it, takes the
proxy settings out of the environment, and finds its WSDL files only where its wheel was built. Here documents are parsed
once and shared, and constructors touch neither network nor environment.
"""

import contextlib
import logging
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

from services.ingest.faults import CameraFault
from services.ingest.onvif.conversation import Conversation, SignInWanted, Unanswered


@contextlib.contextmanager
def _logging_untouched() -> Iterator[None]:
    """Undo what onvif-zeep does to logging when it is imported: basicConfig at INFO, and the level of a zeep logger."""
    root, client = logging.getLogger(), logging.getLogger("zeep.client")
    handlers, level, client_level = list(root.handlers), root.level, client.level
    try:
        yield
    finally:
        for handler in root.handlers[:]:
            if handler not in handlers:
                root.removeHandler(handler)
        root.setLevel(level)
        client.setLevel(client_level)


with _logging_untouched():
    from onvif import SERVICES, ONVIFCamera, ONVIFService
    from zeep import Client, Settings
    from zeep.wsdl import Document

# zeep logs a traceback for every value that does not fit its type; a hostile reply holds fifty thousand of them.
logging.getLogger("zeep.xsd").setLevel(logging.CRITICAL)

DEVICE_NAMESPACE: str = SERVICES["devicemgmt"]["ns"]
MEDIA_NAMESPACE: str = SERVICES["media"]["ns"]
MEDIA2_NAMESPACE = "http://www.onvif.org/ver20/media/wsdl"

#: What the library lacks, described by WSDL files of our own (ADR 0029).
_OWN_WSDL = Path(__file__).with_name("wsdl")
_OWN_SERVICES = {"media2": (MEDIA2_NAMESPACE, _OWN_WSDL / "media2.wsdl", "Media2Binding")}

#: Not strict: devices leave out what the schema demands. Sequence ignored: they mix up the order too.
_SETTINGS = Settings(strict=False, xsd_ignore_sequence_order=True, forbid_dtd=True, forbid_external=True)
_PARSING = threading.Lock()


class _LocalFiles:
    """What zeep loads WSDL and schema files with: files of the WSDL folder, never the network."""

    def load(self, location: str) -> bytes:
        path = Path(location).resolve()
        if path.parent not in {wsdl_folder(), _OWN_WSDL}:
            raise ValueError(f"{location} is in no folder of WSDL files")
        return path.read_bytes()


@cache
def wsdl_folder() -> Path:
    """Where the WSDL files of onvif-zeep are. Its own default is wrong wherever another Python built the wheel
    (FalkTannhaeuser/python-onvif-zeep issues 13, 109, 130)."""
    try:
        found = [
            Path(str(file.locate())).resolve() for file in files("onvif-zeep") or () if file.name == "devicemgmt.wsdl"
        ]
    except PackageNotFoundError:
        found = []
    existing = [file.parent for file in found if file.is_file()]
    if not existing:
        raise RuntimeError("The WSDL files of onvif-zeep are missing: install onvif-zeep 0.2.12 anew.")
    return existing[0]


def document(wsdl_file: str) -> Document:
    """The parsed WSDL file of this path, parsed once in this process (45 ms and 4.6 MB for each of two files)."""
    with _PARSING:
        return _parsed(wsdl_file)


@cache
def _parsed(wsdl_file: str) -> Document:
    return Document(wsdl_file, _LocalFiles(), settings=_SETTINGS)


class Device(ONVIFCamera):  # type: ignore[misc]  # the library has no types
    """One device. The conversation is its transport: it knows the credentials, and the library never does.

    ``path``: that of the device service.
    """

    def __init__(self, conversation: Conversation, path: str = "/onvif/device_service") -> None:
        # Not the library's constructor, which goes to the network and changes the environment; the same attributes.
        self.host, self.port = conversation.endpoint.host, conversation.endpoint.port
        self.user, self.passwd, self.encrypt = "", "", True
        self.wsdl_dir = str(wsdl_folder())
        self.daemon, self.no_cache, self.adjust_time, self.dt_diff = False, False, False, None
        self.transport = conversation
        self.services: dict[str, Any] = {}
        self.services_lock = threading.RLock()
        self.xaddrs: dict[str, str] = {}
        self.to_dict = ONVIFService.to_dict
        self.locate(DEVICE_NAMESPACE, path)

    def locate(self, namespace: str, path: str) -> None:
        """Say under which path a service is."""
        self.xaddrs[namespace] = f"http://{self.host}:{self.port}{path}"

    def create_onvif_service(self, name: str, from_template: bool = True, portType: str | None = None) -> Any:  # noqa: N803, ARG002 - the library's signature
        """A service by its name in the library, or of our own, under the path that it was located at."""
        namespace, wsdl_file, binding = _definition(name.lower())
        client = Client(document(wsdl_file), transport=self.transport, settings=_SETTINGS)
        service = _Service(client, self.xaddrs[namespace], wsdl_file, binding)
        self.services[name.lower()] = service
        return service

    def create_media2_service(self) -> Any:
        """The Media2 service, which the library does not know."""
        return self.create_onvif_service("media2")


@cache
def _definition(name: str) -> tuple[str, str, str]:
    """Namespace, WSDL file and binding of a service, from the library's ``SERVICES`` table or our own."""
    if name in _OWN_SERVICES:
        namespace, file, binding = _OWN_SERVICES[name]
    else:
        told = SERVICES[name]
        namespace, file, binding = told["ns"], wsdl_folder() / told["wsdl"], told["binding"]
    return namespace, str(file), f"{{{namespace}}}{binding}"


class _Operations:
    """The operations of a binding at one address, as zeep's ServiceProxy has them, which makes an object for each of a
    hundred operations whenever a service is made: a tenth of the time of a visit."""

    def __init__(self, client: Client, binding: str, address: str) -> None:
        self._client, self._binding = client, client.wsdl.bindings[binding]
        self._options = {"address": address}

    def __getattr__(self, name: str) -> Any:
        self._binding.get(name)  # raises for an operation that there is not
        return lambda **params: self._binding.send(self._client, self._options, name, (), params)


class _Service(ONVIFService):  # type: ignore[misc]  # the library has no types
    """A service of the library whose calls are made exactly once and whose errors keep their type."""

    def __init__(self, client: Client, address: str, wsdl_file: str, binding: str) -> None:
        # Not the library's constructor, which signs; the attributes that its methods use.
        self.url, self.xaddr, self.user, self.passwd = wsdl_file, address, "", ""
        self.encrypt, self.daemon, self.dt_diff = True, False, None
        self.zeep_client = client
        self.ws_client = _Operations(client, binding, address)

    def service_wrapper(self, func: Any) -> Any:
        # The library's wrapper calls again with other arguments when a TypeError comes up, also one from a reply: that
        # would be a second attempt with credentials. And it turns every error into ONVIFError("Unknown error …").
        conversation: Conversation = self.zeep_client.transport

        def call(params: Mapping[str, Any] | None = None) -> Any:
            delivered = conversation.delivered
            try:
                return func(**(params or {}))
            except (CameraFault, Unanswered, SignInWanted):
                raise  # of the conversation, and perhaps after it read the clock in between
            except Exception as error:
                if conversation.delivered == delivered:
                    raise
                # Reading a reply that fits the schema in no way, zeep raises whatever comes up.
                raise Unanswered(f"the reply cannot be read ({type(error).__name__})") from None

        return call
