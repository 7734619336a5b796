"""API keys: ``vg_<8 characters>_<43 characters>``. Only a hash of the second part is stored.

The secret is 256 random bits, so a plain SHA-256 protects it as well as any slow hash would, and a key that was made
on one machine works wherever the database is.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select, update

from services.access.audit import Audit
from services.access.roles import Principal, Role
from services.access.tables import ApiKey, ApiKeyProvince
from services.contracts.errors import NotFound, Unauthenticated
from services.contracts.ids import PrincipalId, ProvinceUnitId, new_id
from services.contracts.scope import ProvinceScope
from services.runtime.clock import Clock
from services.storage.database import AsyncSession, Transactions
from services.storage.paging import Page, PageRequest, page_of

_FORM = re.compile(r"^vg_([0-9A-Za-z]{8})_([0-9A-Za-z_-]{43})$")
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz"
_NOTE_USE_EVERY = timedelta(minutes=1)


class KeyNotFound(NotFound):
    """No key has this id."""

    code = "key-not-found"


class ScopeOf(Protocol):
    """What a set of province units reaches. Satisfied by ``registry.provinces.scope_of``."""

    def __call__(self, ids: Collection[ProvinceUnitId] | None, /) -> ProvinceScope: ...


class ApiKeys:
    """Makes keys, knows who comes with one, revokes them."""

    def __init__(self, transactions: Transactions, audit: Audit, scope_of: ScopeOf, clock: Clock) -> None:
        self._transactions = transactions
        self._audit = audit
        self._scope_of = scope_of
        self._clock = clock

    async def create(
        self,
        name: str,
        role: Role,
        provinces: Collection[ProvinceUnitId],
        expires_at: datetime | None = None,
        *,
        made_by: PrincipalId | None = None,
        replace: bool = False,
    ) -> tuple[ApiKey, str]:
        """The row and the key in clear, which is shown this once only. ``replace`` revokes older keys of that name."""
        prefix = "".join(secrets.choice(_ALPHABET) for _ in range(8))
        secret = secrets.token_urlsafe(32)
        now = self._clock.now()
        row = ApiKey(
            id=new_id(),
            name=name,
            role=role,
            prefix=prefix,
            secret_hash=hashlib.sha256(secret.encode()).digest(),
            created_at=now,
            expires_at=expires_at,
        )
        async with self._transactions.write() as session:
            if replace:
                await session.execute(
                    update(ApiKey).where(ApiKey.name == name, ApiKey.revoked_at.is_(None)).values(revoked_at=now)
                )
            session.add(row)
            await session.flush()
            session.add_all(ApiKeyProvince(api_key_id=row.id, province_unit_id=unit) for unit in sorted(set(provinces)))
            await self._audit.record(
                session,
                principal_id=made_by,
                action="key.create",
                subject=str(row.id),
                details={"name": name, "role": role.value, "provinces": sorted(set(provinces))},
            )
        return row, f"vg_{prefix}_{secret}"

    async def authenticate(self, key: str) -> Principal:
        """Who comes with this key. Raises Unauthenticated, with one sentence for every cause but expiry."""
        match = _FORM.match(key)
        if match is None:
            raise Unauthenticated("This is not a key of ours: it looks like vg_XXXXXXXX_….")
        async with self._transactions.read() as session:
            row = (await session.scalars(select(ApiKey).where(ApiKey.prefix == match[1]))).one_or_none()
            # Compare even when there is no such key, so that the answer takes as long.
            expected = row.secret_hash if row is not None else bytes(32)
            genuine = hmac.compare_digest(hashlib.sha256(match[2].encode()).digest(), expected)
            if row is None or not genuine or row.revoked_at is not None:
                raise Unauthenticated("This key is not valid (any more).")
            principal = await self._principal(session, row)
        await self._note_use(row)
        return principal

    async def principal(self, key_id: UUID) -> Principal:
        """The principal of a key that was checked before. Raises Unauthenticated if it was revoked or expired since."""
        async with self._transactions.read() as session:
            row = await session.get(ApiKey, key_id)
            if row is None or row.revoked_at is not None:
                raise Unauthenticated("This key is not valid (any more).")
            return await self._principal(session, row)

    async def still_valid(self, key_id: UUID) -> bool:
        """Whether the key may still be used. For live views, which outlast the request that the key came with."""
        try:
            await self.principal(key_id)
        except Unauthenticated:
            return False
        return True

    async def keys(self, scope: ProvinceScope, page: PageRequest) -> Page[tuple[ApiKey, Sequence[ProvinceUnitId]]]:
        """Keys that reach no further than ``scope``, revoked ones too, with the units each was given."""
        query = _within(select(ApiKey), scope).order_by(ApiKey.id).limit(page.limit + 1)
        if page.after is not None:
            query = query.where(ApiKey.id > page.after)
        async with self._transactions.read() as session:
            rows: Sequence[ApiKey] = (await session.scalars(query)).all()
            units: dict[UUID, list[ProvinceUnitId]] = {row.id: [] for row in rows}
            found = await session.execute(
                select(ApiKeyProvince.api_key_id, ApiKeyProvince.province_unit_id)
                .where(ApiKeyProvince.api_key_id.in_(units))
                .order_by(ApiKeyProvince.province_unit_id)
            )
            for key_id, unit in found.all():
                units[key_id].append(unit)
        return page_of([(row, units[row.id]) for row in rows], page, lambda item: item[0].id)

    async def revoke(self, scope: ProvinceScope, key_id: UUID, *, revoked_by: PrincipalId | None) -> None:
        """From now on this key is refused. Raises KeyNotFound, also for a key that reaches further than ``scope``."""
        async with self._transactions.write() as session:
            row = (await session.scalars(_within(select(ApiKey).where(ApiKey.id == key_id), scope))).one_or_none()
            if row is None:
                raise KeyNotFound
            row.revoked_at = row.revoked_at or self._clock.now()
            await self._audit.record(
                session, principal_id=revoked_by, action="key.revoke", subject=str(key_id), details={"name": row.name}
            )

    async def _principal(self, session: AsyncSession, row: ApiKey) -> Principal:
        if row.expires_at is not None and row.expires_at <= self._clock.now():
            raise Unauthenticated("This key has expired. Ask an operator for a new one.")
        units = (
            await session.scalars(select(ApiKeyProvince.province_unit_id).where(ApiKeyProvince.api_key_id == row.id))
        ).all()
        return Principal(row.id, row.name, row.role, self._scope_of(units or None))

    async def _note_use(self, row: ApiKey) -> None:
        now = self._clock.now()
        if row.last_used_at is None or now - row.last_used_at > _NOTE_USE_EVERY:
            async with self._transactions.write() as session:
                await session.execute(update(ApiKey).where(ApiKey.id == row.id).values(last_used_at=now))


def _within(query: Any, scope: ProvinceScope) -> Any:
    """Only keys whose every province lies in scope, and that have one at all unless the scope is the whole country."""
    if scope.units is None:
        return query
    units = select(ApiKeyProvince.api_key_id)
    return query.where(
        ApiKey.id.in_(units), ApiKey.id.not_in(units.where(ApiKeyProvince.province_unit_id.not_in(scope.units)))
    )
