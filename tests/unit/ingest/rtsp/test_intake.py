"""All that comes from one camera, taken in without a socket: bytes and times in, counters and bytes out."""

import struct
from collections.abc import Iterable
from itertools import islice

import pytest

from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.rtsp.auth import Authorizer
from services.ingest.rtsp.counters import Counters
from services.ingest.rtsp.fanout import Fanout
from services.ingest.rtsp.intake import Intake, IntakeLimits
from services.ingest.rtsp.session import ClientSession
from services.ingest.rtsp.states import State
from tests.doubles.rtp_packets import SSRC, goodbye, h264_units, interleaved, rtp, sender_report
from tests.doubles.rtsp_camera import SDP

OK = b"RTSP/1.0 200 OK\r\n\r\n"
DESCRIBED = b"RTSP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(SDP), SDP)
SET_UP = b"RTSP/1.0 200 OK\r\nSession: 1;timeout=20\r\nTransport: RTP/AVP/TCP;interleaved=%d-%d\r\n\r\n"
LIMITS = IntakeLimits()


class Camera:
    """An intake that has come as far as PLAYING."""

    def __init__(self, limits: IntakeLimits = LIMITS, channels: tuple[int, int] = (0, 1)) -> None:
        self.fanout = Fanout(10**6, 10**6)
        self.now = 100.0
        session = ClientSession("rtsp://192.0.2.7:554/s", Authorizer(None))
        self.intake = Intake(session, Counters(), self.fanout, limits)
        self.intake.start(self.now)
        self.say(OK, DESCRIBED, SET_UP % channels, OK)
        assert session.state is State.PLAYING
        self.intake.take_outgoing()

    def say(self, *parts: bytes) -> None:
        data = bytearray(b"".join(parts))
        assert self.intake.receive(data, 0, len(data), self.now) == len(data)

    def send(self, packets: Iterable[bytes], channel: int = 0) -> None:
        self.say(*(interleaved(packet, channel) for packet in packets))


def units(count: int) -> list[bytes]:
    return [packet for unit in islice(h264_units(), count) for packet in unit]


def test_a_camera_may_answer_everything_at_once() -> None:
    camera = Camera()
    assert camera.intake.session.rung is Rung.PLAYING
    assert camera.intake.receiving


@pytest.mark.parametrize("channels", [(0, 1), (4, 5), (2, 9)])
def test_media_is_counted_on_the_channels_the_camera_assigned(channels: tuple[int, int]) -> None:
    camera = Camera(channels=channels)
    camera.send(units(20), channels[0])
    camera.send(units(20), 7)
    assert camera.intake.counters.frames == 20
    assert camera.intake.counters.bad_packets == 0


def test_nothing_is_due_before_its_time() -> None:
    camera = Camera()
    assert camera.intake.tick(camera.now) == camera.now + 5
    assert camera.intake.take_outgoing() == b""


def test_reports_are_sent_and_the_session_is_kept_when_due() -> None:
    camera = Camera(channels=(2, 3))
    camera.send([rtp(b"\x41x", sequence=7)], 2)
    camera.now += 2
    camera.send([sender_report(unix_time_s=1000.5, timestamp=1)], 3)
    assert camera.intake.tick(105.0) == 110.0
    report = camera.intake.take_outgoing()
    assert report[:2] == b"$\3"
    assert struct.unpack(">BBHIII", report[4:8] + report[8:20])[1:5:3] == (201, SSRC)
    _, _, _, _, _, lost, highest, _, last_report, delay = struct.unpack(">BBHIIIIIII", report[4:36])
    assert (lost, highest, last_report, delay) == (0, 7, ((1000 + 2_208_988_800) & 0xFFFF) << 16 | 0x8000, 3 * 65536)
    assert camera.intake.tick(110.0) == 115.0
    both = camera.intake.take_outgoing()
    assert both.startswith(b"$\3")
    assert b"GET_PARAMETER rtsp://192.0.2.7:554/s RTSP/1.0" in both


