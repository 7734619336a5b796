"""What a hostile, broken or hanging device can cost: little time, little memory, no thread, no other address."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from services.ingest.device_events import http
from services.ingest.device_events.http import Cut, HostConnection
from services.ingest.onvif.transport import Endpoint, WireFault
from tests.doubles.onvif_events import Bent, EventDevice, message, tampering
from tests.doubles.onvif_messages import Response, soap
from tests.integration.device_events.listening import Ear, events, until

_OK = b"HTTP/1.1 200 OK\r\n"


async def _answered(
    monkeypatch: pytest.MonkeyPatch, *pieces: bytes, within_s: float = 1.0, endless: bool = False
) -> http.Reply:
    """What a connection makes of these bytes."""
    monkeypatch.setattr(http, "REPLY_BYTES_MAX", 100_000)

    serving: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.append(task)
        try:
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
            while endless:
                writer.write(pieces[-1])
                await writer.drain()
                await asyncio.sleep(0)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        except OSError:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        connection = HostConnection(Endpoint("127.0.0.1", server.sockets[0].getsockname()[1]))
        try:
            return await connection.post("/", [], b"", answer_within_s=within_s)
        finally:
            connection.close()
            await asyncio.wait(serving)


@pytest.mark.parametrize(
    "reply",
    [
        _OK + b"Content-Length: 5\r\n\r\nhello",
        _OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: x\r\n\r\n",
        _OK + b"\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\n" + _OK + b"content-length:5\r\n\r\nhello",
        b"HTTP/1.0 200 OK\nContent-Length: 5\n\nhello",
    ],
)
async def test_each_way_to_send_a_body_is_read(monkeypatch: pytest.MonkeyPatch, reply: bytes) -> None:
    assert (await _answered(monkeypatch, reply)).body == b"hello"


async def test_folded_and_repeated_headers_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    head = b'HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm="a",\r\n  nonce="b"\r\nWWW-Authenticate: Basic\r\n'
    reply = await _answered(monkeypatch, head + b"Content-Length: 0\r\n\r\n")
    assert reply.challenges == ('Digest realm="a", nonce="b"', "Basic")


@pytest.mark.parametrize(
    "piece",
    [
        b"RTSP/1.0 200 OK\r\n\r\n",
        b"\x00" * 4096,
        _OK + b"Content-Length: 4294967296\r\n\r\n",
        _OK + b"Content-Length: -1\r\n\r\n",
        _OK + b"Content-Length: many\r\n\r\n",
        _OK + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        _OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n",
        _OK + b"X: y\r\n" * 200,
        _OK + b"X: " + b"y" * 20_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 10,
    ],
)
async def test_what_is_no_answer_ends_the_connection(monkeypatch: pytest.MonkeyPatch, piece: bytes) -> None:
    with pytest.raises((WireFault, Cut)):
        await _answered(monkeypatch, piece)


@pytest.mark.parametrize(
    "pieces",
    [
        (_OK + b"\r\n", b"x" * 65536),
        (_OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1000),
        (_OK, b"X: y\r\n" * 100),
    ],
)
async def test_a_flood_ends_at_its_bound(monkeypatch: pytest.MonkeyPatch, pieces: tuple[bytes, ...]) -> None:
    with pytest.raises(WireFault):
        await _answered(monkeypatch, *pieces, within_s=10, endless=True)


@pytest.mark.parametrize("status", [301, 302, 307])
async def test_a_redirect_is_not_followed(status: int) -> None:
    elsewhere = EventDevice(address="127.0.0.9")
    ear = Ear()
    async with elsewhere:
        to = Response(b"", status, (("Location", f"http://127.0.0.9:{elsewhere.port}/onvif/device_service"),))
        answers = dict.fromkeys(("GetServices", "GetCapabilities", "CreatePullPointSubscription"), to)
        async with EventDevice(Bent(answers=answers)) as device, events() as hub:
            hub.join(ear.listener(device))
            await until(lambda: len(device.requests) >= 5)
            assert not elsewhere.connections


async def test_an_address_outside_the_camera_networks_is_not_connected_to() -> None:
    async with events() as hub:
        listener = Ear().listener(EventDevice(address="192.0.2.7", port=80))
        assert hub.join(listener) is None


async def test_a_device_that_says_nothing_is_left_when_nobody_listens() -> None:
    async with EventDevice(Bent(silent=True)) as device, events() as hub:
        handle = hub.join(Ear().listener(device))
        assert handle is not None
        await until(lambda: len(device.requests) == 1)
        hub.leave(handle)
        await until(lambda: device.connections_now == 0)
        assert not hub.statistics.alive


async def test_a_subscription_that_is_being_made_when_nobody_listens_any_more_is_ended_too() -> None:
    """Otherwise its place would be taken for a minute."""
    async with EventDevice() as device, events() as hub:
        holding = asyncio.Event()
        create = device._create

        def created(request: object) -> Response:
            holding.set()
            return create(request)  # type: ignore[arg-type]

        device._create = created  # type: ignore[method-assign]
        handle = hub.join(Ear().listener(device))
        assert handle is not None
        await holding.wait()
        hub.leave(handle)
        await until(lambda: device.ended == 1)
        assert not device.points


async def test_a_camera_that_comes_and_goes_takes_one_place_at_a_time() -> None:
    async with EventDevice(Bent(points_max=1)) as device, events() as hub:
        ear = Ear()
        for pause_s in (0.0, 0.02, 0.001, 0.03, 0.0, 0.05):
            handle = hub.join(ear.listener(device))
            assert handle is not None
            await asyncio.sleep(pause_s)
            hub.leave(handle)
        hub.join(ear.listener(device))
        await until(lambda: bool(device.asked("PullMessages")) and bool(device.points))
        assert device.most_open == 1
        assert not device.turned_away


async def test_a_listener_that_fails_does_not_cost_the_others_their_hints() -> None:
    def fail(_hint: object) -> None:
        raise ValueError("a slip of ours")

    ear = Ear()
    async with EventDevice() as device, events() as hub:
        hub.join(replace(ear.listener(device), on_hint=fail))
        hub.join(ear.listener(device))
        await until(lambda: bool(device.points))
        device.tell(tampering("source0"))
        await until(lambda: len(ear.hints) == 1)


async def test_a_device_with_something_to_tell_at_every_moment_is_asked_once_a_second() -> None:
    ear = Ear()
    motion = message("tns1:VideoSource/MotionAlarm", {"Source": "source0"}, {"State": "true"})
    async with EventDevice() as device, events() as hub:
        hub.join(ear.listener(device))
        await until(lambda: bool(device.points))
        for _ in range(200):
            device.tell(motion)
            await asyncio.sleep(0.01)
        assert len(device.asked("PullMessages")) <= 5
        assert len(ear.hints) == 1  # and a camera is told of motion every ten seconds at most


@pytest.mark.parametrize(
    "content",
    [
        "<tev:PullMessagesResponse/>",
        "<x/>",
        "<tev:PullMessagesResponse>" + "<wsnt:NotificationMessage/>" * 1000 + "</tev:PullMessagesResponse>",
        "<tev:PullMessagesResponse>"
        + message("tns1:VideoSource/MotionAlarm" + "/x" * 5000, {"Source": "s" * 9000}, {"State": "true"})
        + "</tev:PullMessagesResponse>",
    ],
)
async def test_nonsense_among_the_messages_is_borne(content: str) -> None:
    ear = Ear()
    async with EventDevice(Bent(answers={"PullMessages": soap(content)})) as device, events() as hub:
        hub.join(ear.listener(device))
        await until(lambda: len(device.asked("PullMessages")) == 1)
        await asyncio.sleep(0.1)
        del device.bent.answers["PullMessages"]
        await until(lambda: bool(device.points))
        assert all(len(hint.source_token) <= 256 for hint in ear.hints)


async def test_500_hosts_in_one_loop_without_a_thread_each() -> None:
    threads = threading.active_count()
    devices = [EventDevice(address=f"127.1.{n // 250}.{n % 250 + 1}") for n in range(500)]
    ears = [Ear() for _ in devices]
    try:
        for device in devices:
            await device.__aenter__()
        async with events() as hub:
            for ear, device in zip(ears, devices, strict=True):
                hub.join(ear.listener(device))
            await until(lambda: all(device.points for device in devices), within_s=30)
            await until(lambda: hub.statistics.alive == 500)
            assert threading.active_count() == threads
            before = hub.statistics.requests
            for device in devices:
                device.tell(tampering("source0"))
            await until(lambda: all(ear.hints for ear in ears), within_s=30)
            assert _all(devices, lambda device: device.connections == 1)
            await until(lambda: hub.statistics.requests >= before + 500)
            assert threading.active_count() == threads
        assert _all(devices, lambda device: (device.created, device.ended, len(device.points)) == (1, 1, 0))
        assert hub.statistics.alive == 0
    finally:
        for device in devices:
            await device.stop()


def _all(devices: list[EventDevice], condition: Callable[[EventDevice], bool]) -> bool:
    return all(condition(device) for device in devices)
