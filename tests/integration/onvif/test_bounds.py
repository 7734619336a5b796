"""What a device can do to us: nothing beyond its bounds of time, bytes and threads."""

import asyncio
import itertools
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest

from services.contracts.camera import OnvifSource
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.onvif.gateway import ZeepOnvifGateway
from services.ingest.onvif.transport import HttpLimits
from tests.doubles.onvif_device import OnvifDevice, Request
from tests.doubles.onvif_messages import Response, fault, html, soap
from tests.harness.onvif import ask, fault_of
from tests.harness.server_process import free_port

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\n"
GUARDED = "GetDeviceInformation"


@pytest.fixture
async def hasty() -> AsyncIterator[ZeepOnvifGateway]:
    """A gateway that waits a second where others wait ten."""
    limits = HttpLimits(connect_s=0.5, read_s=1.0, call_s=1.2)
    gateway = ZeepOnvifGateway(limits=limits, interrogation_s=2.5, threads=2)
    yield gateway
    await gateway.close()


async def test_a_closed_port_is_refused(gateway: ZeepOnvifGateway) -> None:
    with pytest.raises(CameraFault) as caught:
        await gateway.interrogate(OnvifSource(address="127.0.0.1", port=free_port()), None)
    assert (caught.value.reason, caught.value.rung) == (Reason.REFUSED, Rung.UNREACHABLE)


async def test_an_address_without_a_route_is_no_route(gateway: ZeepOnvifGateway) -> None:
    # The kernel refuses a TCP connect to the broadcast address; no packet leaves.
    with pytest.raises(CameraFault) as caught:
        await gateway.interrogate(OnvifSource(address="255.255.255.255", port=80), None)
    assert (caught.value.reason, caught.value.rung) == (Reason.NO_ROUTE, Rung.UNREACHABLE)


async def test_a_connect_that_nobody_answers_is_a_timeout(hasty: ZeepOnvifGateway) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for connection in waiting:
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", port))
        started = time.monotonic()
        with pytest.raises(CameraFault) as caught:
            await hasty.interrogate(OnvifSource(address="127.0.0.1", port=port), None)
        for connection in waiting:
            connection.close()
    assert (caught.value.reason, caught.value.rung) == (Reason.TIMEOUT, Rung.UNREACHABLE)
    assert time.monotonic() - started < 1.5


@pytest.mark.parametrize(("address", "port"), [("localhost", 80), ("", 80), ("127.0.0.1", 0), ("127.0.0.1", 65536)])
async def test_an_address_that_is_a_name_is_not_resolved(gateway: ZeepOnvifGateway, address: str, port: int) -> None:
    with pytest.raises(CameraFault) as caught:
        await gateway.interrogate(OnvifSource(address=address, port=port), None)
    assert caught.value.reason is Reason.ADDRESS_REFUSED


def silence() -> Iterator[bytes]:
    time.sleep(5)
    yield b""


def drip(beginning: bytes, pause_s: float = 0.1) -> Iterator[bytes]:
    yield beginning
    for _ in range(100):
        time.sleep(pause_s)
        yield b"x"


@pytest.mark.parametrize(
    "raw",
    [
        silence(),
        drip(b"HTTP/1.1 "),
        drip(b"HTTP/1.1 200 OK\r\nX-Slow: "),
        drip(HEAD + b"Content-Length: 1000000\r\n\r\n<"),
        drip(HEAD + b"\r\n<"),
        drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;"),
    ],
    ids=["silent", "status line", "header", "body", "body without length", "chunk line"],
)
async def test_quirk_38_silence_and_drips_end_at_their_bound(hasty: ZeepOnvifGateway, raw: Iterator[bytes]) -> None:
    """openvideolibs/python-onvif-zeep-async pull request 30; as shipped, onvif-zeep was still waiting after 130 s."""
    started = time.monotonic()
    with OnvifDevice(answers={GUARDED: lambda _: Response(raw=raw)}) as device:
        found = await fault_of(hasty, device)
        assert time.monotonic() - started < 2.2
    assert (found.reason, found.rung) == (Reason.TIMEOUT, Rung.ANSWERING)


async def test_the_whole_interrogation_has_a_bound_of_its_own(hasty: ZeepOnvifGateway) -> None:
    started = time.monotonic()
    with OnvifDevice(delay_s=0.5) as device:
        found = await fault_of(hasty, device)
    assert (found.reason, found.rung) == (Reason.TIMEOUT, Rung.AUTHORIZED)
    assert 2.4 < time.monotonic() - started < 3.2
    assert 3 <= len(device.requests) <= 5


def flood(beginning: bytes, piece: bytes) -> tuple[Iterator[bytes], list[int]]:
    """Pieces without end, and how many bytes of them were taken."""
    sent = [0]

    def pieces() -> Iterator[bytes]:
        yield beginning
        for _ in range(4000):
            sent[0] += len(piece)
            yield piece

    return pieces(), sent


