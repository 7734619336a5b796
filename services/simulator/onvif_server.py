"""The ONVIF port of one device: who may ask what, and snapshots."""

from collections.abc import Callable
from enum import StrEnum

from services.simulator.digest import DigestGuard, Verdict
from services.simulator.http_server import HttpRequest, HttpResponse, HttpServer
from services.simulator.onvif_device import DEVICE_OPERATIONS
from services.simulator.onvif_media import MEDIA2_OPERATIONS, MEDIA_OPERATIONS
from services.simulator.onvif_view import DEVICE_PATH, MEDIA2_PATH, MEDIA_PATH, SNAPSHOT_PATH, DeviceView
from services.simulator.soap import CONTENT_TYPE, Markup, SoapFault, SoapRequest, envelope, fault_envelope, parse
from services.simulator.state import DeviceState
from services.simulator.wsse import TokenJudge

#: Access class PRE_AUTH (ONVIF Core section 5.9.4.3, devicemgmt): answered without credentials.
PRE_AUTH = frozenset(
    {
        "tds:GetSystemDateAndTime",
        "tds:GetServices",
        "tds:GetServiceCapabilities",
        "tds:GetCapabilities",
        "tds:GetEndpointReference",
        "tds:GetHostname",
        "trt:GetServiceCapabilities",
        "tr2:GetServiceCapabilities",
    }
)
_SERVICE_PATHS = frozenset({DEVICE_PATH, MEDIA_PATH, MEDIA2_PATH})


class AuthMode(StrEnum):
    """How a device wants to be convinced."""

    NONE = "none"
    DIGEST = "digest"
    WSSE = "wsse"


class OnvifServer:
    """Answers SOAP requests. ``view`` shows the device as it is seen at a local address."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        mode: AuthMode,
        guard: DigestGuard,
        state: DeviceState,
        view: Callable[[str], DeviceView],
    ) -> None:
        self._server = HttpServer(host, port, self._answer)
        self.listener = self._server.listener
        self._mode = mode
        self._guard = guard
        self._tokens = TokenJudge()
        self._state = state
        self._view = view

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        view = self._view(request.local_host)
        if request.path.startswith(SNAPSHOT_PATH):
            return self._snapshot(request, view)
        if request.path not in _SERVICE_PATHS:
            return HttpResponse(404, b"there is no service here")
        if request.method != "POST":
            return HttpResponse(405, b"SOAP needs POST", headers=(("Allow", "POST"),))
        try:
            call = parse(request.body)
            if call.operation not in PRE_AUTH:
                refused = self._refusal(request, call)
                if refused is not None:
                    return refused
            return HttpResponse(200, envelope(self._carry_out(view, call)), CONTENT_TYPE)
        except SoapFault as fault:
            return HttpResponse(fault.http_status, fault_envelope(fault), CONTENT_TYPE)

    def _carry_out(self, view: DeviceView, call: SoapRequest) -> Markup:
        operations = DEVICE_OPERATIONS | MEDIA_OPERATIONS | (MEDIA2_OPERATIONS if view.has_media2 else {})
        operation = operations.get(call.operation)
        if operation is None:
            raise SoapFault("env:Receiver", ("ter:ActionNotSupported",), "this operation is not supported")
        return operation(view, call)

    def _refusal(self, request: HttpRequest, call: SoapRequest) -> HttpResponse | None:
        match self._mode:
            case AuthMode.NONE:
                return None
            case AuthMode.DIGEST:
                return self._challenge(request)
            case AuthMode.WSSE:
                self._check_token(call)
                return None

    def _check_token(self, call: SoapRequest) -> None:
        """Raises SoapFault. Without credentials the answer is the same as with wrong ones (ONVIF Core 5.9.4)."""
        state = self._state
        if call.token is not None:
            password = state.password_under(state.fault)
            if self._tokens.accepts(call.token, username=state.username, password=password, now=state.now()):
                return
            state.refusals += 1
        raise SoapFault("env:Sender", ("ter:NotAuthorized",), "sender not authorized")

    def _challenge(self, request: HttpRequest) -> HttpResponse | None:
        state = self._state
        verdict = self._guard.judge(
            request.headers.get("authorization"),
            method=request.method,
            uri=request.target,
            username=state.username,
            password=state.password_under(state.fault),
        )
        if verdict is Verdict.ACCEPTED:
            return None
        if verdict is Verdict.REFUSED:
            state.refusals += 1
        challenges = self._guard.challenges(stale=verdict is Verdict.STALE)
        return HttpResponse(401, b"", headers=tuple(("WWW-Authenticate", challenge) for challenge in challenges))

    def _snapshot(self, request: HttpRequest, view: DeviceView) -> HttpResponse:
        """A picture of what a profile shows. Wants digest also where SOAP wants WS-Security, which GET cannot carry."""
        if request.method != "GET":
            return HttpResponse(405, b"snapshots are read with GET", headers=(("Allow", "GET"),))
        refused = None if self._mode is AuthMode.NONE else self._challenge(request)
        if refused is not None:
            return refused
        try:
            _, stream = view.find(request.path.removeprefix(SNAPSHOT_PATH).removesuffix(".jpg"))
        except SoapFault:
            return HttpResponse(404, b"there is no such profile")
        return HttpResponse(200, stream.mount.loop.jpeg, "image/jpeg")
