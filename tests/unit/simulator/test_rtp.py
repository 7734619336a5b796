"""RTP as a simulated camera sends it, read back by the rules of the RFCs."""

import random
import struct
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from services.simulator.junk import junk
from services.simulator.pictures import AccessUnit, Codec, Loop, StreamFormat
from services.simulator.rtp import PAYLOAD_MAX, goodbye, interleave, packetize, sender_report
from services.simulator.scene import PictureSize

HEADS = {Codec.H264: (b"\x67", b"\x65", b"\x41"), Codec.H265: (b"\x42\x01", b"\x26\x01", b"\x02\x01")}


def loop_of(codec: Codec, sizes: list[int]) -> Loop:
    chance = random.Random(7)
    heads = HEADS[codec]
    nals = tuple(heads[index % 3] + chance.randbytes(size) for index, size in enumerate(sizes))
    shape = StreamFormat(PictureSize(64, 48), 25, 100)
    return Loop(codec, shape, (AccessUnit(nals, key=True),), nals[:1], b"")


def packets_in(data: bytes) -> Iterator[bytes]:
    while data:
        dollar, _, length = struct.unpack_from(">BBH", data)
        assert dollar == 0x24
        yield data[4 : 4 + length]
        data = data[4 + length :]


def reassemble(codec: Codec, payloads: list[bytes]) -> list[bytes]:
    """NAL units again: RFC 6184 section 5.8, RFC 7798 section 4.4.3."""
    nals, partial = [], b""
    for payload in payloads:
        if codec is Codec.H264 and payload[0] & 0x1F == 28:
            header, indicator, rest = bytes([payload[0] & 0xE0 | payload[1] & 0x1F]), payload[1], payload[2:]
        elif codec is Codec.H265 and payload[0] >> 1 & 0x3F == 49:
            header = bytes([payload[0] & 0x81 | (payload[2] & 0x3F) << 1, payload[1]])
            indicator, rest = payload[2], payload[3:]
        else:
            assert not partial
            nals.append(payload)
            continue
        assert bool(indicator & 0x80) == (not partial)
        partial = header + rest if indicator & 0x80 else partial + rest
        if indicator & 0x40:
            nals.append(partial)
            partial = b""
    assert not partial
    return nals


@pytest.mark.parametrize("codec", list(Codec))
@pytest.mark.parametrize(
    "size", [1, PAYLOAD_MAX - 2, PAYLOAD_MAX - 1, PAYLOAD_MAX, PAYLOAD_MAX + 1, 2 * PAYLOAD_MAX, 50_000]
)
def test_units_of_any_size_arrive_whole(codec: Codec, size: int) -> None:
    loop = loop_of(codec, [20, size, size])
    (frame,) = packetize(loop)
    assert max(map(len, frame.payloads)) <= PAYLOAD_MAX
    assert reassemble(codec, list(frame.payloads)) == list(loop.units[0].nals)


def test_packets_of_a_picture_share_a_time_count_up_and_the_last_is_marked() -> None:
    (frame,) = packetize(loop_of(Codec.H264, [20, 5000]))
    data = interleave(frame, channel=4, sequence=0xFFFE, rtp_time=0xFFFFFFF0, ssrc=77)
    headers = [struct.unpack_from(">BBHII", packet) for packet in packets_in(data)]
    assert [header[2] for header in headers] == [0xFFFE, 0xFFFF, 0, 1, 2][: len(headers)]
    assert {header[3:] for header in headers} == {(0xFFFFFFF0, 77)}
    assert [header[1] & 0x80 for header in headers] == [0] * (len(headers) - 1) + [0x80]
    assert data[1] == 4


def test_a_sender_report_ties_media_time_to_the_clock() -> None:
    report = sender_report(ssrc=9, now=datetime(2021, 5, 28, tzinfo=UTC), rtp_time=90_000, packets=3, octets=4)
    version, kind, words, ssrc, seconds, fraction, rtp_time, packets, octets = struct.unpack_from(">BBHIIIIII", report)
    assert (version >> 6, kind, words, ssrc) == (2, 200, 6, 9)
    assert (seconds - 2_208_988_800, fraction) == (1_622_160_000, 0)
    assert (rtp_time, packets, octets) == (90_000, 3, 4)


@pytest.mark.parametrize(
    "compound",
    [goodbye(5), sender_report(ssrc=5, now=datetime(2021, 5, 28, tzinfo=UTC), rtp_time=0, packets=0, octets=0)],
    ids=["goodbye", "sender report"],
)
def test_compound_packets_consist_of_whole_words(compound: bytes) -> None:
    kinds = []
    while compound:
        _, kind, words = struct.unpack_from(">BBH", compound)
        assert len(compound) >= 4 + 4 * words
        kinds.append(kind)
        compound = compound[4 + 4 * words :]
    assert kinds in ([200, 202], [201, 202, 203])


def test_junk_spoils_payloads_and_now_and_then_the_framing() -> None:
    (frame,) = packetize(loop_of(Codec.H264, [20, 5000]))
    data = interleave(frame, channel=0, sequence=1, rtp_time=1, ssrc=1)
    chance = random.Random(1)
    spoiled = [junk(data, chance) for _ in range(200)]
    assert data not in spoiled
    unframed = [one for one in spoiled if one[0] != 0x24]
    lying = [one for one in spoiled if one[:1] == b"$" and one[2:4] == b"\xff\xff"]
    assert unframed
    assert lying
    assert len(unframed) + len(lying) < 150
