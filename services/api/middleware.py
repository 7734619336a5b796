"""What every request passes through: a bound on bodies, an access log without secrets, safe headers. Pure ASGI."""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.errors import problem

log = logging.getLogger("services.access_log")

BODY_MAX = 1024 * 1024
#: What searches found: thousands of hosts with all their streams.
FINDINGS_MAX = 8 * BODY_MAX
_FINDINGS = re.compile(r"/v1/(discoveries/findings|workers/[^/]+/discoveries/[^/]+)")
BODY_TIMEOUT_S = 30.0

_SAFE_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)


class BodyLimit:
    """Refuses bodies over 1 MiB with 413, after draining at most as much again so that the client can read the answer.

    The body is read here, whole and within 30 s, before the app sees the request: none of our bodies is large. Only
    findings of searches may have 8 MiB.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        size_max = FINDINGS_MAX if _FINDINGS.fullmatch(scope["path"]) else BODY_MAX
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body, complete = await _read(receive, size_max)
        except TimeoutError:
            await problem(408, "body-timeout", f"The body did not arrive within {BODY_TIMEOUT_S:g} s.")(
                scope, receive, send
            )
            return
        if not complete:
            return  # the client went away
        if body is None:
            detail = f"The body is larger than {size_max // 1024**2} MiB."
            answer = problem(413, "body-too-large", detail, headers={"Connection": "close"})
            await answer(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)


async def _read(receive: Receive, size_max: int) -> tuple[bytes | None, bool]:
    """(body, True); (None, True) for one that is too large; (None, False) if the client went away."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None, False
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= size_max:
            chunks.append(chunk)
        else:
            chunks.clear()
        if not message.get("more_body", False):
            break
        if size > 2 * size_max:
            return None, True
    return (b"".join(chunks), True) if size <= size_max else (None, True)


def _replay(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    sent = False

    async def replayed() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


class AccessLog:
    """One line a request, with the path but never the query, in which live links carry their token.

    Also gives every answer a request id and headers that keep browsers from guessing.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        request_id = uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    *(header for header in _SAFE_HEADERS if header[0] not in present),
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            quiet = scope["path"] in {"/livez", "/readyz", "/metrics"}
            log.log(
                logging.DEBUG if quiet else logging.INFO,
                "request",
                extra={
                    "method": scope["method"],
                    "path": scope["path"],
                    "status": status,
                    "ms": round((time.monotonic() - started) * 1000, 1),
                    "principal": str(scope["state"].get("principal_id", "")),
                    "request_id": request_id,
                },
            )
