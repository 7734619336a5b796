"""One session with a camera over real sockets: opened, counted, kept, ended."""

import asyncio
import errno
import resource
import socket
import time
from collections.abc import Iterator

import pytest

from services.contracts.camera import AuthOutcome, Credentials, RtspSource
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.rtsp.intake import IntakeLimits
from services.ingest.rtsp.reactor import Reactor
from services.ingest.rtsp.upstream import Upstream, UpstreamLimits
from services.runtime.clock import SystemClock
from tests.doubles.hostile_rtsp import HostileServer, asks_back_for_ever
from tests.doubles.rtp_packets import goodbye, h264_units, interleaved, sender_report
from tests.doubles.rtsp_camera import Script, ScriptedCamera
from tests.integration.rtsp.upstreams import CREDENTIALS, QUICK, fault_of_opening, fault_of_session, watched


def test_the_bounds_are_those_the_design_gives() -> None:
    limits = UpstreamLimits()
    assert (limits.connect_s, limits.reply_s, limits.open_s, limits.teardown_s) == (3.0, 5.0, 12.0, 1.0)
    assert limits.gop_bytes == 4 * 1024 * 1024
    assert limits.intake == IntakeLimits(
        bytes_per_s=8_000_000, burst_bytes=32_000_000, bad_packets=100, report_every_s=5.0
    )


async def test_a_stream_is_opened_and_counted() -> None:
    async with ScriptedCamera(Script()) as camera, watched(camera.port) as watch:
        await watch.open()
        await watch.frames(30)
        upstream = watch.upstream
        track = upstream.track
        assert track is not None
        assert track.codec == "h264"
        assert watch.rungs == [Rung.REACHABLE, Rung.ANSWERING, Rung.AUTHORIZED, Rung.DESCRIBED, Rung.PLAYING]
        counters = upstream.counters
        assert counters.key_frames == (counters.frames + 9) // 10
        assert (counters.sequence_gaps, counters.bad_packets) == (0, 0)
        assert counters.last_frame_at is not None
        assert time.monotonic() - counters.last_frame_at < 1
        assert counters.media_time_s == pytest.approx((counters.frames - 1) / 25)
        assert upstream.auth is None
        assert upstream.clock_offset_s is None
        await upstream.close()
        assert await watch.ended() is None
        assert upstream.track is None
        assert camera.methods == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY", "TEARDOWN"]


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_challenges_are_answered(algorithm: str) -> None:
    script = Script(username=CREDENTIALS.username, password=CREDENTIALS.password, algorithm=algorithm)
    async with ScriptedCamera(script) as camera, watched(camera.port, CREDENTIALS) as watch:
        await watch.open()
        assert watch.upstream.auth is AuthOutcome.ACCEPTED
        assert camera.methods == ["OPTIONS", "DESCRIBE", "DESCRIBE", "SETUP", "PLAY"]


async def test_a_wrong_password_is_sent_once_and_told() -> None:
    async with ScriptedCamera(Script(password="right")) as camera, watched(camera.port, CREDENTIALS) as watch:
        fault = await fault_of_opening(watch)
        assert (fault.reason, fault.rung, fault.auth) == (Reason.AUTH_FAILED, Rung.ANSWERING, AuthOutcome.REFUSED)
        assert camera.methods == ["OPTIONS", "DESCRIBE", "DESCRIBE"]
        assert watch.rungs == [Rung.REACHABLE, Rung.ANSWERING]
        assert CREDENTIALS.password not in str(fault)
        assert watch.upstream.auth is None


async def test_missing_credentials_are_told() -> None:
    async with ScriptedCamera(Script(password="right")) as camera, watched(camera.port) as watch:
        fault = await fault_of_opening(watch)
        assert (fault.reason, fault.rung, fault.auth) == (Reason.CREDENTIALS_MISSING, Rung.ANSWERING, None)


