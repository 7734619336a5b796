"""What cameras were proved to do, asked within another part's own transaction. Satisfies the programme's port."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from services.aggregator.tables import CameraHealth, FacilityState
from services.contracts.camera import StreamFacts
from services.contracts.ids import CameraId, FacilityId
from services.contracts.ladder import Condition, Rung, State
from services.storage.database import AsyncSession


@dataclass(frozen=True, slots=True)
class CameraProof:
    """What a camera was last proved to do."""

    condition: Condition
    rung: Rung
    observed_at: datetime
    stream: StreamFacts


class HealthEvidence:
    """Reads what the aggregator wrote."""

    async def proofs_of(self, session: AsyncSession, cameras: Collection[CameraId]) -> Mapping[CameraId, CameraProof]:
        """What is known of these cameras; those that were never reported are absent."""
        rows = await session.scalars(select(CameraHealth).where(CameraHealth.camera_id.in_(cameras)))
        return {
            row.camera_id: CameraProof(row.condition, row.rung, row.observed_at, StreamFacts.model_validate(row.stream))
            for row in rows
        }

    async def online_counts(self, session: AsyncSession) -> Mapping[FacilityId, int]:
        """How many cameras are online at each facility that has any online, the whole country over."""
        rows = await session.execute(
            select(CameraHealth.facility_id, func.count())
            .where(CameraHealth.condition == Condition.ONLINE)
            .group_by(CameraHealth.facility_id)
        )
        return {row[0]: row[1] for row in rows.all()}

    async def facility_states(self, session: AsyncSession) -> Mapping[FacilityId, State]:
        """The state of each facility that has one; the others are unknown."""
        rows = await session.execute(select(FacilityState.facility_id, FacilityState.state))
        return {row[0]: row[1] for row in rows.all()}
