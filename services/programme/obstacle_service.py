"""Obstacles: opened, escalated, resolved. The stage follows."""

from datetime import date
from uuid import UUID

from services.contracts.errors import Fault
from services.contracts.ids import FacilityId, PrincipalId, new_id
from services.contracts.scope import ProvinceScope
from services.programme import repository
from services.programme.errors import NoHigherLevel, ObstacleAlreadyOpen, ObstacleNotFound, ObstacleResolved
from services.programme.fields import Fields
from services.programme.files import Files, OpenFile
from services.programme.local_time import local_day
from services.programme.obstacles import Level, NewObstacle, levels_above
from services.programme.tables import Obstacle
from services.runtime.clock import Clock
from services.storage.database import AsyncSession, Transactions


class Obstacles:
    """Every method raises FacilityNotFound, and Invalid with the fields at fault."""

    def __init__(self, transactions: Transactions, files: Files, clock: Clock) -> None:
        self._transactions = transactions
        self._files = files
        self._clock = clock

    async def open_obstacle(
        self, principal: PrincipalId, scope: ProvinceScope, facility_id: FacilityId, new: NewObstacle
    ) -> Obstacle:
        """Say what stands in the way. Raises ObstacleAlreadyOpen when one of this code is open."""
        now = self._clock.now()
        new.check(now)
        async with self._transactions.write() as session:
            file = await self._files.open(session, scope, facility_id)
            for known in await repository.open_obstacles(session, facility_id):
                if known.code is new.code:
                    raise ObstacleAlreadyOpen(str(known.id))
            obstacle = Obstacle(
                id=new_id(),
                facility_id=facility_id,
                code=new.code,
                owner=new.owner,
                opened_at=new.opened_at or now,
                due=new.due,
                level=new.level,
                notes=new.notes,
            )
            session.add(obstacle)
            await self._record(session, file, principal, "obstacle.open", obstacle)
        return obstacle

    async def escalate_obstacle(
        self,
        principal: PrincipalId,
        scope: ProvinceScope,
        facility_id: FacilityId,
        obstacle_id: UUID,
        level: Level | None = None,
        owner: str | None = None,
        due: date | None = None,
    ) -> Obstacle:
        """Hand an obstacle to a higher level, the next one unless named, with a new owner and due day if given.

        Raises ObstacleNotFound, ObstacleResolved, NoHigherLevel.
        """
        fields = Fields()
        fields.text("/owner", owner, 200)
        if due is not None and due < local_day(self._clock.now()):
            fields.fault("/due", "lies in the past")
        fields.verify()
        async with self._transactions.write() as session:
            file, obstacle = await self._open(session, scope, facility_id, obstacle_id)
            above = levels_above(obstacle.level)
            to = level or next(iter(above), None)
            if to is None or to not in above:
                raise NoHigherLevel(above)
            obstacle.level = to
            obstacle.escalated_at = self._clock.now()
            if owner is not None and owner.strip():
                obstacle.owner = owner
            obstacle.due = due or obstacle.due
            await self._record(session, file, principal, "obstacle.escalate", obstacle)
        return obstacle

    async def resolve_obstacle(
        self,
        principal: PrincipalId,
        scope: ProvinceScope,
        facility_id: FacilityId,
        obstacle_id: UUID,
        resolution: str,
    ) -> Obstacle:
        """Say how it was resolved. Raises ObstacleNotFound or ObstacleResolved."""
        fields = Fields()
        fields.text("/resolution", resolution, 4000, required=True)
        fields.verify()
        async with self._transactions.write() as session:
            file, obstacle = await self._open(session, scope, facility_id, obstacle_id)
            obstacle.resolved_at = self._clock.now()
            obstacle.resolution = resolution
            await self._record(session, file, principal, "obstacle.resolve", obstacle)
        return obstacle

    async def _open(
        self, session: AsyncSession, scope: ProvinceScope, facility_id: FacilityId, obstacle_id: UUID
    ) -> tuple[OpenFile, Obstacle]:
        file = await self._files.open(session, scope, facility_id)
        obstacle = await repository.obstacle(session, facility_id, obstacle_id)
        if obstacle is None:
            raise ObstacleNotFound
        if obstacle.resolved_at is not None:
            raise ObstacleResolved(faults=(Fault("", "is resolved"),))
        return file, obstacle

    async def _record(
        self, session: AsyncSession, file: OpenFile, principal: PrincipalId, action: str, obstacle: Obstacle
    ) -> None:
        details: dict[str, object] = {
            "obstacle_id": str(obstacle.id),
            "code": obstacle.code.value,
            "level": obstacle.level.value,
        }
        await self._files.record(session, file, principal, action, details)
        await self._files.follow(session, file, principal, action)
