"""Brings the newest picture of a camera to the directory, one at a time: what comes meanwhile is left out."""

import asyncio
import logging

from services.contracts.camera import LeaseRef, Snapshot
from services.contracts.errors import ServiceError
from services.ingest.tools import Tools

log = logging.getLogger(__name__)


class SnapshotUpload:
    """Of one camera. What fails is not tried again: the next picture comes soon."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        #: The upload under way, if there is one.
        self.running: asyncio.Task[None] | None = None

    def begin(self, lease: LeaseRef, snapshot: Snapshot) -> None:
        """Upload unless an upload is under way."""
        if self.running is None or self.running.done():
            self.running = asyncio.create_task(self._upload(lease, snapshot))

    async def _upload(self, lease: LeaseRef, snapshot: Snapshot) -> None:
        try:
            await self._tools.directory.put_snapshot(self._tools.worker, lease, snapshot)
        except ServiceError as error:
            log.debug("snapshot not kept", extra={"camera_id": lease.camera_id, "error": error.detail})
        except Exception:
            log.exception("snapshot not kept", extra={"camera_id": lease.camera_id})
