"""The audit: entries are added in the transaction of what they tell of, and read by operators."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.access.tables import AuditEntry
from services.contracts.ids import PrincipalId, new_id
from services.contracts.scope import ProvinceScope
from services.runtime.clock import Clock
from services.storage.database import AsyncSession, Transactions
from services.storage.paging import Page, PageRequest, page_of


class Audit:
    """Satisfies the ``AuditLog`` ports of registry, programme and live."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def record(
        self,
        session: AsyncSession,
        *,
        principal_id: PrincipalId | None,
        action: str,
        subject: str,
        province_unit_id: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        """Add an entry in the caller's transaction."""
        session.add(
            AuditEntry(
                id=new_id(),
                at=self._clock.now(),
                principal_id=principal_id,
                action=action,
                subject=subject,
                province_unit_id=province_unit_id,
                details=details or {},
            )
        )

    async def entries(
        self,
        scope: ProvinceScope,
        page: PageRequest,
        *,
        action: str | None = None,
        subject: str | None = None,
        principal_id: UUID | None = None,
    ) -> Page[AuditEntry]:
        """Entries in order of time. Those without a province are for keys that reach the whole country."""
        query = select(AuditEntry).order_by(AuditEntry.id).limit(page.limit + 1)
        if scope.units is not None:
            query = query.where(AuditEntry.province_unit_id.in_(scope.units))
        if action is not None:
            query = query.where(AuditEntry.action == action)
        if subject is not None:
            query = query.where(AuditEntry.subject == subject)
        if principal_id is not None:
            query = query.where(AuditEntry.principal_id == principal_id)
        if page.after is not None:
            query = query.where(AuditEntry.id > page.after)
        async with self._transactions.read() as session:
            rows: Sequence[AuditEntry] = (await session.scalars(query)).all()
        return page_of(rows, page, lambda row: row.id)
