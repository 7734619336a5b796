"""A camera that none of us wrote at one end, players that none of us wrote at the other, and we between them."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from services.contracts.camera import AuthOutcome, Credentials
from services.contracts.ladder import Reason, Rung
from services.ingest.rtsp.relay import Relay
from services.ingest.rtsp.upstream import UpstreamLimits
from tests.harness.gst_server import GstMount, GstServer
from tests.integration.rtsp.players import watch_with_ffmpeg, watch_with_pyav
from tests.integration.rtsp.upstreams import fault_of_opening, watched

#: gst-rtsp-server cuts no corners with signs in a password; a colon may not stand in a user name.
CREDENTIALS = Credentials(username="ngân", password='p@ss:w/rd?#%"', version=1)
PATIENT = UpstreamLimits()


def server(*mounts: GstMount) -> GstServer:
    return GstServer(mounts, user=CREDENTIALS.username, password=CREDENTIALS.password)


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    relay = Relay()
    await relay.start()
    yield relay
    await relay.close()


@pytest.mark.parametrize("codec", ["h264", "h265"])
async def test_players_decode_through_the_relay_without_a_complaint(codec: str, relay: Relay) -> None:
    mount = GstMount(path="/cam", codec=codec, fps=25, gop=25, size="640x360")
    async with server(mount) as gst, watched(gst.port, CREDENTIALS, limits=PATIENT, hold_gop=True) as watch:
        await watch.open()
        assert watch.upstream.auth is AuthOutcome.ACCEPTED
        assert watch.upstream.track is not None
        assert watch.upstream.track.codec == codec
        url = relay.mount(watch.upstream, client_max_s=25)

        seen, (code, complaints) = await asyncio.gather(
            watch_with_pyav(url, 3.0), watch_with_ffmpeg(url, 3.0, "-rtsp_transport", "tcp")
        )

        assert seen.complaints == ()
        assert seen.frames >= 70
        assert seen.key_frames >= 3
        assert (seen.codec, seen.size) == ({"h264": "h264", "h265": "hevc"}[codec], (640, 360))
        assert (code, complaints) == (0, "")
        counters = watch.upstream.counters
        assert (counters.sequence_gaps, counters.bad_packets) == (0, 0)
        rates = counters.rates(time.monotonic())
        assert rates.fps == pytest.approx(25, abs=1.5)
        assert rates.keyframe_interval_s == pytest.approx(1.0, abs=0.1)
        assert rates.bitrate_kbps is not None
        assert 20 < rates.bitrate_kbps < 2000
        assert counters.media_time_s == pytest.approx(counters.frames / 25, abs=0.3)


async def test_a_player_that_joins_late_starts_with_a_whole_picture(relay: Relay) -> None:
    mount = GstMount(path="/cam", gop=20, config_interval=0)  # parameter sets in the SDP only
    async with server(mount) as gst, watched(gst.port, CREDENTIALS, limits=PATIENT) as watch:
        await watch.open()
        await watch.frames(30)
        seen = await watch_with_pyav(relay.mount(watch.upstream, client_max_s=20), 1.0)
        assert seen.complaints == ()
        assert seen.frames >= 20


async def test_ffmpeg_that_begins_with_udp_is_led_to_tcp(relay: Relay) -> None:
    async with server(GstMount()) as gst, watched(gst.port, CREDENTIALS, limits=PATIENT, hold_gop=True) as watch:
        await watch.open()
        code, complaints = await watch_with_ffmpeg(relay.mount(watch.upstream, client_max_s=20), 1.0)
        assert code == 0
        assert "error" not in complaints.lower()


async def test_audio_beside_the_picture_is_left_to_itself(relay: Relay) -> None:
    async with server(GstMount(audio=True)) as gst, watched(gst.port, CREDENTIALS, limits=PATIENT, hold_gop=True) as w:
        await w.open()
        assert w.upstream.track is not None
        assert w.upstream.track.has_audio
        seen = await watch_with_pyav(relay.mount(w.upstream, client_max_s=20), 1.0)
        assert seen.complaints == ()
        assert w.upstream.counters.bad_packets == 0


async def test_motion_jpeg_passes_too(relay: Relay) -> None:
    mount = GstMount(codec="mjpeg", fps=10, size="320x240")
    async with server(mount) as gst, watched(gst.port, CREDENTIALS, limits=PATIENT, hold_gop=True) as watch:
        await watch.open()
        assert watch.upstream.track is not None
        assert watch.upstream.track.codec == "mjpeg"
        seen = await watch_with_pyav(relay.mount(watch.upstream, client_max_s=20), 1.0)
        assert (seen.codec, seen.size) == ("mjpeg", (320, 240))
        assert seen.frames >= 10
        assert watch.upstream.counters.key_frames == watch.upstream.counters.frames


async def test_a_wrong_password_and_a_wrong_path_are_told_apart() -> None:
    wrong = Credentials(username=CREDENTIALS.username, password="wrong", version=1)
    async with server(GstMount()) as gst:
        async with watched(gst.port, wrong, limits=PATIENT) as watch:
            fault = await fault_of_opening(watch)
            assert (fault.reason, fault.rung, fault.auth) == (Reason.AUTH_FAILED, Rung.ANSWERING, AuthOutcome.REFUSED)
        async with watched(gst.port, limits=PATIENT) as watch:
            assert (await fault_of_opening(watch)).reason is Reason.CREDENTIALS_MISSING
        async with watched(gst.port, CREDENTIALS, path="/other", limits=PATIENT) as watch:
            fault = await fault_of_opening(watch)
            assert (fault.reason, fault.rung) == (Reason.NOT_FOUND, Rung.AUTHORIZED)


async def test_a_camera_that_loses_its_power_ends_the_stream_and_its_players(relay: Relay) -> None:
    async with server(GstMount()) as gst, watched(gst.port, CREDENTIALS, limits=PATIENT, hold_gop=True) as watch:
        await watch.open()
        playing = asyncio.create_task(watch_with_pyav(relay.mount(watch.upstream, client_max_s=25), 20.0))
        await watch.frames(40)
        await gst.kill()
        fault = await watch.ended()
        assert fault is not None
        assert (fault.reason, fault.rung) == (Reason.ENDED, Rung.PLAYING)
        assert (await playing).seconds < 20
        await gst.start()
        async with watched(gst.port, CREDENTIALS, limits=PATIENT) as again:
            await again.open()
            await again.frames(5)
