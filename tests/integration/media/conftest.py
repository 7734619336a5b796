"""A running media host."""

from collections.abc import AsyncIterator

import pytest

from services.ingest.media.host import MediaHost


@pytest.fixture
async def host() -> AsyncIterator[MediaHost]:
    """A host with one child of eight threads and short patience."""
    running = MediaHost(processes=1, threads_per_process=8, grace_s=1.0)
    await running.start()
    yield running
    await running.close()