async def test_basic_is_not_sent_unless_it_is_allowed() -> None:
    basic: dict[str, tuple[str, tuple[str, ...]]] = {
        "DESCRIBE": ("401 Unauthorized", ('WWW-Authenticate: Basic realm="cam"',))
    }
    async with ScriptedCamera(Script(answers=basic)) as camera:
        async with watched(camera.port, CREDENTIALS) as watch:
            assert (await fault_of_opening(watch)).reason is Reason.AUTH_ALGORITHM_UNSUPPORTED
        assert [heard for heard in camera.heard if "authorization" in heard.headers] == []
        async with watched(camera.port, CREDENTIALS, allow_basic=True) as watch:
            assert (await fault_of_opening(watch)).reason is Reason.AUTH_FAILED
        assert camera.heard[-1].headers["authorization"].startswith("Basic ")


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_a_closed_port_refuses() -> None:
    async with watched(unused_port()) as watch:
        fault = await fault_of_opening(watch)
        assert (fault.reason, fault.rung) == (Reason.REFUSED, Rung.UNREACHABLE)
        assert watch.rungs == []


async def test_a_host_that_swallows_packets_times_out() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        try:
            for filler in fillers:  # A full backlog drops further SYNs.
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            async with watched(port) as watch:
                began = time.monotonic()
                fault = await fault_of_opening(watch)
                assert (fault.reason, fault.rung) == (Reason.TIMEOUT, Rung.UNREACHABLE)
                assert time.monotonic() - began < QUICK.connect_s + 0.3
        finally:
            for filler in fillers:
                filler.close()


@pytest.mark.parametrize(
    ("method", "rung"),
    [
        ("OPTIONS", Rung.REACHABLE),
        ("DESCRIBE", Rung.ANSWERING),
        ("SETUP", Rung.DESCRIBED),
        ("PLAY", Rung.DESCRIBED),
    ],
)
async def test_a_camera_that_falls_silent_times_out_on_the_rung_it_reached(method: str, rung: Rung) -> None:
    script = Script(unanswered=frozenset({method}))
    async with ScriptedCamera(script) as camera, watched(camera.port) as watch:
        began = time.monotonic()
        fault = await fault_of_opening(watch)
        assert (fault.reason, fault.rung) == (Reason.TIMEOUT, rung)
        assert QUICK.reply_s <= time.monotonic() - began < QUICK.open_s
        if method == "PLAY":  # a session was set up: the camera hears that we go
            await watch.until(lambda: camera.methods[-1] == "TEARDOWN")


@pytest.mark.parametrize(
    ("method", "status", "reason", "rung"),
    [
        ("DESCRIBE", "404 Not Found", Reason.NOT_FOUND, Rung.AUTHORIZED),
        ("SETUP", "461 Unsupported Transport", Reason.TRANSPORT_UNSUPPORTED, Rung.DESCRIBED),
        ("PLAY", "453 Not Enough Bandwidth", Reason.SESSION_LIMIT, Rung.DESCRIBED),
    ],
)
async def test_a_refusal_has_its_reason(method: str, status: str, reason: Reason, rung: Rung) -> None:
    script = Script(answers={method: (status, ())})
    async with ScriptedCamera(script) as camera, watched(camera.port) as watch:
        fault = await fault_of_opening(watch)
        assert (fault.reason, fault.rung) == (reason, rung)
        assert watch.rungs[-1] is rung


async def test_a_stream_that_ends_is_told() -> None:
    async with ScriptedCamera(Script(units=5)) as camera, watched(camera.port) as watch:
        await watch.open()
        fault = await watch.ended()
        assert fault is not None
        assert (fault.reason, fault.rung) == (Reason.ENDED, Rung.PLAYING)
        assert watch.upstream.counters.frames == 5
        assert watch.upstream.track is None


def with_goodbye() -> Iterator[list[bytes]]:
    """A stream whose camera says goodbye and keeps the connection."""
    for number, unit in enumerate(h264_units()):
        yield unit if number < 5 else []


