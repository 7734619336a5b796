"""Fixtures of the ONVIF tests."""

from collections.abc import AsyncIterator

import pytest

from services.ingest.onvif.gateway import ZeepOnvifGateway


@pytest.fixture
async def gateway() -> AsyncIterator[ZeepOnvifGateway]:
    """A gateway as a worker has it."""
    gateway = ZeepOnvifGateway()
    yield gateway
    await gateway.close()
