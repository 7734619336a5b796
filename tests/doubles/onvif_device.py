"""An ONVIF device of which every answer can be bent. Without changes it behaves as the specification says.

The numbers of quirks in tests follow the project's list of 45 reported device quirks; each test names the report.
"""

import contextlib
import re
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Protocol, Self

from tests.doubles.onvif_messages import (
    DEVICE,
    MEDIA,
    MEDIA2,
    Profile,
    Profile2,
    Response,
    fault,
    html,
    network_interface,
    soap,
    stream_uri,
    system_time,
)

#: Calls that need no credentials (ONVIF Core specification, access class PRE_AUTH).
PRE_AUTH = frozenset({"GetSystemDateAndTime", "GetServices", "GetCapabilities"})


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    path: str
    headers: Mapping[str, str]
    body: str

    @property
    def operation(self) -> str:
        found = re.search(r"Body[^>]*>\s*<(?:\w+:)?(\w+)", self.body)
        return found[1] if found else ""

    @property
    def has_digest(self) -> bool:
        return "authorization" in self.headers

    @property
    def has_token(self) -> bool:
        return "UsernameToken" in self.body

    def text(self, name: str) -> str:
        """The text of an element of the body, by its local name."""
        found = re.search(rf"<(?:\w+:)?{name}\b[^>]*>([^<]*)<", self.body)
        return found[1] if found else ""


Responder = Callable[[Request], Response]


class Security(Protocol):
    """Says whether a request may be answered."""

    def refuse(self, request: Request) -> Response | None:
        """The refusal, or None."""


class Open:
    """Everything is answered."""

    def refuse(self, _request: Request) -> Response | None:
        return None


MAIN = Profile("main", name="Main stream")
SUB = Profile("sub", size=(640, 360), name="Sub stream")


@dataclass
class Script:
    """How the device answers. ``answers`` replaces single operations."""

    profiles: tuple[Profile, ...] = (MAIN, SUB)
    security: Security = field(default_factory=Open)
    #: Operations that are answered without credentials.
    open_operations: frozenset[str] = PRE_AUTH
    clock_offset: timedelta = timedelta(0)
    #: Host and port that it names for its services; None: the right ones.
    named_authority: str | None = None
    media_path: str = "/onvif/media_service"
    answers: Mapping[str, Responder] = field(default_factory=dict)
    #: Seconds each answer takes.
    delay_s: float = 0.0
    #: What it says of itself; None: it does not know the question.
    mac: str | None = None
    endpoint: str | None = None
    hostname: str | None = None
    scopes: tuple[str, ...] | None = None
    #: Profiles of Media2; empty: it has no Media2. ``has_media1`` False: it has nothing else.
    profiles2: tuple[Profile2, ...] = ()
    has_media1: bool = True
    media2_path: str = "/onvif/media2_service"
    #: Protocols that its Media2 knows by name.
    protocols2: tuple[str, ...] = ("RTSP", "RtspUnicast")
    #: Path of a picture, by token; None: it does not know the question.
    snapshot: str | None = None
    #: Answer several requests in one connection.
    keeps: bool = False


