"""The system in both forms, and peers of cameras that we did not write."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness.gst_server import GstMount, GstServer
from tests.harness.system import System, all_in_one, four_processes

LOGIN = ("monitor", "gach-men: 1/2?")


@pytest.fixture(params=["all-in-one", "four-processes"])
async def system(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[System]:
    """A running system of each form."""
    if request.param == "all-in-one":
        async with all_in_one(tmp_path) as running:
            yield running
    else:
        postgres_url, rabbit_url = request.getfixturevalue("postgres_url"), request.getfixturevalue("rabbit_url")
        async with four_processes(tmp_path, postgres_url, rabbit_url) as running:
            yield running


@pytest.fixture
async def gst() -> AsyncIterator[GstServer]:
    """gst-rtsp-server with digest authentication: H.264 at /h264, H.265 at /h265."""
    mounts = [
        GstMount("/h264", "h264", fps=25, bitrate_kbps=800),
        GstMount("/h265", "h265", fps=15, bitrate_kbps=400, size="320x240", gop=15),
    ]
    server = GstServer(mounts, user=LOGIN[0], password=LOGIN[1])
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
