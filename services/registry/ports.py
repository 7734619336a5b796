"""What the registry needs from elsewhere."""

from typing import Protocol

from services.contracts.camera import AuthOutcome, Credentials, Interrogation, OnvifSource
from services.contracts.ids import PrincipalId
from services.contracts.ladder import Reason
from services.contracts.messages import Message
from services.contracts.worker_endpoint import ClockSet
from services.storage.database import AsyncSession


class InterrogationFailed(Exception):
    """The device could not be asked now, or refused. ``auth`` is set when it judged our credentials."""

    def __init__(self, reason: Reason, auth: AuthOutcome | None = None) -> None:
        self.reason = reason
        self.auth = auth
        super().__init__(reason)


class Interrogator(Protocol):
    """Asks a device what it is, while a registration waits.

    In process: the ONVIF gateway of ingest. Split: a worker that reaches the device, asked over its media endpoint.
    """

    async def interrogate(
        self, reach: str, source: OnvifSource, credentials: Credentials | None, *, every_channel: bool = False
    ) -> Interrogation:
        """``every_channel``: with the streams of each. Raises InterrogationFailed; never takes longer than a few seconds."""

    async def set_clock(self, reach: str, source: OnvifSource, credentials: Credentials | None) -> ClockSet:
        """Set the device's clock. Raises InterrogationFailed."""

    async def try_sign_in(self, reach: str, source: OnvifSource, credentials: Credentials) -> AuthOutcome | None:
        """Sign in once, because the device's owner asked for it; None when it wants no credentials.

        Raises InterrogationFailed.
        """


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