class OnvifDevice:
    """The device, listening. Every request is kept in ``requests``."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        address: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
        **changes: object,
    ) -> None:
        self.script = replace(script or Script(), **changes)  # type: ignore[arg-type]  # names are checked by replace
        self.address = address
        self.requests: list[Request] = []
        #: Connections accepted, and those in which the first bytes were understood.
        self.connections = 0
        self.busy = 0
        self.most_busy = 0
        self._lock = threading.Lock()
        device = self

        class Handler(socketserver.StreamRequestHandler):
            def setup(self) -> None:
                device.connections += 1
                self.refused = False
                if tls is not None:
                    try:
                        self.request = tls.wrap_socket(self.request, server_side=True)
                    except OSError:
                        self.refused = True
                super().setup()

            def handle(self) -> None:
                if not self.refused:
                    device.serve(self)

            def finish(self) -> None:
                with contextlib.suppress(OSError):
                    super().finish()
                if tls is not None:
                    self.request.close()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 64
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

        self._server = Server((address, 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def operations(self) -> list[str]:
        """The names of the operations asked for, in order."""
        return [request.operation for request in self.requests]

    @property
    def signed(self) -> list[Request]:
        """The requests that carried credentials."""
        return [request for request in self.requests if request.has_digest or request.has_token]

    def serve(self, handler: socketserver.StreamRequestHandler) -> None:
        """Answer one request and close, or all that come when the device keeps its connections."""
        handler.connection.settimeout(20)
        try:
            while self._serve_one(handler) and self.script.keeps:
                pass
        except OSError:
            # The client hung up, as it should when we misbehave.
            return

    def _serve_one(self, handler: socketserver.StreamRequestHandler) -> bool:
        request = _read_request(handler)
        if request is None:
            return False
        with self._lock:
            self.requests.append(request)
            self.busy += 1
            self.most_busy = max(self.most_busy, self.busy)
        time.sleep(self.script.delay_s)
        with self._lock:
            self.busy -= 1
        response = self._respond(request)
        for piece in response.pieces(keeps=self.script.keeps):
            handler.wfile.write(piece)
        return response.raw is None

    def _respond(self, request: Request) -> Response:
        script = self.script
        if request.operation not in script.open_operations:
            refusal = script.security.refuse(request)
            if refusal is not None:
                return refusal
        responder = script.answers.get(request.operation)
        return responder(request) if responder else self.proper(request)

    def proper(self, request: Request) -> Response:
        """The answer that the specification asks for."""
        script = self.script
        authority = script.named_authority or f"{self.address}:{self.port}"
        match request.operation:
            case "GetSystemDateAndTime":
                return soap(system_time(datetime.now(UTC) + script.clock_offset))
            case "GetDeviceInformation":
                return soap(
                    "<tds:GetDeviceInformationResponse><tds:Manufacturer>Maker</tds:Manufacturer>"
                    "<tds:Model>Model 1</tds:Model><tds:FirmwareVersion>1.2.3</tds:FirmwareVersion>"
                    "<tds:SerialNumber>SN-1</tds:SerialNumber><tds:HardwareId>hw</tds:HardwareId>"
                    "</tds:GetDeviceInformationResponse>"
                )
            case "GetServices":
                services = "".join(
                    f"<tds:Service><tds:Namespace>{namespace}</tds:Namespace><tds:XAddr>http://{authority}{path}</tds:XAddr>"
                    "<tds:Version><tt:Major>2</tt:Major><tt:Minor>5</tt:Minor></tds:Version></tds:Service>"
                    for namespace, path in self._services()
                )
                return soap(f"<tds:GetServicesResponse>{services}</tds:GetServicesResponse>")
            case "GetCapabilities":
                return soap(
                    "<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Media>"
                    f"<tt:XAddr>http://{authority}{script.media_path}</tt:XAddr>"
                    "</tt:Media></tds:Capabilities></tds:GetCapabilitiesResponse>"
                )
            case "GetNetworkInterfaces" if script.mac is not None:
                return soap(
                    "<tds:GetNetworkInterfacesResponse>"
                    f"{network_interface(script.mac, self.address)}</tds:GetNetworkInterfacesResponse>"
                )
            case "GetEndpointReference" if script.endpoint is not None:
                return soap(
                    f"<tds:GetEndpointReferenceResponse><tds:GUID>{script.endpoint}</tds:GUID>"
                    "</tds:GetEndpointReferenceResponse>"
                )
            case "GetHostname" if script.hostname is not None:
                return soap(
                    "<tds:GetHostnameResponse><tds:HostnameInformation><tt:FromDHCP>false</tt:FromDHCP>"
                    f"<tt:Name>{script.hostname}</tt:Name></tds:HostnameInformation></tds:GetHostnameResponse>"
                )
            case "GetScopes" if script.scopes is not None:
                items = "".join(
                    f"<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef><tt:ScopeItem>{item}</tt:ScopeItem></tds:Scopes>"
                    for item in script.scopes
                )
                return soap(f"<tds:GetScopesResponse>{items}</tds:GetScopesResponse>")
        path = request.path.partition("?")[0]
        if script.profiles2 and path == script.media2_path:
            return self._media2(request)
        if not script.has_media1 or path != script.media_path.partition("?")[0]:
            return html("Not Found", status=404)
        if request.operation == "GetProfiles":
            return soap(
                f"<trt:GetProfilesResponse>{''.join(p.xml() for p in script.profiles)}</trt:GetProfilesResponse>"
            )
        if request.operation == "GetStreamUri":
            chosen = next((p for p in script.profiles if p.token == request.text("ProfileToken")), None)
            if chosen is None:
                return fault("ter:NoProfile", "Profile token does not exist")
            return soap(stream_uri(chosen.uri.format(address=self.address, token=chosen.token)))
        if request.operation == "GetSnapshotUri" and script.snapshot is not None:
            uri = script.snapshot.format(token=request.text("ProfileToken"))
            return soap(
                f"<trt:GetSnapshotUriResponse><trt:MediaUri><tt:Uri>{uri}</tt:Uri></trt:MediaUri>"
                "</trt:GetSnapshotUriResponse>"
            )
        return fault("ter:ActionNotSupported", "Optional action not implemented")

    def _services(self) -> list[tuple[str, str]]:
        script = self.script
        offered = [(DEVICE, "/onvif/device_service")]
        if script.has_media1:
            offered.append((MEDIA, script.media_path))
        if script.profiles2:
            offered.append((MEDIA2, script.media2_path))
        return offered

    def _media2(self, request: Request) -> Response:
        script = self.script
        if request.operation == "GetProfiles":
            told = "".join(profile.xml(detailed="VideoEncoder" in request.body) for profile in script.profiles2)
            return soap(f"<tr2:GetProfilesResponse>{told}</tr2:GetProfilesResponse>")
        chosen = next((p for p in script.profiles2 if p.token == request.text("ProfileToken")), None)
        if chosen is None:
            return fault("ter:NoProfile", "Profile token does not exist")
        if request.operation == "GetStreamUri":
            if request.text("Protocol") not in script.protocols2:
                return fault("ter:InvalidArgVal", "no such protocol")
            uri = chosen.uri.format(address=self.address, token=chosen.token)
            return soap(f"<tr2:GetStreamUriResponse><tr2:Uri>{uri}</tr2:Uri></tr2:GetStreamUriResponse>")
        if request.operation == "GetSnapshotUri" and script.snapshot is not None:
            uri = script.snapshot.format(token=chosen.token)
            return soap(f"<tr2:GetSnapshotUriResponse><tr2:Uri>{uri}</tr2:Uri></tr2:GetSnapshotUriResponse>")
        return fault("ter:ActionNotSupported", "Optional action not implemented")


def _read_request(handler: socketserver.StreamRequestHandler) -> Request | None:
    words = handler.rfile.readline(65536).decode("latin-1").split()
    if len(words) < 2:
        return None
    headers: dict[str, str] = {}
    while line := handler.rfile.readline(65536).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = handler.rfile.read(int(headers.get("content-length", "0")))
    return Request(words[1], headers, body.decode())
