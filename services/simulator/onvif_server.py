"""The ONVIF port of one device: who may ask what, and snapshots."""

import asyncio
import base64
import contextlib
from collections.abc import Callable
from enum import StrEnum

from services.simulator.digest import DigestGuard, Verdict
from services.simulator.http_server import HttpRequest, HttpResponse, HttpServer
from services.simulator.onvif_device import DEVICE_OPERATIONS
from services.simulator.onvif_manners import instead_of_soap, spoiled
from services.simulator.onvif_media import MEDIA2_OPERATIONS, MEDIA_OPERATIONS
from services.simulator.onvif_view import DEVICE_PATH, MEDIA2_PATH, MEDIA_PATH, SNAPSHOT_PATH, DeviceView
from services.simulator.quirks import Quirk
from services.simulator.soap import CONTENT_TYPE, Markup, SoapFault, SoapRequest, envelope, fault_envelope, parse
from services.simulator.state import DeviceState
from services.simulator.wsse import TokenJudge, is_odd

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
_SLOW_S = 3.0
_BUSY_S = 0.05
#: No client waits that long.
_HANG_S = 300.0


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
        self._closing = asyncio.Event()
        self._busy = False

    async def stop(self) -> None:
        """Close the port and all connections; nothing is waited for."""
        self._closing.set()
        await self.listener.stop()

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        quirks = self._state.quirks
        if Quirk.HANGS in quirks:
            await self._idle(_HANG_S)
        if Quirk.SLOW_ANSWERS in quirks:
            await self._idle(_SLOW_S)
        if Quirk.ONE_AT_A_TIME in quirks:
            if self._busy:
                return HttpResponse(503, b"busy")
            self._busy = True
            await self._idle(_BUSY_S)
            self._busy = False
        return instead_of_soap(request, quirks) or spoiled(self._reply(request), quirks)

    async def _idle(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()

    def _reply(self, request: HttpRequest) -> HttpResponse:
        view = self._view(request.local_host)
        if request.path.startswith(SNAPSHOT_PATH):
            return self._snapshot(request, view)
        if request.path not in _SERVICE_PATHS:
            return HttpResponse(404, b"there is no service here")
        if request.method != "POST":
            return HttpResponse(405, b"SOAP needs POST", headers=(("Allow", "POST"),))
        try:
            call = parse(request.body)
            if call.operation not in self._open_to_all():
                refused = self._refusal(request, call)
                if refused is not None:
                    return refused
            return HttpResponse(200, envelope(self._carry_out(view, call)), CONTENT_TYPE)
        except SoapFault as fault:
            return HttpResponse(fault.http_status, fault_envelope(fault), CONTENT_TYPE)

    def _open_to_all(self) -> frozenset[str]:
        hidden = {"tds:GetSystemDateAndTime"} if self._state.has(Quirk.CLOCK_WANTS_PASSWORD) else set()
        return PRE_AUTH - hidden

    def _carry_out(self, view: DeviceView, call: SoapRequest) -> Markup:
        operations = DEVICE_OPERATIONS | MEDIA_OPERATIONS | (MEDIA2_OPERATIONS if view.has_media2 else {})
        operation = operations.get(call.operation)
        if operation is None or call.operation in self._missing():
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

    def _missing(self) -> set[str]:
        lacking = {
            Quirk.NO_GET_SERVICES: "tds:GetServices",
            Quirk.NO_INTERFACES: "tds:GetNetworkInterfaces",
        }
        return {operation for quirk, operation in lacking.items() if self._state.has(quirk)}

    @property
    def _username(self) -> str:
        return f"onvif-{self._state.username}" if self._state.has(Quirk.ONVIF_ACCOUNT) else self._state.username

    def _check_token(self, call: SoapRequest) -> None:
        """Raises SoapFault. Without credentials the answer is the same as with wrong ones (ONVIF Core 5.9.4)."""
        state, token = self._state, call.token
        if token is None:
            raise SoapFault("env:Sender", ("ter:NotAuthorized",), "sender not authorized")
        if state.has(Quirk.NONCE_LOCK) and self._tokens.knows(token):
            state.account.lock()
        password = state.password_under(state.fault)
        right = not is_odd(token, state.quirks) and self._tokens.accepts(
            token, username=self._username, password=password, now=state.now()
        )
        if not state.judged(right=right):
            raise SoapFault("env:Sender", ("ter:NotAuthorized",), f"sender not authorized{self._hint()}")

    def _hint(self) -> str:
        """What a device that counts wrong passwords says of them."""
        account = self._state.account
        if account.locked_s:
            return f": user {account.username} is locked, try again in {account.locked_s:.0f} seconds"
        return f". You still have {account.left} attempts" if self._state.has(Quirk.LOCKOUT) else ""

    def _challenge(self, request: HttpRequest) -> HttpResponse | None:
        state = self._state
        only_for = request.target if state.has(Quirk.NONCE_PER_URI) else ""
        verdict = self._guard.judge(
            request.headers.get("authorization"),
            method=request.method,
            uri=request.target,
            username=self._username,
            password=state.password_under(state.fault),
            only_for=only_for,
        )
        judged = verdict in {Verdict.ACCEPTED, Verdict.REFUSED}
        if judged and state.judged(right=verdict is Verdict.ACCEPTED):
            return None
        challenges = self._guard.challenges(stale=verdict is Verdict.STALE, only_for=only_for)
        headers = tuple(("WWW-Authenticate", challenge) for challenge in challenges)
        notice = self._notice() if judged else b""
        return HttpResponse(401, notice, "application/xml" if notice else "text/plain", headers)

    def _notice(self) -> bytes:
        """The body of a refusal, in the form of a family of cameras that lock themselves."""
        account = self._state.account
        if account.locked_s:
            return (
                "<userCheck><statusValue>401</statusValue><statusString>Unauthorized</statusString>"
                f"<lockStatus>lock</lockStatus><unlockTime>{account.locked_s:.0f}</unlockTime></userCheck>"
            ).encode()
        if self._state.has(Quirk.LOCKOUT):
            return (
                "<userCheck><statusValue>401</statusValue><statusString>Unauthorized</statusString>"
                f"<lockStatus>unlock</lockStatus><retryLoginTime>{account.left}</retryLoginTime></userCheck>"
            ).encode()
        return b""

    def _ask_basic(self, request: HttpRequest) -> HttpResponse | None:
        state = self._state
        login = f"{self._username}:{state.password_under(state.fault)}".encode()
        given = request.headers.get("authorization")
        if given and state.judged(right=given == f"Basic {base64.b64encode(login).decode()}"):
            return None
        return HttpResponse(401, headers=(("WWW-Authenticate", 'Basic realm="snapshot"'),))

    def _snapshot(self, request: HttpRequest, view: DeviceView) -> HttpResponse:
        """A picture of what a profile shows. Wants digest also where SOAP wants WS-Security, which GET cannot carry."""
        if request.method != "GET":
            return HttpResponse(405, b"snapshots are read with GET", headers=(("Allow", "GET"),))
        ask = self._ask_basic if self._state.has(Quirk.SNAPSHOT_BASIC) else self._challenge
        refused = None if self._mode is AuthMode.NONE else ask(request)
        if refused is not None:
            return refused
        try:
            _, stream = view.find(request.path.removeprefix(SNAPSHOT_PATH).removesuffix(".jpg"))
        except SoapFault:
            return HttpResponse(404, b"there is no such profile")
        endless = self._state.has(Quirk.ENDLESS_SNAPSHOT)
        return HttpResponse(200, stream.mount.loop.jpeg, "image/jpeg", endless=endless)
