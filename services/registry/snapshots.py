"""The newest picture of each camera: a JPEG file in the data directory, beside a row that says when it was taken."""

import asyncio
import hashlib
import os
from pathlib import Path
from uuid import UUID

from services.contracts.camera import Snapshot
from services.contracts.errors import Fault, Invalid
from services.registry import repository
from services.registry.tables import SnapshotRow
from services.storage.database import AsyncSession

JPEG_BYTES_MAX = 1024 * 1024


class SnapshotFiles:
    """Files named by camera id, replaced atomically. With several API processes the directory is shared."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def put(self, camera_id: UUID, jpeg: bytes) -> None:
        await asyncio.to_thread(self._write, camera_id, jpeg)

    async def get(self, camera_id: UUID) -> bytes | None:
        """The JPEG, or None."""
        return await asyncio.to_thread(self._read, camera_id)

    async def remove(self, camera_id: UUID) -> None:
        await asyncio.to_thread(self._path(camera_id).unlink, missing_ok=True)

    def _path(self, camera_id: UUID) -> Path:
        return self._directory / f"{camera_id}.jpg"

    def _write(self, camera_id: UUID, jpeg: bytes) -> None:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._path(camera_id)
        temporary = path.with_suffix(f".{os.getpid()}.{id(jpeg):x}.tmp")
        temporary.write_bytes(jpeg)
        temporary.replace(path)

    def _read(self, camera_id: UUID) -> bytes | None:
        try:
            return self._path(camera_id).read_bytes()
        except FileNotFoundError:
            return None


def check_jpeg(jpeg: bytes) -> None:
    """Raises Invalid for what cannot be a JPEG of ours."""
    if len(jpeg) > JPEG_BYTES_MAX or not jpeg.startswith(b"\xff\xd8\xff"):
        raise Invalid("A snapshot is a JPEG of at most 1 MiB.", faults=(Fault("", "is not such a JPEG"),))


async def note(session: AsyncSession, camera_id: UUID, snapshot: Snapshot) -> None:
    """Write the row beside the file."""
    row = await repository.snapshot(session, camera_id)
    if row is None:
        row = SnapshotRow(camera_id=camera_id)
        session.add(row)
    row.taken_at = snapshot.taken_at
    row.size = len(snapshot.jpeg)
    row.digest = hashlib.sha256(snapshot.jpeg).digest()
