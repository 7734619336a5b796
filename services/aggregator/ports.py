"""What the aggregator needs from elsewhere. Each is asked within the aggregator's own transaction."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from services.contracts.ids import CameraId, FacilityId
from services.contracts.messages import Message
from services.contracts.roster import KnownLease, RosterCamera
from services.contracts.zones import Zone
from services.storage.database import AsyncSession


class Roster(Protocol):
    """Which cameras a facility has, and who may report on them. Satisfied by the registry; see assembly."""

    async def roster_of(self, session: AsyncSession, facility_id: FacilityId) -> Sequence[RosterCamera] | None:
        """The cameras of a facility; None if there is no such facility (any more)."""

    async def facility_ids(self, session: AsyncSession) -> Sequence[FacilityId]:
        """All facilities there are."""

    async def leases_of(self, session: AsyncSession, cameras: Collection[CameraId]) -> Mapping[CameraId, KnownLease]:
        """The leases of these cameras as the database knows them."""


class Plans(Protocol):
    """Which zones must be covered. Satisfied by the programme; see assembly."""

    async def compulsory_zones(self, session: AsyncSession, facility_id: FacilityId) -> frozenset[Zone] | None:
        """The compulsory zones of the agreed plan; None without one."""


class Publisher(Protocol):
    """Where conclusions go. Satisfied by the bus."""

    async def publish(self, message: Message) -> None:
        """Raises Unavailable when nobody took it."""
