"""Which certificate a camera inside TLS may show: the first. Why so: docs/decisions/0022-rtsps.md."""

import logging

from services.contracts.camera import CameraAssignment, RtspSource
from services.contracts.errors import ServiceError
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.sign_in import lease_of
from services.ingest.tools import Tools

log = logging.getLogger(__name__)


class TlsTrust:
    """One camera's place among those inside TLS, and its certificate, kept from the first use on."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._holds_slot = False
        self._seen: str | None = None
        self._for_version: int | None = None

    def begin(self, assignment: CameraAssignment, source: RtspSource) -> str | None:
        """The certificate that must be shown at this source; None for any, or without TLS. ``end`` must follow.

        Raises Unavailable when this worker has no more room inside TLS.
        """
        self.end()
        if not source.tls:
            return None
        self._tools.tls_slots.take()
        self._holds_slot = True
        if self._for_version != assignment.version:  # perhaps saved anew, and then what we saw does not count
            self._seen, self._for_version = None, assignment.version
        return assignment.certificate or self._seen

    async def saw(self, assignment: CameraAssignment, shown: str | None) -> None:
        """A session was opened with this certificate. Raises CameraFault when another worker saw another one first."""
        if shown is None or shown in {assignment.certificate, self._seen}:
            return
        self._seen = shown
        try:
            holds = await self._tools.directory.record_certificate(self._tools.worker, lease_of(assignment), shown)
        except ServiceError as error:
            # We hold on to it as long as we watch; the next worker may see it first again.
            log.warning("certificate not kept", extra={"camera_id": assignment.camera_id, "error": error.detail})
            return
        if holds != shown:
            self._seen = holds
            raise CameraFault(Reason.CERTIFICATE_CHANGED, Rung.REACHABLE, "shows another certificate than at first")

    def end(self) -> None:
        """The session is over. Idempotent."""
        if self._holds_slot:
            self._holds_slot = False
            self._tools.tls_slots.give_back()
