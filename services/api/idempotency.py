"""POSTs that can be repeated: with an ``Idempotency-Key``, a repetition gets the first answer and does nothing again.

The rules are those of draft-ietf-httpapi-idempotency-key-header-07: another body under the same key is 422, a
repetition while the first is still under way 409. Answers are kept for a day. A request whose process died is taken to
be over after a minute; what it had stored already is then found by the unique keys of facilities and cameras.

Used for routes that register things. Not for those whose answer holds a secret: keys and live links.
"""

import hashlib
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from services.api.tables import IdempotentRequest
from services.contracts.errors import Conflict, Fault, Invalid
from services.runtime.clock import Clock
from services.storage.database import Transactions

HEADER = "Idempotency-Key"
_KEEP = timedelta(days=1)
_UNDER_WAY_AT_MOST = timedelta(minutes=1)


class RepeatedTooSoon(Conflict):
    """The first request with this Idempotency-Key is still under way. Repeat this one in a moment."""

    code = "idempotency-under-way"


class KeyUsedOtherwise(Invalid):
    """This Idempotency-Key came with another request before. Use a new key for each new request."""

    code = "idempotency-key-reused"

    def __init__(self) -> None:
        super().__init__(faults=(Fault(f"/{HEADER}", "came with another request before"),))


class KeyUnusable(Invalid):
    """An Idempotency-Key is 1 to 255 printable ASCII characters."""

    code = "idempotency-key-unusable"

    def __init__(self) -> None:
        super().__init__(faults=(Fault(f"/{HEADER}", "must be 1 to 255 printable ASCII characters"),))


class IdempotencyStore:
    """Remembers answers by principal and key."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def begin(self, principal_id: UUID, key: str, fingerprint: bytes) -> Response | None:
        """The first answer, if there was one; None when the request is to be carried out.

        Raises RepeatedTooSoon or KeyUsedOtherwise.
        """
        now = self._clock.now()
        try:
            async with self._transactions.write() as session:
                await session.execute(delete(IdempotentRequest).where(IdempotentRequest.began_at < now - _KEEP))
                known = await session.get(IdempotentRequest, (principal_id, key), with_for_update=True)
                if known is None:
                    session.add(
                        IdempotentRequest(principal_id=principal_id, key=key, fingerprint=fingerprint, began_at=now)
                    )
                    return None
                return _known_answer(known, fingerprint, now)
        except IntegrityError as error:  # the same request came twice in the same moment
            raise RepeatedTooSoon from error

    async def finish(self, principal_id: UUID, key: str, answer: Response | None) -> None:
        """Keep the answer; without one, or with a failure of ours, the request may be tried again."""
        async with self._transactions.write() as session:
            row = await session.get(IdempotentRequest, (principal_id, key))
            if row is None:
                return
            if answer is None or answer.status_code >= 500:
                await session.delete(row)
                return
            row.status, row.media_type, row.body = answer.status_code, answer.media_type, bytes(answer.body)
            row.location, row.etag = answer.headers.get("location"), answer.headers.get("etag")


def _known_answer(row: IdempotentRequest, fingerprint: bytes, now: datetime) -> Response | None:
    if row.fingerprint != fingerprint:
        raise KeyUsedOtherwise
    if row.status is not None:
        headers = {"Idempotent-Replayed": "true"}
        headers |= {name: value for name, value in (("Location", row.location), ("ETag", row.etag)) if value}
        return Response(row.body, row.status, headers, row.media_type)
    if now - row.began_at < _UNDER_WAY_AT_MOST:
        raise RepeatedTooSoon
    row.began_at = now
    return None


class IdempotentRoute(APIRoute):
    """A route whose POSTs honour the header."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        carry_out = super().get_route_handler()

        async def handler(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if key is None or request.method != "POST":
                return await carry_out(request)
            if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
                raise KeyUnusable
            services = request.app.state.services
            # Refused keys are answered by the route itself, which says which scope is lacking.
            token = request.headers.get("authorization", "").partition(" ")[2] or request.headers.get("x-api-key", "")
            principal = await services.keys.authenticate(token)
            store: IdempotencyStore = services.idempotency
            known = await store.begin(principal.id, key, _fingerprint(request, await request.body()))
            if known is not None:
                return known
            answer: Response | None = None
            try:
                answer = await carry_out(request)
            finally:
                # An error of the request is an exception here and is not kept: repeated, it is found again.
                await store.finish(principal.id, key, answer)
            return answer

        return handler


def _fingerprint(request: Request, body: bytes) -> bytes:
    target = f"{request.method} {request.url.path}?{request.url.query}\n"
    return hashlib.sha256(target.encode() + body).digest()
