"""Devices that are not where they are registered: told to the directory, which may search for them."""

import asyncio
import logging

from services.contracts.camera import CameraAssignment
from services.contracts.errors import ServiceError
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.sign_in import lease_of
from services.ingest.tools import Tools

log = logging.getLogger(__name__)

#: A device that was restarted is back by then.
_GONE_AFTER_S = 90.0
_TOLD_EVERY_S = 300.0
#: What an address says that nobody, or somebody else, has now.
_GONE = frozenset({Reason.NO_ROUTE, Reason.TIMEOUT, Reason.REFUSED})


class MissingDevice:
    """Of one camera."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._told_at: float | None = None
        #: The telling under way, if there is one.
        self.running: asyncio.Task[None] | None = None

    def note(self, assignment: CameraAssignment, fault: CameraFault, down_for_s: float) -> None:
        """An attempt ended so; the camera has been down for so long."""
        now = self._tools.clock.monotonic()
        if not seems_missing(assignment, fault, down_for_s):
            return
        if self._told_at is not None and now - self._told_at < _TOLD_EVERY_S:
            return
        if self.running is None or self.running.done():
            self._told_at = now
            self.running = asyncio.create_task(self._tell(assignment))

    async def _tell(self, assignment: CameraAssignment) -> None:
        try:
            await self._tools.directory.report_missing(self._tools.worker, lease_of(assignment))
        except ServiceError as error:
            log.debug("missing device not told", extra={"camera_id": assignment.camera_id, "error": error.detail})
        except Exception:
            log.exception("missing device not told", extra={"camera_id": assignment.camera_id})


def seems_missing(assignment: CameraAssignment, fault: CameraFault, down_for_s: float) -> bool:
    """Whether the device may have moved: another one answers in its place, or nobody has for a while.

    Of a device whose identity is not known nothing could be found.
    """
    if assignment.identity is None:
        return False
    if fault.reason is Reason.WRONG_DEVICE:
        return True
    return fault.reason in _GONE and fault.rung is Rung.UNREACHABLE and down_for_s >= _GONE_AFTER_S