async def test_a_goodbye_ends_the_stream() -> None:
    script = Script(media=with_goodbye, beside=interleaved(goodbye(), 1))
    async with ScriptedCamera(script) as camera, watched(camera.port) as watch:
        fault = await fault_of_session(watch)
        assert (fault.reason, fault.detail) == (Reason.ENDED, "the camera said goodbye")


async def test_a_session_is_kept_and_reported_on() -> None:
    script = Script(
        session="1;timeout=1", beside=interleaved(sender_report(unix_time_s=time.time() + 90, timestamp=1), 1)
    )
    limits = UpstreamLimits(intake=IntakeLimits(report_every_s=0.2))
    async with ScriptedCamera(script) as camera, watched(camera.port, limits=limits) as watch:
        await watch.open()
        await watch.until(lambda: camera.methods.count("GET_PARAMETER") >= 2)
        reports = [packet for channel, packet in camera.frames if channel == 1]
        assert len(reports) >= 4
        assert all(packet[1] == 201 for packet in reports)
        assert watch.upstream.clock_offset_s == pytest.approx(90, abs=2)


async def test_a_camera_that_knows_no_get_parameter_is_kept_by_options() -> None:
    script = Script(session="1;timeout=1", answers={"GET_PARAMETER": ("405 Method Not Allowed", ())})
    async with ScriptedCamera(script) as camera, watched(camera.port) as watch:
        await watch.open()
        await watch.until(lambda: camera.methods.count("OPTIONS") >= 3)
        assert camera.methods.count("GET_PARAMETER") == 1


async def test_a_camera_that_asks_and_never_reads_is_left() -> None:
    limits = UpstreamLimits(unsent_bytes=1000, intake=IntakeLimits(burst_bytes=10**12))
    async with HostileServer(asks_back_for_ever) as server, watched(server.port, limits=limits) as watch:
        fault = await fault_of_opening(watch)
        assert (fault.reason, fault.detail) == (Reason.PROTOCOL_ERROR, "the camera does not read what we send")


async def test_a_group_of_pictures_is_held_as_long_as_wanted() -> None:
    async with ScriptedCamera(Script()) as camera, watched(camera.port, hold_gop=True) as watch:
        await watch.open()
        await watch.frames(3)
        taken: list[bytes] = []
        for hold in (True, False):
            watch.upstream.hold_gop = hold
            assert watch.upstream.hold_gop is hold
            subscription = watch.upstream.subscribe(lambda: None, lambda: None)
            taken.append(subscription.take(10**6))
            subscription.close()
        assert taken[0].startswith(interleaved(next(h264_units())[0]))
        assert taken[1] == b""


async def test_too_many_open_files_are_not_the_cameras_fault() -> None:
    async with ScriptedCamera(Script()) as camera, watched(camera.port) as watch:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            with pytest.raises(OSError, match="open files") as caught:
                await watch.open()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert caught.value.errno == errno.EMFILE
        assert watch.rungs == []


async def test_closing_takes_no_longer_than_its_bound() -> None:
    script = Script(unanswered=frozenset({"TEARDOWN"}))
    async with ScriptedCamera(script) as camera, watched(camera.port) as watch:
        await watch.open()
        began = time.monotonic()
        await watch.upstream.close()
        assert QUICK.teardown_s <= time.monotonic() - began < QUICK.teardown_s + 0.3
        await watch.upstream.close()
        assert await watch.ended() is None


async def test_closing_while_opening_ends_the_attempt() -> None:
    async with ScriptedCamera(Script(unanswered=frozenset({"DESCRIBE"}))) as camera, watched(camera.port) as watch:
        opening = asyncio.create_task(watch.open())
        await watch.until(lambda: "DESCRIBE" in camera.methods)
        await watch.upstream.close()
        with pytest.raises(CameraFault) as caught:
            await opening
        assert caught.value.detail == "closed by us"


