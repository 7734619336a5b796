"""The ways to sign in that a site commonly uses. Searches try them in order. Why so: docs/decisions/0028."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.contracts.discovery import CREDENTIALS_MAX
from services.contracts.ids import FacilityId, PrincipalId, new_id
from services.contracts.scope import ProvinceScope
from services.registry import discovery_repository, repository
from services.registry.credentials import CredentialVault
from services.registry.discovery_tables import CredentialSet
from services.registry.errors import CredentialSetNotFound, FacilityNotFound, TooManyCredentialSets
from services.registry.ports import AuditLog
from services.registry.tables import Facility
from services.runtime.clock import Clock
from services.storage.database import AsyncSession, Transactions


@dataclass(frozen=True, slots=True)
class NewCredentialSet:
    """A set as somebody enters it. ``position`` None: last, or where it was."""

    label: str
    username: str = field(repr=False)
    password: str = field(repr=False)
    position: int | None = None


class CredentialSets:
    """Enters, lists and removes sets."""

    def __init__(self, transactions: Transactions, vault: CredentialVault, audit: AuditLog, clock: Clock) -> None:
        self._transactions = transactions
        self._vault = vault
        self._audit = audit
        self._clock = clock

    async def of(self, scope: ProvinceScope, facility_id: FacilityId) -> Sequence[CredentialSet]:
        """In the order in which they are tried. Raises FacilityNotFound."""
        async with self._transactions.read() as session:
            if await repository.facility(session, scope, facility_id) is None:
                raise FacilityNotFound
            return await discovery_repository.credential_sets(session, facility_id)

    async def add(
        self, principal: PrincipalId, scope: ProvinceScope, facility_id: FacilityId, new: NewCredentialSet
    ) -> CredentialSet:
        """Raises FacilityNotFound or TooManyCredentialSets."""
        async with self._transactions.write() as session:
            facility = await repository.facility_locked(session, scope, facility_id)
            if facility is None:
                raise FacilityNotFound
            there = await discovery_repository.credential_sets(session, facility_id)
            if len(there) >= CREDENTIALS_MAX:
                raise TooManyCredentialSets
            now = self._clock.now()
            last = max((row.position for row in there), default=0)
            row = CredentialSet(id=new_id(), facility_id=facility_id, version=1, created_at=now, updated_at=now)
            row.label, row.position = new.label, last + 1 if new.position is None else new.position
            self._vault.enter_set(row, new.username, new.password)
            session.add(row)
            await self._record(session, principal, "credential_set.add", row, facility)
        return row

    async def replace(
        self, principal: PrincipalId, scope: ProvinceScope, set_id: UUID, new: NewCredentialSet
    ) -> CredentialSet:
        """Other credentials under the same id. Hosts that refused the old ones have said nothing of these."""
        async with self._transactions.write() as session:
            row, facility = _found(await discovery_repository.credential_set(session, scope, set_id))
            row.label = new.label
            row.position = row.position if new.position is None else new.position
            row.version += 1
            row.updated_at = self._clock.now()
            self._vault.enter_set(row, new.username, new.password)
            await self._record(session, principal, "credential_set.replace", row, facility)
        return row

    async def remove(self, principal: PrincipalId, scope: ProvinceScope, set_id: UUID) -> None:
        """Forget a set. Cameras that were adopted with it keep their own copy."""
        async with self._transactions.write() as session:
            row, facility = _found(await discovery_repository.credential_set(session, scope, set_id))
            await session.delete(row)
            await self._record(session, principal, "credential_set.remove", row, facility)

    async def _record(
        self, session: AsyncSession, principal: PrincipalId, action: str, row: CredentialSet, facility: Facility
    ) -> None:
        await self._audit.record(
            session,
            principal_id=principal,
            action=action,
            subject=str(row.id),
            province_unit_id=facility.province_unit_id,
            details={"facility_id": str(facility.id), "label": row.label, "version": row.version},
        )


def _found(row: tuple[CredentialSet, Facility] | None) -> tuple[CredentialSet, Facility]:
    if row is None:
        raise CredentialSetNotFound
    return row
