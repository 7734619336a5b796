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

from services.ingest.onvif.conversation import Conversation, Unanswered


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

MEDIA_NAMESPACE: str = SERVICES["media"]["ns"]

#: Not strict: devices leave out what the schema demands. Sequence ignored: they mix up the order too.
_SETTINGS = Settings(strict=False, xsd_ignore_sequence_order=True, forbid_dtd=True, forbid_external=True)
_PARSING = threading.Lock()


class _LocalFiles:
    """What zeep loads WSDL and schema files with: files of the WSDL folder, never the network."""

    def load(self, location: str) -> bytes:
        path = Path(location).resolve()
        if path.parent != wsdl_folder():
            raise ValueError(f"{location} is not in the WSDL folder of onvif-zeep")
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
    """One device. The conversation is its transport: it knows the credentials, and the library never does."""

    def __init__(self, conversation: Conversation) -> None:
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

    def locate(self, namespace: str, path: str) -> None:
        """Say under which path a service is."""
        self.xaddrs[namespace] = f"http://{self.host}:{self.port}{path}"

    def create_onvif_service(self, name: str, from_template: bool = True, portType: str | None = None) -> Any:  # noqa: N803, ARG002 - the library's signature
        """A service by its name in the library. Its ``SERVICES`` table and ``get_definition`` say where and how."""
        address, wsdl_file, binding = self.get_definition(name.lower(), portType)
        client = Client(document(wsdl_file), transport=self.transport, settings=_SETTINGS)
        service = _Service(address, self.user, self.passwd, wsdl_file, zeep_client=client, binding_name=binding)
        self.services[name.lower()] = service
        return service


class _Service(ONVIFService):  # type: ignore[misc]  # the library has no types
    """A service of the library whose calls are made exactly once and whose errors keep their type."""

    def service_wrapper(self, func: Any) -> Any:
        # The library's wrapper calls again with other arguments when a TypeError comes up, also one from a reply: that
        # would be a second attempt with credentials. And it turns every error into ONVIFError("Unknown error …").
        conversation: Conversation = self.zeep_client.transport

        def call(params: Mapping[str, Any] | None = None) -> Any:
            delivered = conversation.delivered
            try:
                return func(**(params or {}))
            except Exception as error:
                if conversation.delivered == delivered:
                    raise
                # Reading a reply that fits the schema in no way, zeep raises whatever comes up.
                raise Unanswered(f"the reply cannot be read ({type(error).__name__})") from None

        return call
