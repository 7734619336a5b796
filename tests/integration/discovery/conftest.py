"""Fixtures of the discovery tests."""

from collections.abc import AsyncIterator

import pytest

from services.ingest.onvif.gateway import ZeepOnvifGateway


@pytest.fixture
async def gateway() -> AsyncIterator[ZeepOnvifGateway]:
    """ONVIF as a search has it."""
    gateway = ZeepOnvifGateway()
    yield gateway
    await gateway.close()