@pytest.mark.parametrize(
    ("beginning", "piece"),
    [
        (HEAD + b"\r\n<a>", b"<b/>" * 8192),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"8000\r\n" + b"x" * 0x8000 + b"\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * 32768),
        (HEAD, b"X-Header: " + b"x" * 32768 + b"\r\n"),
        (b"HTTP/1.1 ", b"2" * 32768),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    ],
    ids=["no length", "chunked", "chunk extension", "headers", "status line", "continues"],
)
async def test_a_flood_is_cut_off_at_its_bound(gateway: ZeepOnvifGateway, beginning: bytes, piece: bytes) -> None:
    raw, sent = flood(beginning, piece)
    with OnvifDevice(answers={GUARDED: lambda _: Response(raw=raw)}) as device:
        found = await fault_of(gateway, device)
    assert (found.reason, found.rung) == (Reason.ONVIF_FAILED, Rung.ANSWERING)
    # The bound of 1 MiB, and what was under way in the buffers of both kernels.
    assert sent[0] < 16 << 20


@pytest.mark.parametrize("length", [(1 << 20) + 1, 4 << 30, 1 << 70])
async def test_an_announced_length_beyond_the_bound_is_not_even_read(gateway: ZeepOnvifGateway, length: int) -> None:
    raw = [HEAD + b"Content-Length: %d\r\n\r\n" % length, b"<a/>"]
    with OnvifDevice(answers={GUARDED: lambda _: Response(raw=raw)}) as device:
        found = await fault_of(gateway, device)
    assert found.reason is Reason.ONVIF_FAILED
    assert "larger" in found.detail


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\x01\x02",
        b"SSH-2.0-dropbear\r\n",
        b"RTSP/1.0 400 Bad Request\r\n\r\n",
        b"HTTP/1.1 banana\r\n\r\n",
        HEAD + b"Content-Length: minus\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><body>camera login<br></body></html>",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08",
        b"HTTP/1.1 200 OK\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\n\r\n<a/>\r\n--x--",
    ],
)
async def test_quirk_33_what_is_no_onvif_is_reachable_and_no_more(gateway: ZeepOnvifGateway, raw: bytes) -> None:
    """FalkTannhaeuser/python-onvif-zeep issues 92 and 112: HTML on the wrong port."""
    with OnvifDevice(answers={"GetSystemDateAndTime": lambda _: Response(raw=[raw])}) as device:
        found = await fault_of(gateway, device)
    assert (found.reason, found.rung) == (Reason.ONVIF_FAILED, Rung.REACHABLE)
    assert device.operations == ["GetSystemDateAndTime"]


BOMB = (
    "<!DOCTYPE s:Envelope ["
    + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha" * 50}">' for n in range(12))
    + "]><s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Body><a>&e11;</a></s:Body></s:Envelope>"
).encode()


@pytest.mark.parametrize(
    "answer",
    [
        html("please sign in"),
        html("Internal Server Error", status=500),
        Response(BOMB),
        Response(BOMB.decode().encode("utf-16")),
        Response(b"<s:Envelope>" * 80_000),
        soap("<a>" + "<b/>" * 100_000 + "</a>"),
        soap("<trt:GetNothingResponse/>"),
        soap(""),
    ],
    ids=["html", "html 500", "bomb", "bomb in utf-16", "deep", "wide", "something else", "empty"],
)
async def test_a_device_that_turns_to_nonsense_after_it_answered_is_answering(
    gateway: ZeepOnvifGateway, answer: Response
) -> None:
    started = time.process_time()
    with OnvifDevice(answers={GUARDED: lambda _: answer}) as device:
        found = await fault_of(gateway, device)
    assert (found.reason, found.rung) == (Reason.ONVIF_FAILED, Rung.ANSWERING)
    assert time.process_time() - started < 2


