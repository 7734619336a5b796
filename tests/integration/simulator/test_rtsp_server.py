"""The RTSP port of a simulated camera, request by request."""

import asyncio
import struct

import pytest

from services.simulator.digest import DigestAlgorithm
from services.simulator.pictures import Codec
from services.simulator.rtsp_session import RtspLimits
from tests.integration.simulator.raw_rtsp import Client
from tests.integration.simulator.sites import one_camera, one_recorder


async def test_a_session_from_options_to_teardown() -> None:
    async with one_camera() as (_, camera), Client(camera.rtsp_port) as client:
        options = await client.request("OPTIONS")
        assert options.status == 200
        assert set(options.headers["public"].split(", ")) >= {"DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER", "TEARDOWN"}
        described = await client.signed("DESCRIBE", Accept="application/sdp")
        assert described.headers["content-base"] == f"{client.url}/"
        assert "a=rtpmap:96 H264/90000" in described.body
        assert "sprop-parameter-sets=" in described.body
        played = await client.play()
        assert played.status == 200
        assert played.headers["session"].endswith(";timeout=60")
        packets = await client.collect(0.6)
        assert camera.channels[0].viewers == 1
        assert (await client.request("GET_PARAMETER")).status == 200
        timers = [stream.mount._timer is not None for stream in camera.channels[0].streams]
        assert timers == [True, False]
        assert (await client.request("TEARDOWN")).status == 200
        assert camera.channels[0].viewers == 0
        assert camera.channels[0].streams[0].mount._timer is None
    channel, report = packets[0]
    assert (channel, report[1]) == (1, 200)
    media = [struct.unpack_from(">BBHI", packet) for channel, packet in packets if channel == 0]
    info = played.headers["rtp-info"]
    assert f";seq={media[0][2]};rtptime={media[0][3]}" in info
    assert [number for _, _, number, _ in media] == [(media[0][2] + index) & 0xFFFF for index in range(len(media))]


async def test_the_sdp_of_an_h265_stream_holds_its_three_parameter_sets() -> None:
    async with one_camera(Codec.H265) as (_, camera), Client(camera.rtsp_port) as client:
        body = (await client.signed("DESCRIBE")).body
        assert "a=rtpmap:96 H265/90000" in body
        assert all(f"{name}=" in body for name in ("sprop-vps", "sprop-sps", "sprop-pps"))


async def test_who_joins_in_the_middle_is_told_the_packet_it_begins_with() -> None:
    async with one_camera() as (_, camera), Client(camera.rtsp_port) as first, Client(camera.rtsp_port) as second:
        await first.play()
        await first.collect(0.4)
        info = (await second.play()).headers["rtp-info"]
        packets = await second.collect(1.2)
        sequence, rtp_time = next(struct.unpack_from(">HI", packet, 2) for channel, packet in packets if channel == 0)
        assert f";seq={sequence};rtptime={rtp_time}" in info
        shared = {packet for _, packet in await first.collect(0.2)} & {packet for _, packet in packets}
        assert shared


async def test_media_time_goes_on_while_nobody_watches() -> None:
    async with one_camera() as (_, camera):
        times = []
        for _ in range(2):
            async with Client(camera.rtsp_port) as client:
                await client.play()
                packets = await client.collect(0.2)
                times.append(
                    next(struct.unpack_from(">I", packet, 4)[0] for channel, packet in packets if channel == 0)
                )
            await asyncio.sleep(0.5)
        assert 0.6 * 90_000 < (times[1] - times[0]) % 2**32 < 5 * 90_000


@pytest.mark.parametrize(
    "transport", ["RTP/AVP;unicast;client_port=5000-5001", "RTP/AVP/TCP;multicast", "", "RTP/AVP/TCP;interleaved=4-9"]
)
async def test_only_rtp_over_the_same_connection_is_offered(transport: str) -> None:
    async with one_camera() as (_, camera), Client(camera.rtsp_port) as client:
        assert (await client.signed("SETUP", f"{client.url}/trackID=0", Transport=transport)).status == 461


async def test_of_several_transports_the_possible_one_is_chosen_with_its_channels() -> None:
    async with one_camera() as (_, camera), Client(camera.rtsp_port) as client:
        transport = "RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;unicast;interleaved=6-7"
        setup = await client.signed("SETUP", f"{client.url}/trackID=0", Transport=transport)
        assert "interleaved=6-7" in setup.headers["transport"]


async def test_one_session_too_many_is_453_until_another_ends() -> None:
    limits = RtspLimits(sessions_max=1)
    async with one_camera(limits=limits) as (_, camera), Client(camera.rtsp_port) as second:
        async with Client(camera.rtsp_port) as first:
            assert (await first.play()).status == 200
            assert (await second.play()).status == 453
            await first.request("TEARDOWN")
        assert (await second.play()).status == 200


async def test_an_unknown_path_is_401_for_strangers_and_404_for_friends() -> None:
    async with one_camera() as (_, camera), Client(camera.rtsp_port, path="/elsewhere") as client:
        assert (await client.request("DESCRIBE")).status == 401
        assert (await client.signed("DESCRIBE")).status == 404
        assert camera.state.refusals == 0


