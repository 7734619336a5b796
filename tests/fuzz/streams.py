"""Targets for what a camera sends in pieces. The last two bytes of an input say how it is cut and what it meets."""

import random
from dataclasses import astuple
from typing import TypeAlias

from services.ingest.faults import CameraFault
from services.ingest.rtsp import rtcp as reports
from services.ingest.rtsp.auth import Authorizer
from services.ingest.rtsp.counters import Counters
from services.ingest.rtsp.errors import RtspProtocolError
from services.ingest.rtsp.fanout import Fanout
from services.ingest.rtsp.framing import MAX_REST_BYTES, Demultiplexer
from services.ingest.rtsp.intake import Intake, IntakeLimits
from services.ingest.rtsp.keyframe import START_CODE, Gathered, Gatherer
from services.ingest.rtsp.messages import Message
from services.ingest.rtsp.rtp import BAD, FOREIGN, NEW_UNIT, TrackReceiver
from services.ingest.rtsp.sdp import VideoTrack
from services.ingest.rtsp.session import ClientSession
from services.ingest.rtsp.states import State
from tests.doubles.rtp_packets import PAYLOAD_TYPE
from tests.doubles.rtsp_camera import SDP

_ENCODINGS = ("H264", "H265", "JPEG")
_GOP_BYTES = 4096
_QUEUE_BYTES = 2048
#: Of our own words, for each byte of the camera's: the shortest message that is answered has 16 bytes.
_ANSWER_BYTES_MAX = 64

Happening: TypeAlias = tuple[int, bytes] | Message | str


def _plan(data: bytes) -> tuple[bytes, random.Random, int]:
    """The stream, its cuts, and eight bits of choice."""
    stream, tail = data[:-2], data[-2:]
    return stream, random.Random(tail), tail[-1] if tail else 0


def _cut(stream: bytes, cuts: random.Random) -> list[bytes]:
    pieces = []
    position = 0
    while position < len(stream):
        size = cuts.choice((1, 2, 3, 4, 5, 16, 60, 300, 2000))
        pieces.append(stream[position : position + size])
        position += size
    return pieces


def framing(data: bytes) -> None:
    """However a stream is cut, the same frames and messages come out, and the same is left over."""
    stream, cuts, _ = _plan(data)
    assert _demultiplexed([stream]) == _demultiplexed(_cut(stream, cuts))


def _demultiplexed(pieces: list[bytes]) -> tuple[list[Happening], bytes]:
    happened: list[Happening] = []

    def on_frame(buffer: bytearray, channel: int, start: int, end: int) -> None:
        assert 0 <= start <= end <= len(buffer)
        happened.append((channel, bytes(buffer[start:end])))

    demultiplexer = Demultiplexer(on_frame, happened.append)
    rest = b""
    for piece in pieces:
        buffer = bytearray(rest + piece)
        try:
            begin = demultiplexer.consume(buffer, 0, len(buffer))
        except RtspProtocolError:
            happened.append("error")
            return happened, b""
        assert 0 <= begin <= len(buffer)
        rest = bytes(buffer[begin:])
        assert len(rest) <= MAX_REST_BYTES
    return happened, rest


def rtp(data: bytes) -> None:
    """Packets are counted without an error, counts only grow, and the short way counts what the long way counts.

    But for key frames: the short way asks the first slice of a picture only, and here pictures mix all kinds of them.
    """
    stream, _, choice = _plan(data)
    track = VideoTrack(PAYLOAD_TYPE, _ENCODINGS[choice % 3], 90_000)
    one_by_one, hopping = TrackReceiver(track, Counters()), TrackReceiver(track, Counters())
    buffer = bytearray(stream)
    position, end = 0, len(buffer)
    while position + 4 <= end:
        after = position + 4 + (buffer[position + 2] << 8 | buffer[position + 3])
        if after > end:
            break
        before = _grown(one_by_one.counters)
        flags = one_by_one.packet(buffer, position + 4, after, 1.0)
        assert flags in {BAD, FOREIGN} or 0 <= flags < 2 * NEW_UNIT
        assert flags != BAD or before == _grown(one_by_one.counters)
        assert all(was <= now for was, now in zip(before, _grown(one_by_one.counters), strict=True))
        position = after
    last = position
    position = 0
    while position < last:
        hopped = hopping.hop(buffer, position, last, buffer[0], 1.0)
        assert position <= hopped <= last
        position = hopped
        if position < last:
            after = position + 4 + (buffer[position + 2] << 8 | buffer[position + 3])
            hopping.packet(buffer, position + 4, after, 1.0)
            position = after
    assert _grown(hopping.counters) == _grown(one_by_one.counters)
    assert hopping.highest_sequence == one_by_one.highest_sequence
    assert hopping.ssrc == one_by_one.ssrc


