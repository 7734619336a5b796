"""What the programme needs from elsewhere. Facts and evidence are asked within the programme's own transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from services.contracts.camera import StreamFacts
from services.contracts.ids import CameraId, FacilityId, PrincipalId, ProvinceUnitId
from services.contracts.ladder import Condition, Rung, State
from services.contracts.messages import Message
from services.contracts.roster import RosterCamera
from services.contracts.scope import ProvinceScope
from services.storage.database import AsyncSession


class FacilityFact(Protocol):
    """What the registry knows of a facility."""

    @property
    def facility_id(self) -> FacilityId: ...
    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def province_unit_id(self) -> ProvinceUnitId: ...
    @property
    def designated_enterprise(self) -> str: ...
    @property
    def has_contact(self) -> bool:
        """Whether a contact person is named with a phone or an e-mail."""


class FacilityFacts(Protocol):
    """Which facilities and cameras there are. Satisfied by registry.roster."""

    async def facility_fact(
        self, session: AsyncSession, scope: ProvinceScope, facility_id: FacilityId
    ) -> FacilityFact | None:
        """The facility, if it is in scope."""

    async def facility_facts(self, session: AsyncSession, scope: ProvinceScope) -> Sequence[FacilityFact]:
        """All facilities in scope."""

    async def roster_of(self, session: AsyncSession, facility_id: FacilityId) -> Sequence[RosterCamera] | None:
        """The cameras of a facility; None if there is no such facility (any more)."""

    async def camera_counts(self, session: AsyncSession) -> Mapping[FacilityId, int]:
        """How many cameras are registered at each facility that has any, the whole country over."""


class CameraProof(Protocol):
    """What a camera was last proved to do."""

    @property
    def condition(self) -> Condition: ...
    @property
    def rung(self) -> Rung: ...
    @property
    def observed_at(self) -> datetime:
        """When a worker looked last, by its clock."""

    @property
    def stream(self) -> StreamFacts: ...


class Evidence(Protocol):
    """What cameras show. Satisfied by the aggregator, which believes nobody without a current lease."""

    async def proofs_of(self, session: AsyncSession, cameras: Collection[CameraId]) -> Mapping[CameraId, CameraProof]:
        """What is known of these cameras; those that were never reported are absent."""

    async def online_counts(self, session: AsyncSession) -> Mapping[FacilityId, int]:
        """How many cameras are online at each facility that has any online, the whole country over."""

    async def facility_states(self, session: AsyncSession) -> Mapping[FacilityId, State]:
        """The state of each facility that has one; the others are unknown."""


class ProvinceName(Protocol):
    """How a province unit is called. Satisfied by registry.provinces.Unit."""

    @property
    def id(self) -> ProvinceUnitId: ...
    @property
    def code(self) -> str: ...
    @property
    def edition(self) -> int: ...
    @property
    def name_vi(self) -> str: ...
    @property
    def name_en(self) -> str: ...


class Publisher(Protocol):
    """Where nudges go. Satisfied by the bus."""

    async def publish(self, message: Message) -> None:
        """Raises Unavailable when nobody took it."""


class AuditLog(Protocol):
    """Keeps who did what. Satisfied by access.audit."""

    async def record(
        self,
        session: AsyncSession,
        *,
        principal_id: PrincipalId | None,
        action: str,
        subject: str,
        province_unit_id: str | None = None,
        details: dict[str, object] | None = None,
    ) -> None:
        """Add an entry in the caller's transaction: what happens is audited, and what fails is not."""
