"""RTSP through HTTP: gst-rtsp-server behind a web server that understands nothing else."""

import asyncio
import contextlib

import pytest

from services.contracts.ladder import Reason, Rung
from services.ingest.faults import HttpOnly
from services.ingest.rtsp.relay import Relay
from services.ingest.rtsp.upstream import UpstreamLimits
from tests.doubles.http_front import HttpFront
from tests.harness.gst_server import GstMount, GstServer
from tests.integration.rtsp.players import watch_with_pyav
from tests.integration.rtsp.test_real_peers import CREDENTIALS
from tests.integration.rtsp.upstreams import fault_of_opening, watched

PATIENT = UpstreamLimits()


async def test_a_server_of_ours_is_watched_and_played_through_http() -> None:
    relay = Relay()
    await relay.start()
    server = GstServer([GstMount(fps=25, gop=10)], user=CREDENTIALS.username, password=CREDENTIALS.password)
    async with (
        server,
        HttpFront(server.port) as front,
        watched(front.port, CREDENTIALS, limits=PATIENT, tunnel=True) as watch,
    ):
        await watch.open()
        await watch.frames(40)
        counters = watch.upstream.counters
        assert (counters.sequence_gaps, counters.bad_packets) == (0, 0)
        seen = await watch_with_pyav(relay.mount(watch.upstream, client_max_s=20), 1.0)
        assert seen.frames >= 15
        assert front.methods == ["GET", "POST"]
    await relay.close()


async def test_an_answer_in_http_is_told_apart_from_nonsense() -> None:
    async with HttpFront(None) as front, watched(front.port, limits=PATIENT) as watch:
        fault = await fault_of_opening(watch)
        assert isinstance(fault, HttpOnly)
        assert (fault.reason, fault.rung) == (Reason.PROTOCOL_ERROR, Rung.REACHABLE)


async def test_a_web_server_without_a_tunnel_says_so() -> None:
    async with HttpFront(None) as front, watched(front.port, limits=PATIENT, tunnel=True) as watch:
        fault = await fault_of_opening(watch)
        assert (fault.reason, fault.rung) == (Reason.PROTOCOL_ERROR, Rung.REACHABLE)
        assert fault.detail == "a tunnel through HTTP is answered with 404"
        assert front.methods == ["GET"]


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.0 200 OK\r\n" + b"a" * 20_000, b"HTTP/1.0 200 OK\r\n\r\n$", b"nonsense\r\n\r\n"]
)
async def test_nonsense_for_an_answer_is_a_fault_in_time(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError), contextlib.closing(writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, watched(server.sockets[0].getsockname()[1], tunnel=True) as watch:
        fault = await fault_of_opening(watch)
    assert (fault.reason, fault.rung) == (Reason.PROTOCOL_ERROR, Rung.REACHABLE)


async def test_silence_for_an_answer_is_a_fault_in_time() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError), contextlib.closing(writer):
            await reader.read()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, watched(server.sockets[0].getsockname()[1], tunnel=True) as watch:
        fault = await fault_of_opening(watch)
    assert (fault.reason, fault.rung) == (Reason.TIMEOUT, Rung.REACHABLE)


async def test_the_end_of_the_server_ends_the_session() -> None:
    server = GstServer([GstMount(fps=25, gop=10)])
    async with (
        server,
        HttpFront(server.port) as front,
        watched(front.port, limits=PATIENT, tunnel=True) as watch,
    ):
        await watch.open()
        await watch.frames(10)
        await server.kill()
        fault = await watch.ended()
        assert fault is not None
        assert fault.reason is Reason.ENDED
