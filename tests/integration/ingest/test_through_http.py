"""A camera that is reached by HTTP only: nobody tells the session, it finds out."""

import asyncio

from services.contracts.camera import RtspSource
from services.contracts.ladder import Reason, Rung
from tests.doubles.http_front import HttpFront
from tests.doubles.watching import watching
from tests.harness.gst_server import GstMount, GstServer


async def test_a_session_goes_through_http_by_itself() -> None:
    async with GstServer([GstMount(fps=25, gop=5)]) as server, HttpFront(server.port) as front, watching(front) as seen:
        await seen.up()
        assert front.methods == ["OPTIONS", "GET", "POST"]


async def test_a_web_server_is_told_as_what_it_is() -> None:
    async with HttpFront(None) as front, watching(front) as seen:
        report = await seen.down()
        assert (report.rung, report.reasons) == (Rung.REACHABLE, (Reason.PROTOCOL_ERROR,))
        async with asyncio.timeout(10):
            while len(front.methods) < 5:
                await asyncio.sleep(0.01)
        assert front.methods[:5] == ["OPTIONS", "GET", "OPTIONS", "GET", "OPTIONS"], "one connection in a step"


async def test_a_corrected_address_is_asked_in_rtsp() -> None:
    async with GstServer([GstMount(fps=25, gop=5)]) as server, HttpFront(None) as front, watching(front) as seen:
        await seen.down()
        source = RtspSource(address="127.0.0.1", port=server.port, path="/cam")
        seen.session.update(seen.assignment.model_copy(update={"source": source, "version": 2}))
        await seen.up()