def _grown(counters: Counters) -> tuple[float, ...]:
    """What may only grow."""
    return (
        counters.packets,
        counters.bytes,
        counters.frames,
        counters.packets_lost,
        counters.sequence_gaps,
        round(counters.media_time_s, 6),
    )


def keyframe(data: bytes) -> None:
    """Whatever packets come, what is put together begins with a key frame and is no larger than what came."""
    stream, _, choice = _plan(data)
    track = VideoTrack(
        PAYLOAD_TYPE, _ENCODINGS[choice % 2], 90_000, {"sprop-parameter-sets": "Z0LAHtoCgL/lwA==,aM48gA=="}
    )
    receiver = TrackReceiver(track, Counters())
    following = choice >> 1 & 3
    gatherer = Gatherer(track, keys=1 + (choice >> 3 & 1), following=following)
    buffer = bytearray(stream)
    position = 0
    while position + 4 <= len(buffer):
        after = position + 4 + (buffer[position + 2] << 8 | buffer[position + 3])
        if after > len(buffer):
            break
        flags = receiver.packet(buffer, position + 4, after, 1.0)
        if flags != BAD and not flags & FOREIGN:
            gathered = gatherer.packet(flags, buffer, position + 4, after, 1.0)
            if gathered is not None:
                _is_of_use(gathered, len(stream))
                assert len(gathered.units) > following
                assert sum(unit.key for unit in gathered.units) >= 1 + (choice >> 3 & 1)
                gatherer = Gatherer(track, following=following)
                choice &= 7
        position = after


def _is_of_use(gathered: Gathered, came: int) -> None:
    assert gathered.units[0].key
    assert all(unit.data.startswith(START_CODE) and len(unit.data) > len(START_CODE) for unit in gathered.units)
    # A unit of one byte in an aggregate, with two for its length, becomes five with its start code.
    assert gathered.size <= len(gathered.extradata) + 2 * came


def rtcp(data: bytes) -> None:
    """Any packet is read or refused; a report that was read can be passed on and answered."""
    try:
        told = reports.parse(data)
    except RtspProtocolError:
        return
    assert len(told.gone) <= len(data) // 4
    if told.report is None:
        return
    assert reports.parse(told.report.encode()).report == told.report
    answer = reports.receiver_report(
        own_ssrc=1,
        media_ssrc=told.report.ssrc,
        lost=told.report.packets,
        highest_sequence=told.report.rtp_timestamp,
        last_report=told.report.ntp_middle,
        delay_s=told.report.octets,
        name="name",
    )
    assert len(answer) % 4 == 0
    assert reports.parse(answer) == reports.Heard(None, frozenset())


def intake(data: bytes) -> None:
    """Whatever a camera sends, at any step and in any pieces: a fault or nothing, and bounded room for it."""
    stream, cuts, choice = _plan(data)
    limits = IntakeLimits(burst_bytes=512 * 1024, bytes_per_s=64 * 1024, bad_packets=10)
    fanout = Fanout(_GOP_BYTES, _QUEUE_BYTES)
    session = ClientSession("rtsp://192.0.2.7:554/s", Authorizer(None))
    conversation = Intake(session, Counters(), fanout, limits)
    now = 100.0
    conversation.start(now)
    fanout.hold_gop = bool(choice & 1)
    subscription = fanout.subscribe(lambda: None, lambda: None) if choice & 2 else None
    opened = _OPENED if choice & 4 else b""
    gathered: list[Gathered] = []
    rest, said = b"", 0
    for piece in [*([opened] if opened else []), *_cut(stream, cuts)]:
        now += 0.25
        buffer = bytearray(rest + piece)
        try:
            begin = conversation.receive(buffer, 0, len(buffer), now)
            if session.state is State.PLAYING:
                assert conversation.tick(now) > now - 0.25
                if choice & 8 and not gathered and session.track and session.track.codec != "mjpeg":
                    conversation.gather(Gatherer(session.track, following=1), gathered.append)
                    choice &= ~8
        except CameraFault:
            return
        rest = bytes(buffer[begin:])
        assert len(rest) <= MAX_REST_BYTES
        said += len(conversation.take_outgoing())
        assert said <= 4096 + _ANSWER_BYTES_MAX * (len(opened) + len(stream))
        if subscription is not None:
            waiting = len(subscription.take(1_000_000))
            assert waiting <= _GOP_BYTES + _QUEUE_BYTES + len(piece)
    for one in gathered:
        _is_of_use(one, len(stream))
    assert all(value >= 0 for value in astuple(conversation.counters)[:3])
    conversation.close()


def _opening() -> bytes:
    ok = b"RTSP/1.0 200 OK\r\n\r\n"
    described = b"RTSP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(SDP), SDP)
    set_up = b"RTSP/1.0 200 OK\r\nSession: 1;timeout=20\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n"
    return ok + described + set_up + ok


_OPENED = _opening()