async def test_both_hashes_open_a_camera_that_offers_both() -> None:
    both = (DigestAlgorithm.MD5, DigestAlgorithm.SHA256)
    async with one_camera(algorithms=both) as (_, camera):
        for algorithm in ("MD5", "SHA-256"):
            async with Client(camera.rtsp_port, algorithm=algorithm) as client:
                assert (await client.signed("DESCRIBE")).status == 200


async def test_an_old_nonce_is_called_stale_and_not_counted_as_a_refusal() -> None:
    async with one_camera(nonce_lifetime_s=0.2) as (_, camera), Client(camera.rtsp_port) as client:
        assert (await client.signed("DESCRIBE")).status == 200
        await asyncio.sleep(0.3)
        stale = await client.request("DESCRIBE")
        assert stale.status == 401
        assert "stale=true" in stale.challenges[0]
        assert (await client.signed("DESCRIBE")).status == 200
        assert camera.state.refusals == 0


@pytest.mark.parametrize("method", ["PLAY", "TEARDOWN"])
async def test_without_a_session_there_is_nothing_to_play_or_end(method: str) -> None:
    async with one_camera() as (_, camera), Client(camera.rtsp_port) as client:
        assert (await client.signed(method)).status == 454


async def test_somebody_else_s_session_is_not_accepted() -> None:
    async with one_camera() as (_, camera), Client(camera.rtsp_port) as client:
        await client.play()
        client.session = "0123456789abcdef"
        assert (await client.request("GET_PARAMETER")).status == 454
        assert (await client.request("TEARDOWN")).status == 454
        assert camera.channels[0].viewers == 1


async def test_an_unknown_method_is_501() -> None:
    async with one_camera() as (_, camera), Client(camera.rtsp_port) as client:
        assert (await client.request("RECORD")).status == 501


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"DESCRIBE rtsp://x/main RTSP/2.0\r\nCSeq: 1\r\n\r\n", 505),
        (b"DESCRIBE rtsp://x/main RTSP/1.0\r\n\r\n", 400),
        (b"hello\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 4294967296\r\n\r\n", 413),
        (b"OPTIONS * RTSP/1.0\r\n" + b"a: b\r\n" * 4000, 431),
    ],
)
async def test_bad_requests_are_told_so_and_end_the_connection(data: bytes, status: int) -> None:
    async with one_camera() as (_, camera), Client(camera.rtsp_port) as client:
        client.writer.write(data)
        async with asyncio.timeout(5):
            line = await client.reader.readline()
            await client.reader.read()
        assert int(line.split()[1]) == status


async def test_a_session_without_a_sign_of_life_ends_and_receiver_reports_are_one() -> None:
    limits = RtspLimits(session_timeout_s=1.0)
    async with (
        one_camera(limits=limits) as (_, camera),
        Client(camera.rtsp_port) as dead,
        Client(camera.rtsp_port) as live,
    ):
        for client in (dead, live):
            assert (await client.play()).status == 200

        async def report() -> None:
            for _ in range(4):
                await asyncio.sleep(0.5)
                live.writer.write(b"$\x01\x00\x08" + struct.pack(">BBHI", 0x80, 201, 1, 1))

        reporting = asyncio.create_task(report())
        assert await dead.closed_within(4)
        assert not await live.closed_within(0.3)
        await reporting


async def test_a_viewer_that_does_not_read_is_dropped_and_the_others_see_nothing_of_it() -> None:
    limits = RtspLimits(backlog_max_bytes=20_000)
    async with (
        one_camera(limits=limits) as (_, camera),
        Client(camera.rtsp_port) as fast,
        Client(camera.rtsp_port) as slow,
    ):
        await fast.play()
        await slow.play()
        slow_side = next(one for one in server_sides(camera) if one.get_extra_info("peername") == local(slow))
        slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
        fill(slow_side)
        packets = await fast.collect(1.0)
        assert camera.channels[0].viewers == 1
        assert len({struct.unpack_from(">I", packet, 4) for channel, packet in packets if channel == 0}) >= 20


def local(client: Client) -> object:
    return client.writer.get_extra_info("sockname")


def server_sides(camera: object) -> list[asyncio.Transport]:
    writers = camera._servers[1].listener._connections.values()  # type: ignore[attr-defined]
    return [writer.transport for writer in writers]


def fill(transport: asyncio.Transport) -> None:
    """Write until the kernel takes no more, which for real would take minutes."""
    while transport.get_write_buffer_size() < 20_000:
        transport.write(b"$\x07\xff\xff" + bytes(65535))


async def test_channels_of_a_recorder_share_a_port_and_are_told_apart_by_their_query() -> None:
    async with one_recorder(2) as (_, recorder):
        codecs = []
        for path in ("/stream?channel=1&subtype=0", "/stream?channel=2&subtype=1"):
            async with Client(recorder.rtsp_port, path=path) as client:
                codecs.append("H265" in (await client.signed("DESCRIBE")).body)
                assert (await client.play()).status == 200
                assert [channel.viewers for channel in recorder.channels] == ([0, 1] if codecs[-1] else [1, 0])
        assert codecs == [False, True]
