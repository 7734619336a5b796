"""What surrounds every page: who asks, may they, in which language, and what they see when it fails."""

import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope as AsgiScope

from services.access.roles import Principal, Scope
from services.access.sessions import SignedIn
from services.console.gate import Gate, read_form
from services.console.language import accepted_language, parse_language
from services.console.navigation import HOME, with_next
from services.console.render import PAGE_HEADERS, Renderer, Setting
from services.contracts.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    ServiceError,
    Unauthenticated,
    Unavailable,
)
from services.contracts.scope import ProvinceScope
from services.runtime.clock import Clock

log = logging.getLogger(__name__)

STATUS: dict[type[ServiceError], int] = {
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Invalid: 422,
    Unavailable: 503,
}

#: Addresses that are not the console's: what is not found there is answered by the API in its own form.
_NOT_OURS = ("/v1/", "/live/", "/livez", "/readyz", "/metrics", "/openapi.json")


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of somebody who is signed in and may make it."""

    request: Request
    setting: Setting
    signed_in: SignedIn

    @property
    def principal(self) -> Principal:
        return self.signed_in.principal

    @property
    def provinces(self) -> ProvinceScope:
        return self.principal.provinces


Handler: TypeAlias = Callable[[Visit], Awaitable[Response]]
OpenHandler: TypeAlias = Callable[[Request, Setting], Awaitable[Response]]


class Frame:
    """Makes routes from handlers."""

    def __init__(self, gate: Gate, renderer: Renderer, clock: Clock) -> None:
        self.gate = gate
        self.renderer = renderer
        self._clock = clock

    def page(self, path: str, handler: Handler, *scopes: Scope) -> Route:
        """A page for those who are signed in and have these scopes; others are led to the sign-in."""

        async def produce(request: Request) -> Response:
            return await handler(await self._visit(request, scopes))

        return Route(path, self._guarded(produce), methods=["GET"])

    def form(self, path: str, handler: Handler, *scopes: Scope) -> Route:
        """Where a form of ours goes, with the CSRF token of the session in its field ``csrf``."""

        async def produce(request: Request) -> Response:
            self.gate.check_origin(request)
            visit = await self._visit(request, scopes)
            visit.signed_in.check_csrf((await read_form(request)).get("csrf", ""))
            return await handler(visit)

        return Route(path, self._guarded(produce), methods=["POST"])

    def script_call(self, path: str, handler: Handler, *scopes: Scope) -> Route:
        """Where a script of ours posts, with the CSRF token in a header. Errors are JSON ``{error}``."""

        async def produce(request: Request) -> Response:
            setting = self.setting(request)
            try:
                self.gate.check_origin(request)
                visit = await self._visit(request, scopes)
                visit.signed_in.check_csrf(request.headers.get("x-csrf-token", ""))
                return await handler(visit)
            except ServiceError as error:
                text = self.renderer.error_text(setting.language, status_of(error), error.code)
                return JSONResponse({"error": text}, status_of(error), headers={"Cache-Control": "no-store"})

        return Route(path, self._guarded(produce), methods=["POST"])

    def open(self, path: str, handler: OpenHandler, *, method: str = "GET") -> Route:
        """A page for everybody."""

        async def produce(request: Request) -> Response:
            return await handler(request, self.setting(request))

        return Route(path, self._guarded(produce), methods=[method])

    def not_found(self) -> Route:
        """The last route: a page for browsers that ask for what is not there."""

        async def produce(request: Request) -> Response:
            await self._visit(request, ())
            raise NotFound

        return _BrowserRoute("/{path:path}", self._guarded(produce), methods=["GET"])

    def setting(self, request: Request, signed_in: SignedIn | None = None) -> Setting:
        language = parse_language(request.cookies.get(self.gate.language_cookie))
        query = f"?{request.url.query}" if request.url.query else ""
        return Setting(
            language=language or accepted_language(request.headers.get("accept-language", "")),
            now=self._clock.now(),
            here=request.url.path + query if request.method in {"GET", "HEAD"} else HOME,
            signed_in=signed_in,
        )

    def form_token_matches(self, request: Request, token: str) -> bool:
        """Whether a form without a session carries the token of the cookie that was set with it."""
        kept = request.cookies.get(self.gate.form_cookie, "")
        return bool(kept) and hmac.compare_digest(kept.encode(), token.encode())

    async def _visit(self, request: Request, scopes: tuple[Scope, ...]) -> Visit:
        signed_in = await self.gate.signed_in(request)
        request.state.signed_in = signed_in
        for scope in scopes:
            signed_in.principal.require(scope)
        return Visit(request, self.setting(request, signed_in), signed_in)

    def _guarded(self, produce: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                return await produce(request)
            except Unauthenticated:
                return self._to_sign_in(request)
            except ServiceError as error:
                return self._error_page(request, status_of(error), error.code)
            except Exception:
                log.exception("unexpected error", extra={"path": request.url.path})
                return self._error_page(request, 500, "internal")

        return endpoint

    def _to_sign_in(self, request: Request) -> Response:
        setting = self.setting(request)
        followed = request.headers.get("sec-fetch-site") == "cross-site"
        if followed and request.method == "GET" and self.gate.session_cookie not in request.cookies:
            # A link from elsewhere: the browser keeps SameSite=Strict cookies back until a page of ours asks again.
            return self.renderer.page("again.html", setting)
        target = with_next("/sign-in", setting.here)
        return RedirectResponse(target, status_code=303, headers=PAGE_HEADERS)

    def _error_page(self, request: Request, status: int, code: str) -> Response:
        setting = self.setting(request, getattr(request.state, "signed_in", None))
        text = self.renderer.error_text(setting.language, status, code)
        return self.renderer.page("error.html", setting, {"status": status, "text": text}, status)


class _BrowserRoute(Route):
    """Matches what a browser navigates to and no other route has: never an address of the API."""

    def matches(self, scope: AsgiScope) -> tuple[Match, AsgiScope]:
        path: str = scope["path"] if scope["type"] == "http" else "/v1/"
        accepts = dict(scope["headers"]).get(b"accept", b"") if scope["type"] == "http" else b""
        if path.startswith(_NOT_OURS) or b"text/html" not in accepts:
            return Match.NONE, {}
        return super().matches(scope)


def status_of(error: ServiceError) -> int:
    """The HTTP status of an error of ours."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