async def test_an_attempt_that_is_cancelled_leaves_no_connection() -> None:
    async with ScriptedCamera(Script(unanswered=frozenset({"PLAY"}))) as camera, watched(camera.port) as watch:
        opening = asyncio.create_task(watch.open())
        await watch.until(lambda: "PLAY" in camera.methods)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        await watch.until(lambda: camera.methods[-1] == "TEARDOWN")
        await watch.until(lambda: not camera.open_connections)


async def test_run_without_open_is_a_mistake() -> None:
    async with watched(1) as watch:
        with pytest.raises(RuntimeError):
            await watch.upstream.run()


def test_a_name_instead_of_an_address_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="address"):
        Upstream(
            RtspSource(address="camera.local", port=554, path="/"),
            None,
            clock=SystemClock(),
            reactor=Reactor(SystemClock()),
        )


async def test_media_that_waited_during_a_stall_shows_by_its_media_time() -> None:
    async with ScriptedCamera(Script()) as camera, watched(camera.port) as watch:
        await watch.open()
        await watch.frames(5)
        counters = watch.upstream.counters
        before_s, media_before_s = time.monotonic(), counters.media_time_s
        time.sleep(0.5)  # the loop stands still, and the camera's process with it
        await watch.frames(counters.frames + 3)
        assert counters.last_frame_at is not None
        assert counters.last_frame_at - before_s > 0.4
        assert counters.media_time_s - media_before_s < 0.4


async def test_a_redirecting_camera_is_not_followed() -> None:
    visits = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal visits
        visits += 1
        writer.close()

    elsewhere = await asyncio.start_server(count, "127.0.0.1", 0)
    try:
        port = elsewhere.sockets[0].getsockname()[1]
        away = f"rtsp://127.0.0.1:{port}/cam"
        scripts = [
            Script(answers={method: (status, (f"Location: {away}",))})
            for method in ("OPTIONS", "DESCRIBE", "SETUP", "PLAY")
            for status in ("301 Moved", "302 Found", "305 Use Proxy")
        ]
        for script in scripts:
            async with ScriptedCamera(script) as camera, watched(camera.port, CREDENTIALS) as watch:
                assert (await fault_of_opening(watch)).reason is Reason.REDIRECTED
        # Nor do a base, a control or a server's own request lead anywhere else.
        sdp = Script().sdp.replace(b"a=control:track1", f"a=control:{away}/track1".encode())
        asks = f"REDIRECT {away} RTSP/1.0\r\nLocation: {away}\r\n\r\n".encode()
        script = Script(sdp=sdp, content_base=f"{away}/", beside=asks)
        async with ScriptedCamera(script) as camera, watched(camera.port) as watch:
            fault = await fault_of_session(watch)
            assert (fault.reason, fault.rung) == (Reason.REDIRECTED, Rung.PLAYING)
            assert camera.heard[2].uri == f"{away}/track1"
        assert visits == 0
    finally:
        elsewhere.close()
        await elsewhere.wait_closed()


async def test_hundreds_of_links_share_one_receive_buffer() -> None:
    async with ScriptedCamera(Script()) as camera:
        streams = [watched(camera.port) for _ in range(40)]
        opened = [await stream.__aenter__() for stream in streams]
        try:
            await asyncio.gather(*(watch.open() for watch in opened))
            await asyncio.gather(*(watch.frames(20) for watch in opened))
            assert all(watch.upstream.counters.sequence_gaps == 0 for watch in opened)
            assert all(watch.upstream.counters.bad_packets == 0 for watch in opened)
        finally:
            for stream in streams:
                await stream.__aexit__(None, None, None)


async def test_credentials_are_in_no_representation() -> None:
    credentials = Credentials(username="geheimname", password="geheimwort", version=1)
    script = Script(username="geheimname", password="geheimwort")
    async with ScriptedCamera(script) as camera, watched(camera.port, credentials) as watch:
        await watch.open()
        shown = repr(vars(watch.upstream)) + repr(vars(watch.upstream._session))
        assert "geheim" not in shown