def test_without_media_there_is_nothing_to_report() -> None:
    camera = Camera()
    camera.intake.tick(106.0)
    assert camera.intake.take_outgoing() == b""


def test_the_cameras_clock_is_heard() -> None:
    camera = Camera()
    camera.send(units(1))
    camera.now = 123.0
    camera.send([sender_report(unix_time_s=1000.5, timestamp=1, ssrc=9)], 1)
    foreign = camera.intake.heard
    camera.send([sender_report(unix_time_s=1000.5, timestamp=1)], 1)
    ours = camera.intake.heard
    assert foreign is None
    assert ours is not None
    assert (ours[0].unix_time_s, ours[1]) == (1000.5, 123.0)


def test_sender_reports_reach_subscribers() -> None:
    camera = Camera()
    taken: list[bytes] = []
    subscription = camera.fanout.subscribe(lambda: taken.append(subscription.take(10**6)), lambda: None)
    camera.send(units(1))
    camera.send([sender_report(unix_time_s=5, timestamp=1)], 1)
    assert taken[-1] == interleaved(sender_report(unix_time_s=5, timestamp=1), 1)


def test_a_goodbye_ends_the_session() -> None:
    camera = Camera()
    camera.send(units(1))
    camera.send([goodbye(SSRC + 1)], 1)
    with pytest.raises(CameraFault) as caught:
        camera.send([goodbye()], 1)
    assert (caught.value.reason, caught.value.rung) == (Reason.ENDED, Rung.PLAYING)


@pytest.mark.parametrize(("packet", "channel"), [(b"\x00noise noise noise", 0), (b"\x80\xc8\xff\xff", 1)])
def test_noise_on_our_channels_is_borne_for_a_while(packet: bytes, channel: int) -> None:
    camera = Camera(IntakeLimits(bad_packets=10))
    camera.send([packet] * 9, channel)
    assert camera.intake.counters.bad_packets == 9
    with pytest.raises(CameraFault) as caught:
        camera.send([packet], channel)
    assert (caught.value.reason, caught.value.rung) == (Reason.PROTOCOL_ERROR, Rung.PLAYING)


def test_good_packets_make_up_for_noise() -> None:
    camera = Camera(IntakeLimits(bad_packets=10))
    for _ in range(100):
        camera.send([b"noise", *units(2)[:4]])
    assert camera.intake.counters.bad_packets == 100


def test_a_flood_ends_the_session() -> None:
    camera = Camera(IntakeLimits(bytes_per_s=1000, burst_bytes=300_000))
    camera.say(interleaved(bytes(60_000), 9) * 3)
    with pytest.raises(CameraFault, match="flood"):
        camera.say(interleaved(bytes(60_000), 9))


def test_a_stream_within_its_rate_goes_on_for_ever() -> None:
    camera = Camera(IntakeLimits(bytes_per_s=100_000, burst_bytes=200_000))
    for _ in range(100):
        camera.now += 1
        camera.say(interleaved(bytes(60_000), 9))
    assert camera.intake.session.state is State.PLAYING


@pytest.mark.parametrize("small", [b"$\x09\0\0", b"RTSP/1.0 100 Continue\r\n\r\n"])
def test_small_things_are_charged_for_the_time_they_cost(small: bytes) -> None:
    camera = Camera(IntakeLimits(bytes_per_s=1000, burst_bytes=200_000))
    with pytest.raises(CameraFault, match="flood"):
        camera.say(small * 1000)


def test_what_follows_the_end_is_passed_over() -> None:
    camera = Camera()
    camera.intake.close()
    assert b"TEARDOWN" in camera.intake.take_outgoing()
    camera.say(OK, OK, b"OPTIONS * RTSP/1.0\r\n\r\n")
    assert camera.intake.session.state is State.CLOSED
