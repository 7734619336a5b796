"""Credentials on their way to one camera, and what the camera said to them on its way back."""

import contextlib
import logging
from collections.abc import AsyncIterator

from services.contracts.camera import AuthOutcome, CameraAssignment, Credentials, LeaseRef
from services.contracts.errors import ServiceError
from services.ingest.faults import CameraFault
from services.ingest.tools import Tools

log = logging.getLogger(__name__)


class SignIn:
    """The account of one camera. Credentials are fetched once per version and kept in memory only."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._credentials: Credentials | None = None
        self._recorded: tuple[int, AuthOutcome] | None = None

    async def credentials(self, assignment: CameraAssignment) -> Credentials | None:
        """Raises Unavailable when the directory does not answer, Conflict when the lease is over."""
        if assignment.credential_version == 0:
            self._credentials = None
        elif self._credentials is None or self._credentials.version != assignment.credential_version:
            self._credentials = await self._tools.directory.credentials_for(self._tools.worker, lease_of(assignment))
        return self._credentials

    @contextlib.asynccontextmanager
    async def turn(self, assignment: CameraAssignment) -> AsyncIterator[None]:
        """The right to sign in once. A CameraFault that leaves the block and tells a refusal is counted."""
        async with self._tools.budget.turn(assignment):
            try:
                yield
            except CameraFault as fault:
                if fault.auth is not None:
                    await self.told(assignment, fault.auth)
                raise

    async def told(self, assignment: CameraAssignment, outcome: AuthOutcome) -> None:
        """Count what the camera said, here at once and in the directory so that another worker knows it too.

        An acceptance is told to the directory only where it ends earlier refusals.
        """
        self._tools.budget.note(assignment, outcome)
        known = (assignment.credential_version, outcome)
        accepted = outcome is AuthOutcome.ACCEPTED
        if accepted and (self._recorded == known or (self._recorded is None and not assignment.refusals)):
            return
        self._recorded = known
        try:
            await self._tools.directory.record_auth(
                self._tools.worker, lease_of(assignment), assignment.credential_version, outcome
            )
        except ServiceError as error:
            # Our own count holds as long as we watch; whoever takes over may try once more than we would.
            log.warning(
                "sign-in outcome not recorded", extra={"camera_id": assignment.camera_id, "error": error.detail}
            )


def lease_of(assignment: CameraAssignment) -> LeaseRef:
    """The lease under which a camera is watched."""
    return LeaseRef(camera_id=assignment.camera_id, epoch=assignment.epoch)
