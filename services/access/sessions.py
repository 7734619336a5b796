"""Console sessions: an API key exchanged for a random cookie, with a CSRF token beside it."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete

from services.access.keys import ApiKeys
from services.access.roles import Principal, Scope
from services.access.tables import ConsoleSession
from services.contracts.errors import Forbidden, Unauthenticated
from services.runtime.clock import Clock
from services.storage.database import Transactions


class CsrfFailed(Forbidden):
    """The form is stale or came from elsewhere. Load the page again and repeat."""

    code = "csrf-failed"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser that is signed in."""

    principal: Principal
    csrf_token: str

    def check_csrf(self, token: str) -> None:
        """Raises CsrfFailed."""
        if not hmac.compare_digest(token.encode(), self.csrf_token.encode()):
            raise CsrfFailed


class ConsoleSessions:
    """Signs browsers in and out."""

    def __init__(self, transactions: Transactions, keys: ApiKeys, lifetime: timedelta, clock: Clock) -> None:
        self._transactions = transactions
        self._keys = keys
        self.lifetime = lifetime
        self._clock = clock

    async def sign_in(self, key: str) -> str:
        """The cookie's value for a new session. Raises Unauthenticated, or Forbidden for a key of a worker."""
        principal = await self._keys.authenticate(key)
        principal.require(Scope.STATUS_READ)
        value = secrets.token_urlsafe(32)
        now = self._clock.now()
        async with self._transactions.write() as session:
            await session.execute(delete(ConsoleSession).where(ConsoleSession.expires_at <= now))
            session.add(
                ConsoleSession(
                    id_hash=_hash(value),
                    api_key_id=principal.id,
                    csrf_token=secrets.token_urlsafe(32),
                    created_at=now,
                    expires_at=now + self.lifetime,
                )
            )
        return value

    async def signed_in(self, value: str) -> SignedIn:
        """Who this cookie belongs to. Raises Unauthenticated."""
        async with self._transactions.read() as session:
            row = await session.get(ConsoleSession, _hash(value))
        if row is None or row.expires_at <= self._clock.now():
            raise Unauthenticated("You are signed out. Sign in again.")
        return SignedIn(await self._keys.principal(row.api_key_id), row.csrf_token)

    async def sign_out(self, value: str) -> None:
        async with self._transactions.write() as session:
            await session.execute(delete(ConsoleSession).where(ConsoleSession.id_hash == _hash(value)))


def _hash(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()
