"""The relay, seen by a client that speaks to it byte by byte."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from itertools import islice, pairwise

import pytest

from services.ingest.rtsp.relay import LOOPBACK, Relay, RelayLimits
from services.ingest.rtsp.upstream import UpstreamLimits
from tests.doubles.rtp_packets import SSRC, h264_units, interleaved, sender_report
from tests.doubles.rtsp_camera import Script, ScriptedCamera
from tests.integration.rtsp.upstreams import QUICK, watched

TCP = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"


class Client:
    """A player that does what it is told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, url: str) -> None:
        self._reader = reader
        self._writer = writer
        self._url = url
        self._number = 0

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def ask(self, method: str, headers: str = "", *, suffix: str = "") -> tuple[int, bytes]:
        """Status and body of the answer; media that comes before it is passed over."""
        self._number += 1
        self.send(f"{method} {self._url}{suffix} RTSP/1.0\r\nCSeq: {self._number}\r\n{headers}\r\n".encode())
        async with asyncio.timeout(3):
            while (first := await self._reader.readexactly(1)) == b"$":
                await self._packet()
            head = (first + await self._reader.readuntil(b"\r\n\r\n")).decode()
            fields = dict(line.split(": ", 1) for line in head.strip().split("\r\n")[1:])
            assert fields["CSeq"] == str(self._number)
            return int(head.split(" ")[1]), await self._reader.readexactly(int(fields.get("Content-Length", 0)))

    async def play(self) -> None:
        for method, headers, suffix in (("DESCRIBE", "", ""), ("SETUP", TCP, "/video"), ("PLAY", "", "/")):
            assert (await self.ask(method, headers, suffix=suffix))[0] == 200

    async def _packet(self) -> tuple[int, bytes]:
        channel, high, low = await self._reader.readexactly(3)
        return channel, await self._reader.readexactly(high << 8 | low)

    async def packet(self) -> tuple[int, bytes]:
        """The next packet and its channel."""
        async with asyncio.timeout(3):
            assert await self._reader.readexactly(1) == b"$"
            return await self._packet()

    async def sequence(self) -> int:
        """The sequence number of the next RTP packet."""
        return int.from_bytes((await self.packet())[1][2:4], "big")

    def pause(self) -> None:
        """Read no more for now."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    def resume(self) -> None:
        """Read again."""
        self._writer.transport.resume_reading()  # type: ignore[attr-defined]

    async def rest(self) -> bytes:
        """All that comes until the relay ends the connection."""
        async with asyncio.timeout(3):
            return await self._reader.read()

    async def closed(self, within_s: float = 3.0) -> None:
        """Wait until the relay has ended the connection."""
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(within_s):
                while await self._reader.read(65536):
                    pass

    async def leave(self) -> None:
        self._writer.transport.abort()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


@contextlib.asynccontextmanager
async def client(url: str) -> AsyncIterator[Client]:
    host, _, port = url.split("/")[2].partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    player = Client(reader, writer, url)
    try:
        yield player
    finally:
        await player.leave()


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    """A relay that is patient for a short while only."""
    relay = Relay(RelayLimits(clients=4, handshake_s=0.5, drain_s=0.3))
    await relay.start()
    yield relay
    await relay.close()


async def gone(relay: Relay) -> None:
    """Wait until the relay has no clients."""
    async with asyncio.timeout(3):
        while relay.clients:
            await asyncio.sleep(0.01)


async def test_packets_pass_unchanged_from_a_key_frame_on(relay: Relay) -> None:
    report = sender_report(unix_time_s=1000, timestamp=5)
    script = Script(transport="RTP/AVP/TCP;interleaved=2-3", channel=2, beside=interleaved(report, 3), pause_s=0.03)
    async with ScriptedCamera(script) as camera, watched(camera.port) as watch:
        await watch.open()
        await watch.frames(3)
        async with client(relay.mount(watch.upstream, client_max_s=10)) as player:
            await player.play()
            taken = [await player.packet() for _ in range(20)]
    media = [packet for channel, packet in taken if channel == 0]
    sent = [packet for unit in islice(h264_units(), 10, 20) for packet in unit]
    assert media == sent[: len(media)]
    assert {packet for channel, packet in taken if channel == 1} == {report}
    assert report[4:8] == SSRC.to_bytes(4, "big")


async def test_what_the_camera_wrote_does_not_reach_the_player(relay: Relay) -> None:
    script = Script(sdp=Script().sdp.replace(b"s=cam", b"s=EVIL") + b"a=EVIL:rtsp://198.51.100.1/\r\n")
    async with ScriptedCamera(script) as camera, watched(camera.port) as watch:
        await watch.open()
        async with client(relay.mount(watch.upstream, client_max_s=10)) as player:
            status, body = await player.ask("DESCRIBE")
            assert (status, b"EVIL" in body, b"198.51" in body) == (200, False, False)
            assert b"a=rtpmap:96 H264/90000\r\n" in body


async def test_a_held_group_is_played_at_once(relay: Relay) -> None:
    async with ScriptedCamera(Script()) as camera, watched(camera.port, hold_gop=True) as watch:
        await watch.open()
        await watch.frames(6)
        async with client(relay.mount(watch.upstream, client_max_s=10)) as player:
            await player.play()
            first = next(h264_units())
            assert [(await player.packet())[1] for _ in first] == first


@pytest.mark.parametrize("method", ["OPTIONS", "DESCRIBE", "SETUP"])
async def test_an_unknown_token_is_not_found(relay: Relay, method: str) -> None:
    async with client(f"rtsp://{LOOPBACK}:{relay.port}/{'0' * 32}") as player:
        assert (await player.ask(method, TCP))[0] == 404


async def test_tokens_are_long_and_never_the_same(relay: Relay) -> None:
    async with watched(1) as watch:
        urls = {relay.mount(watch.upstream, client_max_s=1) for _ in range(50)}
        assert len(urls) == 50
        assert all(len(url.rsplit("/", 1)[1]) == 32 for url in urls)


async def test_only_this_machine_can_reach_it(relay: Relay) -> None:
    with socket.socket() as probe:
        probe.settimeout(1)
        assert probe.connect_ex((LOOPBACK, relay.port)) == 0
    assert relay._server is not None
    assert [sock.getsockname()[0] for sock in relay._server.sockets] == ["127.0.0.1"]


async def test_a_feed_without_a_track_is_not_found(relay: Relay) -> None:
    async with watched(1) as watch, client(relay.mount(watch.upstream, client_max_s=10)) as player:
        assert (await player.ask("DESCRIBE"))[0] == 404


async def test_udp_is_declined_and_tcp_may_follow(relay: Relay) -> None:
    async with ScriptedCamera(Script()) as camera, watched(camera.port) as watch:
        await watch.open()
        async with client(relay.mount(watch.upstream, client_max_s=10)) as player:
            assert (await player.ask("SETUP", "Transport: RTP/AVP/UDP;unicast;client_port=5000-5001\r\n"))[0] == 461
            assert (await player.ask("SETUP", TCP))[0] == 200


async def test_the_end_of_the_camera_ends_its_players(relay: Relay) -> None:
    async with ScriptedCamera(Script(units=20)) as camera, watched(camera.port) as watch:
        await watch.open()
        async with client(relay.mount(watch.upstream, client_max_s=10)) as player:
            await player.play()
            await player.closed()
            await gone(relay)


async def test_closing_the_upstream_ends_its_players(relay: Relay) -> None:
    async with ScriptedCamera(Script()) as camera, watched(camera.port) as watch:
        await watch.open()
        async with client(relay.mount(watch.upstream, client_max_s=10)) as player:
            await player.play()
            await watch.upstream.close()
            await player.closed()


async def test_unmounting_ends_its_players_and_no_others(relay: Relay) -> None:
    async with ScriptedCamera(Script()) as camera, watched(camera.port) as watch:
        await watch.open()
        url, other = (relay.mount(watch.upstream, client_max_s=10) for _ in range(2))
        async with client(url) as player, client(other) as stays:
            await player.play()
            await stays.play()
            relay.unmount(url)
            relay.unmount(url)
            await player.closed()
            assert (await stays.ask("GET_PARAMETER"))[0] == 200
        async with client(url) as late:
            assert (await late.ask("DESCRIBE"))[0] == 404


async def test_a_player_that_says_goodbye_is_let_go(relay: Relay) -> None:
    async with ScriptedCamera(Script()) as camera, watched(camera.port) as watch:
        await watch.open()
        async with client(relay.mount(watch.upstream, client_max_s=10)) as player:
            await player.play()
            assert (await player.ask("TEARDOWN"))[0] == 200
            await player.closed()
            await gone(relay)
            assert not watch.upstream._fanout.active


async def test_a_player_is_served_no_longer_than_allowed(relay: Relay) -> None:
    async with ScriptedCamera(Script()) as camera, watched(camera.port) as watch:
        await watch.open()
        async with client(relay.mount(watch.upstream, client_max_s=0.6)) as player:
            await player.play()
            began = time.monotonic()
            await player.closed()
            assert 0.4 < time.monotonic() - began < 1.2


async def test_who_does_not_play_in_time_is_cut(relay: Relay) -> None:
    async with watched(1) as watch, client(relay.mount(watch.upstream, client_max_s=10)) as player:
        began = time.monotonic()
        await player.closed()
        assert 0.4 < time.monotonic() - began < 1.2


@pytest.mark.parametrize(
    "nonsense",
    [b"GET / HTTP/1.1\r\n\r\n", b"OPTIONS * RTSP/1.0\r\n" + b"A: b\r\n" * 100 + b"\r\n", b"x" * 5000, b"\n" * 70_000],
)
async def test_nonsense_ends_the_connection_at_once(relay: Relay, nonsense: bytes) -> None:
    async with watched(1) as watch, client(relay.mount(watch.upstream, client_max_s=10)) as player:
        began = time.monotonic()
        player.send(nonsense)
        await player.closed()
        assert time.monotonic() - began < 0.4


async def test_clients_are_bounded(relay: Relay) -> None:
    async with contextlib.AsyncExitStack() as stack:
        url = f"rtsp://{LOOPBACK}:{relay.port}/x"
        players = [await stack.enter_async_context(client(url)) for _ in range(4)]
        assert [(await player.ask("OPTIONS"))[0] for player in players] == [404] * 4
        one_too_many = await stack.enter_async_context(client(url))
        await one_too_many.closed(within_s=0.4)
        assert relay.clients == 4


async def test_a_player_that_does_not_read_is_dropped_and_the_camera_goes_on(relay: Relay) -> None:
    limits = UpstreamLimits(reply_s=QUICK.reply_s, queue_bytes=100_000)
    script = Script(media=lambda: h264_units(frame_bytes=60_000), pause_s=0.002)
    async with ScriptedCamera(script) as camera, watched(camera.port, limits=limits) as watch:
        await watch.open()
        async with client(relay.mount(watch.upstream, client_max_s=30)) as lazy:
            await lazy.play()
            lazy.pause()
            await gone(relay)
            frames = watch.upstream.counters.frames
            await watch.frames(frames + 20)
            assert watch.upstream.counters.sequence_gaps == 0


async def test_a_player_that_pauses_for_a_moment_loses_nothing(relay: Relay) -> None:
    script = Script(media=lambda: h264_units(frame_bytes=60_000), pause_s=0.002)
    async with ScriptedCamera(script) as camera, watched(camera.port, limits=UpstreamLimits()) as watch:
        await watch.open()
        async with client(relay.mount(watch.upstream, client_max_s=30)) as player:
            await player.play()
            numbers = [await player.sequence()]
            player.pause()
            relayed = next(iter(relay._clients))
            await watch.until(lambda: not relayed._writable)
            player.resume()
            numbers += [await player.sequence() for _ in range(6000)]
            assert relayed._writable
            assert [(b - a) & 0xFFFF for a, b in pairwise(numbers)] == [1] * 6000


async def test_requests_behind_a_goodbye_are_not_answered(relay: Relay) -> None:
    async with ScriptedCamera(Script()) as camera, watched(camera.port) as watch:
        await watch.open()
        url = relay.mount(watch.upstream, client_max_s=30)
        async with client(url) as player:
            player.send(f"TEARDOWN {url} RTSP/1.0\r\n\r\nOPTIONS {url} RTSP/1.0\r\n\r\n".encode())
            assert (await player.rest()).count(b"RTSP/1.0 200 OK") == 1


async def test_many_requests_while_nothing_is_read_end_the_connection(relay: Relay) -> None:
    async with ScriptedCamera(Script()) as camera, watched(camera.port) as watch:
        await watch.open()
        async with client(relay.mount(watch.upstream, client_max_s=30)) as player:
            for _ in range(3000):
                player.send(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
            await gone(relay)


async def test_closing_the_relay_ends_everybody_and_listens_no_longer() -> None:
    relay = Relay()
    await relay.start()
    async with ScriptedCamera(Script()) as camera, watched(camera.port) as watch:
        await watch.open()
        async with client(relay.mount(watch.upstream, client_max_s=10)) as player:
            await player.play()
            await relay.close()
            await relay.close()
            await player.closed()
    with socket.socket() as probe:
        assert probe.connect_ex((LOOPBACK, relay.port)) != 0
