"""Cameras that send media over UDP only: gst-rtsp-server set so, and players behind our relay."""

import asyncio
import socket

import pytest

from services.contracts.ladder import Reason
from services.ingest.rtsp.datagrams import DatagramPair
from services.ingest.rtsp.relay import Relay
from services.ingest.rtsp.upstream import UpstreamLimits
from tests.harness.gst_server import GstMount, GstServer
from tests.integration.rtsp.players import watch_with_pyav
from tests.integration.rtsp.upstreams import watched

PATIENT = UpstreamLimits()


@pytest.mark.parametrize("codec", ["h264", "h265"])
async def test_media_over_udp_is_counted_and_its_key_frames_are_whole(codec: str) -> None:
    mount = GstMount(codec=codec, fps=25, gop=10, udp_only=True)
    async with GstServer([mount]) as server, watched(server.port, limits=PATIENT) as watch:
        await watch.open()
        await watch.frames(50)
        counters = watch.upstream.counters
        assert (counters.sequence_gaps, counters.bad_packets) == (0, 0)
        assert counters.key_frames >= 4
        async with asyncio.timeout(5):
            gathered = await watch.upstream.gather(keys=2)
        assert [unit.key for unit in gathered.units] == [True, True]


async def test_players_see_it_through_the_relay() -> None:
    relay = Relay()
    await relay.start()
    mount = GstMount(fps=25, gop=10, udp_only=True)
    async with GstServer([mount]) as server, watched(server.port, limits=PATIENT) as watch:
        await watch.open()
        seen = await watch_with_pyav(relay.mount(watch.upstream, client_max_s=20), 1.5)
    await relay.close()
    assert seen.complaints == ()
    assert seen.frames >= 25


async def test_a_server_that_ends_is_told_by_its_connection() -> None:
    async with GstServer([GstMount(gop=10, udp_only=True)]) as server, watched(server.port, limits=PATIENT) as watch:
        await watch.open()
        await watch.frames(10)
        await server.kill()
        fault = await watch.ended()
        assert fault is not None
        assert fault.reason is Reason.ENDED


async def test_only_the_camera_is_heard() -> None:
    heard: list[tuple[int, bytes]] = []
    pair = DatagramPair("127.0.0.1", "127.0.0.2", lambda kind, data, end: heard.append((kind, bytes(data[2:end]))))
    assert pair.ports[0] % 2 == 0
    assert pair.ports[1] == pair.ports[0] + 1
    with socket.socket(type=socket.SOCK_DGRAM) as camera, socket.socket(type=socket.SOCK_DGRAM) as stranger:
        camera.bind(("127.0.0.2", 0))
        stranger.bind(("127.0.0.3", 0))
        stranger.sendto(b"strange", ("127.0.0.1", pair.ports[0]))
        camera.sendto(b"rtp", ("127.0.0.1", pair.ports[0]))
        camera.sendto(b"rtcp", ("127.0.0.1", pair.ports[1]))
        async with asyncio.timeout(2):
            while len(heard) < 2:
                await asyncio.sleep(0.01)
    pair.close()
    pair.close()
    assert sorted(heard) == [(0, b"rtp"), (1, b"rtcp")]


async def test_a_session_that_ends_gives_its_ports_back() -> None:
    async with GstServer([GstMount(gop=10, udp_only=True)]) as server, watched(server.port, limits=PATIENT) as watch:
        await watch.open()
        await watch.frames(5)
        pair = watch.upstream._datagrams
        assert pair is not None
        await watch.upstream.close()
        for port in pair.ports:
            with socket.socket(type=socket.SOCK_DGRAM) as again:
                again.bind(("127.0.0.1", port))
