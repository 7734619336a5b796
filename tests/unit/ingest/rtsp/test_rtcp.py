"""RTCP: sender reports in, receiver reports out."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.rtsp import rtcp
from services.ingest.rtsp.errors import RtspProtocolError
from tests.doubles.rtp_packets import SSRC, goodbye, sender_report


def test_a_sender_report_tells_the_cameras_clock() -> None:
    heard = rtcp.parse(sender_report(unix_time_s=1_795_000_000.25, timestamp=90_000))
    assert heard.report is not None
    assert heard.report.unix_time_s == pytest.approx(1_795_000_000.25)
    assert (heard.report.ssrc, heard.report.rtp_timestamp) == (SSRC, 90_000)
    assert heard.gone == frozenset()


def test_a_compound_packet_is_read_to_its_end() -> None:
    description = struct.pack(">BBHI", 0x81, 202, 3, SSRC) + b"\x01\x04cam\0\0\0"
    heard = rtcp.parse(sender_report(unix_time_s=1.0, timestamp=1) + description + goodbye(7))
    assert heard.report is not None
    assert heard.gone == {7}


def test_only_the_report_itself_is_passed_on() -> None:
    blocks = struct.pack(">BBHIQIII", 0x81, 200, 12, SSRC, 5 << 32, 6, 7, 8) + bytes(24)
    heard = rtcp.parse(blocks)
    assert heard.report is not None
    assert heard.report.encode() == struct.pack(">BBHIQIII", 0x80, 200, 6, SSRC, 5 << 32, 6, 7, 8)


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(b"\x80\xc8", id="ends within a header"),
        pytest.param(b"\x80\xc8\0\6" + bytes(8), id="longer than it is"),
        pytest.param(b"\x40\xc8\0\0", id="version 1"),
        pytest.param(b"\x80\xc8\0\1" + bytes(4), id="a sender report without its sender"),
    ],
)
def test_what_does_not_fit_is_refused(packet: bytes) -> None:
    with pytest.raises(RtspProtocolError):
        rtcp.parse(packet)


@given(st.binary(max_size=120))
def test_no_bytes_raise_anything_but_a_protocol_error(packet: bytes) -> None:
    try:
        heard = rtcp.parse(packet)
    except RtspProtocolError:
        return
    assert len(heard.gone) <= 31 * len(packet)


def test_a_receiver_report_says_what_was_received() -> None:
    packet = rtcp.receiver_report(
        own_ssrc=1, media_ssrc=2, lost=3, highest_sequence=65540, last_report=0xABCD0123, delay_s=1.5, name="0123abcd"
    )
    assert struct.unpack(">BBHIIIIIII", packet[:32]) == (0x81, 201, 7, 1, 2, 3, 65540, 0, 0xABCD0123, 98304)
    first, kind, words, ssrc, item, length = struct.unpack(">BBHIBB", packet[32:42])
    assert (first, kind, ssrc, item, length, packet[42:50]) == (0x81, 202, 1, 1, 8, b"0123abcd")
    assert len(packet) == 32 + 4 + 4 * words
    assert rtcp.parse(packet) == rtcp.Heard(None, frozenset())


def test_before_the_first_sender_report_there_is_no_delay() -> None:
    packet = rtcp.receiver_report(
        own_ssrc=1, media_ssrc=2, lost=2**30, highest_sequence=1, last_report=0, delay_s=99.0, name="x"
    )
    assert struct.unpack(">II", packet[24:32]) == (0, 0)
    assert struct.unpack(">I", packet[12:16]) == (0x7FFFFF,)
