"""Servers that mean no good: each ends with a fault, within its bound of time, and without filling the memory."""

import asyncio
import time
import tracemalloc
from collections.abc import Iterator

import pytest

from services.contracts.ladder import Reason, Rung
from services.ingest.rtsp.intake import IntakeLimits
from services.ingest.rtsp.upstream import UpstreamLimits
from tests.doubles import hostile_rtsp as hostile
from tests.doubles.rtsp_camera import Script, ScriptedCamera
from tests.integration.rtsp.upstreams import CREDENTIALS, QUICK, fault_of_opening, fault_of_session, watched

MAX_GROWTH_BYTES = 6 * 1024 * 1024


@pytest.fixture(autouse=True)
def _bounded_memory() -> Iterator[None]:
    """Both sides run here, so that the server's own buffers are counted too."""
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MAX_GROWTH_BYTES


BEFORE_A_SESSION = [
    (hostile.silent, Reason.TIMEOUT, Rung.REACHABLE),
    (hostile.hangs_up, Reason.PROTOCOL_ERROR, Rung.REACHABLE),
    (hostile.speaks_http, Reason.PROTOCOL_ERROR, Rung.REACHABLE),
    (hostile.speaks_ssh, Reason.PROTOCOL_ERROR, Rung.REACHABLE),
    (hostile.endless_start_line, Reason.PROTOCOL_ERROR, Rung.REACHABLE),
    (hostile.endless_header, Reason.PROTOCOL_ERROR, Rung.REACHABLE),
    (hostile.endless_blank_lines, Reason.PROTOCOL_ERROR, Rung.REACHABLE),
    (hostile.four_gigabytes, Reason.PROTOCOL_ERROR, Rung.REACHABLE),
    (hostile.still_trying, Reason.PROTOCOL_ERROR, Rung.REACHABLE),
    (hostile.slow_drip, Reason.TIMEOUT, Rung.REACHABLE),
    (hostile.challenges_for_ever, Reason.AUTH_FAILED, Rung.ANSWERING),
    (hostile.asks_back_for_ever, Reason.PROTOCOL_ERROR, Rung.REACHABLE),
]


@pytest.mark.parametrize(
    ("trick", "reason", "rung"), BEFORE_A_SESSION, ids=[trick.__name__ for trick, _, _ in BEFORE_A_SESSION]
)
async def test_an_attempt_ends_in_time_with_the_right_reason(trick: hostile.Trick, reason: Reason, rung: Rung) -> None:
    async with hostile.HostileServer(trick) as server, watched(server.port, CREDENTIALS) as watch:
        began = time.monotonic()
        fault = await fault_of_opening(watch)
        assert time.monotonic() - began < QUICK.open_s + 0.3
        assert (fault.reason, fault.rung) == (reason, rung)
        assert server.connections == 1


@pytest.mark.parametrize("name", sorted(hostile.SDP_BOMBS))
async def test_a_description_that_is_a_bomb_is_refused(name: str) -> None:
    trick = hostile.sdp_bomb(hostile.SDP_BOMBS[name])
    async with hostile.HostileServer(trick) as server, watched(server.port) as watch:
        fault = await fault_of_opening(watch)
        assert (fault.reason, fault.rung) == (Reason.PROTOCOL_ERROR, Rung.AUTHORIZED)


WITHIN_A_SESSION = [
    hostile.garbage_after_play,
    hostile.garbage_rtp,
    hostile.wrong_lengths,
    hostile.floods,
    hostile.floods_with_media,
]


@pytest.mark.parametrize("trick", WITHIN_A_SESSION, ids=[trick.__name__ for trick in WITHIN_A_SESSION])
async def test_a_session_ends_in_time_with_a_protocol_error(trick: hostile.Trick) -> None:
    limits = UpstreamLimits(intake=IntakeLimits(burst_bytes=4_000_000))
    async with hostile.HostileServer(trick) as server, watched(server.port, limits=limits) as watch:
        fault = await fault_of_session(watch, within_s=4)
        assert (fault.reason, fault.rung) == (Reason.PROTOCOL_ERROR, Rung.PLAYING)


async def test_a_frame_that_never_becomes_whole_shows_as_no_frames() -> None:
    trick = hostile.lying_length_then_silence
    async with hostile.HostileServer(trick) as server, watched(server.port) as watch:
        await watch.open()
        await asyncio.sleep(0.5)
        assert watch.upstream.counters.frames == 0
        assert watch.upstream.counters.last_frame_at is None


async def test_a_flood_does_not_disturb_the_other_cameras() -> None:
    limits = UpstreamLimits(intake=IntakeLimits(burst_bytes=4_000_000))
    async with (
        ScriptedCamera(Script()) as camera,
        watched(camera.port) as good,
        hostile.HostileServer(hostile.floods) as flood,
        hostile.HostileServer(hostile.garbage_rtp) as garbage,
        watched(flood.port, limits=limits) as bad,
        watched(garbage.port, limits=limits) as worse,
    ):
        await good.open()
        faults = await asyncio.gather(fault_of_session(bad), fault_of_session(worse))
        assert [fault.reason for fault in faults] == [Reason.PROTOCOL_ERROR] * 2
        await good.frames(40)
        counters = good.upstream.counters
        assert (counters.sequence_gaps, counters.bad_packets) == (0, 0)
        assert good.upstream.track is not None
