"""What stands beside the programme in its tests: a clock, a bus, and evidence read from the aggregator's own tables."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from services.aggregator.tables import CameraHealth, FacilityState
from services.contracts.camera import StreamFacts
from services.contracts.errors import Unavailable
from services.contracts.ladder import Condition, Rung, State
from services.contracts.messages import Message
from services.registry.roster import RegistryRoster
from services.registry.tables import Camera
from services.storage.database import AsyncSession

#: Noon in Viet Nam, on the day of the letter that began the programme.
NOON = datetime(2021, 5, 10, 5, 0, tzinfo=UTC)


class SettableClock:
    """Stands still until somebody moves it."""

    def __init__(self, now: datetime = NOON) -> None:
        self.moment = now

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    def advance(self, by: timedelta) -> None:
        self.moment += by


class KeepingPublisher:
    """Keeps what is published; away while ``away`` is True."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.away = False

    async def publish(self, message: Message) -> None:
        if self.away:
            raise Unavailable("The message broker does not answer.")
        self.messages.append(message)


FULL_HD = StreamFacts(codec="h264", width=1920, height=1080, fps=25.0)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a camera was last proved to do. By default it proves its zone."""

    condition: Condition = Condition.ONLINE
    rung: Rung = Rung.PICTURE
    observed_at: datetime = NOON
    stream: StreamFacts = FULL_HD


class CountingRoster(RegistryRoster):
    """The registry's roster with the count of cameras."""

    async def camera_counts(self, session: AsyncSession) -> Mapping[UUID, int]:
        rows = await session.execute(select(Camera.facility_id, func.count()).group_by(Camera.facility_id))
        return {row[0]: row[1] for row in rows.all()}


class TableEvidence:
    """Evidence as the aggregator's tables hold it."""

    async def proofs_of(self, session: AsyncSession, cameras: Collection[UUID]) -> Mapping[UUID, Proof]:
        rows = await session.scalars(select(CameraHealth).where(CameraHealth.camera_id.in_(cameras)))
        return {
            row.camera_id: Proof(row.condition, row.rung, row.observed_at, StreamFacts.model_validate(row.stream))
            for row in rows
        }

    async def online_counts(self, session: AsyncSession) -> Mapping[UUID, int]:
        rows = await session.execute(
            select(CameraHealth.facility_id, func.count())
            .where(CameraHealth.condition == Condition.ONLINE)
            .group_by(CameraHealth.facility_id)
        )
        return {row[0]: row[1] for row in rows.all()}

    async def facility_states(self, session: AsyncSession) -> Mapping[UUID, State]:
        rows = await session.execute(select(FacilityState.facility_id, FacilityState.state))
        return {row[0]: row[1] for row in rows.all()}
