"""A camera that is reached by HTTP only: nobody tells the session, it finds out."""

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
        assert front.methods[:2] == ["OPTIONS", "GET"]
        assert set(front.methods[1:]) == {"GET"}, "it is asked in RTSP once"