async def test_nonsense_after_the_sign_in_is_authorized(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice(answers={"GetProfiles": lambda _: html("oops")}) as device:
        found = await fault_of(gateway, device)
    assert (found.reason, found.rung) == (Reason.ONVIF_FAILED, Rung.AUTHORIZED)
    assert "GetProfiles" in found.detail


async def test_a_reply_that_fits_no_schema_is_a_fault_and_no_second_attempt(gateway: ZeepOnvifGateway) -> None:
    """onvif-zeep repeats a call whose reply raises TypeError; for us every call is made once."""
    odd = soap(
        '<trt:GetProfilesResponse>text<trt:Profiles xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:nil="true"/><trt:Profiles><tt:VideoEncoderConfiguration><tt:Resolution>wide</tt:Resolution>'
        "</tt:VideoEncoderConfiguration></trt:Profiles><trt:Surprise/></trt:GetProfilesResponse>"
    )
    with OnvifDevice(answers={"GetProfiles": lambda _: odd}) as device:
        found = await fault_of(gateway, device)
    assert found.reason is Reason.NO_VIDEO
    assert device.operations.count("GetProfiles") == 1


async def test_garbled_replies_end_in_an_answer_or_a_fault(gateway: ZeepOnvifGateway) -> None:
    chance = random.Random(20210525)

    def garbled(request: Request) -> Response:
        body = bytearray(device.proper(request).body)
        for _ in range(chance.randrange(1, 12)):
            start = chance.randrange(len(body))
            body[start : start + chance.randrange(0, 40)] = chance.randbytes(chance.randrange(0, 8))
        return Response(bytes(body))

    ends: Counter[str] = Counter()
    answers = dict.fromkeys(("GetSystemDateAndTime", GUARDED, "GetServices", "GetProfiles", "GetStreamUri"), garbled)
    with OnvifDevice(answers=answers) as device:
        for _ in range(200):
            try:
                await ask(gateway, device)
                ends["told"] += 1
            except CameraFault as fault_:
                ends[fault_.reason] += 1
    assert ends["told"] > 0
    assert ends[Reason.ONVIF_FAILED] > 50
    assert ends.total() == 200


async def test_the_text_of_a_fault_reaches_the_log_on_one_short_line(gateway: ZeepOnvifGateway) -> None:
    long = fault("ter:InvalidArgVal", "bad\r\n\x85 value rtsp://user:secret@10.0.0.2/ " + "x" * 5000)
    with OnvifDevice(answers={"GetProfiles": lambda _: long}) as device:
        found = await fault_of(gateway, device)
    assert found.detail.isprintable()
    assert "InvalidArgVal" in found.detail
    assert "secret" not in found.detail
    assert len(found.detail) < 300


async def test_quirk_31_a_recorder_is_asked_one_thing_at_a_time(gateway: ZeepOnvifGateway) -> None:
    """agsh/onvif issue 279. Eight cameras of one recorder at once, and a ninth camera elsewhere is not kept waiting."""
    with OnvifDevice(delay_s=0.03) as recorder, OnvifDevice(address="127.2.0.2") as other:
        asked = [asyncio.create_task(ask(gateway, recorder)) for _ in range(8)]
        await asyncio.sleep(0.05)
        await ask(gateway, other)
        assert not all(task.done() for task in asked)
        await asyncio.gather(*asked)
    assert recorder.most_busy == 1
    assert len(recorder.requests) % 8 == 0


async def test_different_devices_are_asked_at_the_same_time_and_no_more_than_threads(hasty: ZeepOnvifGateway) -> None:
    names: set[str] = set()

    def note(_request: object) -> Response:
        names.update(thread.name for thread in threading.enumerate() if thread.name.startswith("onvif"))
        return html("no")

    with (
        OnvifDevice(delay_s=0.1, answers={"GetSystemDateAndTime": note}) as one,
        OnvifDevice(delay_s=0.1, address="127.2.0.2") as two,
        OnvifDevice(delay_s=0.1, address="127.2.0.3") as three,
    ):
        results = await asyncio.gather(*(ask(hasty, device) for device in (one, two, three)), return_exceptions=True)
    assert [type(result).__name__ for result in results] == ["CameraFault", "Interrogation", "Interrogation"]
    assert len(names) == 2


async def test_cancelling_ends_the_thread_at_once_and_keeps_the_turn_until_then(gateway: ZeepOnvifGateway) -> None:
    hanging = itertools.count()

    def hang_once(request: object) -> Response:
        return Response(raw=silence()) if next(hanging) == 0 else html("no")

    with OnvifDevice(answers={"GetSystemDateAndTime": hang_once}) as device:
        task = asyncio.create_task(ask(gateway, device))
        while not device.requests:
            await asyncio.sleep(0.01)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        found = await fault_of(gateway, device)
        assert time.monotonic() - started < 1
    assert found.reason is Reason.ONVIF_FAILED


async def test_a_cancelled_wait_for_the_turn_sends_nothing(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice(delay_s=0.1) as device:
        first = asyncio.create_task(ask(gateway, device))
        await asyncio.sleep(0.02)
        second = asyncio.create_task(ask(gateway, device))
        await asyncio.sleep(0.02)
        second.cancel()
        await first
        await asyncio.sleep(0.1)
    assert device.operations.count("GetSystemDateAndTime") == 1


async def test_closing_breaks_what_runs() -> None:
    gateway = ZeepOnvifGateway()
    with OnvifDevice(answers={"GetSystemDateAndTime": lambda _: Response(raw=silence())}) as device:
        task = asyncio.create_task(ask(gateway, device))
        while not device.requests:
            await asyncio.sleep(0.01)
        started = time.monotonic()
        await gateway.close()
        assert time.monotonic() - started < 1
        with pytest.raises(CameraFault):
            await task
    assert not any(thread.name.startswith("onvif") for thread in threading.enumerate())


async def test_a_hostile_device_costs_the_others_nothing(gateway: ZeepOnvifGateway) -> None:
    raw = [HEAD + b"\r\n", b"<a>" * 300_000]
    with OnvifDevice(answers={GUARDED: lambda _: Response(raw=raw)}) as hostile, OnvifDevice() as well:
        for _ in range(3):
            found, told = await asyncio.gather(fault_of(gateway, hostile), ask(gateway, well))
            assert found.reason is Reason.ONVIF_FAILED
            assert len(told.streams) == 2
