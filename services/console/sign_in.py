"""Signing in with an API key, signing out, choosing a language."""

import logging
import math
import secrets
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from services.access.sessions import ConsoleSessions, CsrfFailed
from services.console.frame import Frame, Visit
from services.console.gate import client_of, read_form
from services.console.language import parse_language
from services.console.navigation import safe_next, safe_path
from services.console.render import PAGE_HEADERS, Setting
from services.console.throttle import SignInThrottle
from services.contracts.errors import Forbidden, Unauthenticated
from services.runtime.clock import Clock

log = logging.getLogger(__name__)

_KEY_LENGTH_MAX = 200


class SignIn:
    """The pages for those who are not signed in, and the way out."""

    def __init__(self, sessions: ConsoleSessions, throttle: SignInThrottle, clock: Clock) -> None:
        self._sessions = sessions
        self._throttle = throttle
        self._clock = clock

    def routes(self, frame: Frame) -> Sequence[BaseRoute]:
        async def show(request: Request, setting: Setting) -> Response:
            return self._form(frame, request, setting, safe_next(request.query_params.get("next")))

        async def sign_in(request: Request, setting: Setting) -> Response:
            return await self._sign_in(frame, request, setting)

        async def sign_out(visit: Visit) -> Response:
            await self._sessions.sign_out(visit.request.cookies[frame.gate.session_cookie])
            answer = RedirectResponse("/sign-in", status_code=303, headers=PAGE_HEADERS)
            frame.gate.forget(answer, frame.gate.session_cookie)
            return answer

        async def choose_language(request: Request, _: Setting) -> Response:
            target = safe_path(request.query_params.get("next"))
            answer = RedirectResponse(target, status_code=303, headers=PAGE_HEADERS)
            language = parse_language(request.query_params.get("to"))
            if language is not None:
                frame.gate.keep_language(answer, language)
            return answer

        return [
            frame.open("/sign-in", show),
            frame.open("/sign-in", sign_in, method="POST"),
            frame.form("/sign-out", sign_out),
            frame.open("/language", choose_language),
        ]

    async def _sign_in(self, frame: Frame, request: Request, setting: Setting) -> Response:
        frame.gate.check_origin(request)
        form = await read_form(request)
        if not frame.form_token_matches(request, form.get("csrf", "")):
            raise CsrfFailed
        target, client = safe_next(form.get("next")), client_of(request)
        wait_s = self._throttle.take(client, self._clock.monotonic())
        if wait_s > 0:
            answer = self._form(frame, request, setting, target, "sign_in.too_often", 429, math.ceil(wait_s))
            answer.headers["Retry-After"] = str(math.ceil(wait_s))
            return answer
        try:
            session = await self._sessions.sign_in(form.get("key", "").strip()[:_KEY_LENGTH_MAX])
        except Unauthenticated:
            log.info("sign-in refused", extra={"client": client})
            return self._form(frame, request, setting, target, "sign_in.refused", 401)
        except Forbidden:
            log.info("sign-in with a key of a worker refused", extra={"client": client})
            return self._form(frame, request, setting, target, "sign_in.worker", 403)
        self._throttle.give_back(client, self._clock.monotonic())
        before = request.cookies.get(frame.gate.session_cookie)
        if before:
            await self._sessions.sign_out(before)
        answer = RedirectResponse(target, status_code=303, headers=PAGE_HEADERS)
        frame.gate.keep_session(answer, session)
        frame.gate.forget(answer, frame.gate.form_cookie)
        return answer

    def _form(
        self,
        frame: Frame,
        request: Request,
        setting: Setting,
        target: str,
        error: str | None = None,
        status: int = 200,
        wait_s: int = 0,
    ) -> Response:
        token = request.cookies.get(frame.gate.form_cookie) or secrets.token_urlsafe(32)
        values = {"token": token, "target": target, "error": error, "wait_s": wait_s}
        answer = frame.renderer.page("sign_in.html", setting, values, status)
        frame.gate.keep_form_token(answer, token)
        return answer
