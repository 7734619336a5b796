"""The running demo and a browser to look at it with, both for the whole run."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.harness.browser import running_browser
from tests.harness.demo import Demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo with an H.264 camera (camera-1) and an H.265 camera (camera-2), both up."""
    running = Demo(tmp_path_factory.mktemp("demo"))
    try:
        running.start("--cameras", "2", "--recorder-channels", "0")
        running.wait_until_up("HG-001")
        yield running
    finally:
        running.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with running_browser() as running:
        yield running
