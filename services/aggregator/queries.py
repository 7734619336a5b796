"""The read side of the aggregator. Callers have made sure that the ids are within the asker's provinces."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from services.aggregator.tables import CameraHealth, FacilityState, FacilityStateChange
from services.storage.database import Transactions
from services.storage.paging import Page, PageRequest, page_of

#: Ids in one IN list; SQLite allows 32,766 parameters.
_CHUNK = 5000


class StatusQueries:
    """Conditions and states as they were last written."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def camera_health(self, camera_id: UUID) -> CameraHealth | None:
        async with self._transactions.read() as session:
            return await session.get(CameraHealth, camera_id)

    async def camera_healths(self, camera_ids: Collection[UUID]) -> Mapping[UUID, CameraHealth]:
        async with self._transactions.read() as session:
            found: dict[UUID, CameraHealth] = {}
            for chunk in _chunks(list(camera_ids)):
                rows = await session.scalars(select(CameraHealth).where(CameraHealth.camera_id.in_(chunk)))
                found.update({row.camera_id: row for row in rows})
            return found

    async def facility_state(self, facility_id: UUID) -> FacilityState | None:
        async with self._transactions.read() as session:
            return await session.get(FacilityState, facility_id)

    async def facility_states(self, facility_ids: Collection[UUID]) -> Mapping[UUID, FacilityState]:
        async with self._transactions.read() as session:
            found: dict[UUID, FacilityState] = {}
            for chunk in _chunks(list(facility_ids)):
                rows = await session.scalars(select(FacilityState).where(FacilityState.facility_id.in_(chunk)))
                found.update({row.facility_id: row for row in rows})
            return found

    async def state_changes(self, facility_id: UUID, page: PageRequest) -> Page[FacilityStateChange]:
        """Changes of one facility in order of time."""
        query = (
            select(FacilityStateChange)
            .where(FacilityStateChange.facility_id == facility_id)
            .order_by(FacilityStateChange.id)
            .limit(page.limit + 1)
        )
        if page.after is not None:
            query = query.where(FacilityStateChange.id > page.after)
        async with self._transactions.read() as session:
            return page_of((await session.scalars(query)).all(), page, lambda row: row.id)


def _chunks(ids: Sequence[UUID]) -> Sequence[Sequence[UUID]]:
    return [ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK)]
