"""What a payload holds, from its first bytes: RFC 6184 section 5.2, RFC 7798 section 4.4."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.rtsp.payload import INSPECT, KEY, PARAMETERS, SLICE, inspect_h264, inspect_h265, inspect_jpeg
from tests.doubles.rtp_packets import fragments, stap_a


def h264(payload: bytes) -> int:
    return inspect_h264(bytearray(b"\xff" + payload + b"\xff"), 1, 1 + len(payload))


def h265(payload: bytes) -> int:
    return inspect_h265(bytearray(b"\xff" + payload + b"\xff"), 1, 1 + len(payload))


@pytest.mark.parametrize(
    ("nal_type", "flags"),
    [(1, SLICE), (2, SLICE), (5, KEY | SLICE), (6, 0), (7, PARAMETERS), (8, PARAMETERS), (9, 0), (12, 0), (24 + 6, 0)],
)
def test_a_single_h264_unit_tells_by_its_type(nal_type: int, flags: int) -> None:
    assert h264(bytes([0x60 | nal_type]) + b"x") == flags
    assert h264(bytes([nal_type])) == flags


def test_every_fragment_of_an_h264_key_frame_counts_as_key() -> None:
    assert [h264(piece) for piece in fragments(b"\x65" + bytes(500), 200)] == [KEY | SLICE] * 3
    assert [h264(piece) for piece in fragments(b"\x41" + bytes(500), 200)] == [SLICE] * 3


def test_an_h264_aggregate_holds_what_its_units_hold() -> None:
    assert h264(stap_a(b"\x67abc", b"\x68d")) == PARAMETERS
    assert h264(stap_a(b"\x67abc", b"\x68d", b"\x65picture")) == PARAMETERS | KEY | SLICE
    assert h264(stap_a(b"\x09\x10", b"\x41picture")) == SLICE


def h265_unit(nal_type: int) -> bytes:
    return bytes([nal_type << 1, 1])


@pytest.mark.parametrize(
    ("nal_type", "flags"),
    [
        (0, SLICE),
        (1, SLICE),
        (9, SLICE),
        *((irap, KEY | SLICE) for irap in (16, 17, 18, 19, 20, 21)),
        (32, PARAMETERS),
        (33, PARAMETERS),
        (34, PARAMETERS),
        (35, 0),
        (39, 0),
        (50, 0),
    ],
)
def test_an_h265_unit_tells_by_its_type_whole_or_in_fragments(nal_type: int, flags: int) -> None:
    assert h265(h265_unit(nal_type) + b"x") == flags
    for start_or_end in (0x80, 0, 0x40):
        assert h265(h265_unit(49) + bytes([start_or_end | nal_type]) + b"x") == flags


def test_an_h265_aggregate_holds_what_its_units_hold() -> None:
    units = [h265_unit(32) + b"v", h265_unit(33) + b"sps", h265_unit(34) + b"p", h265_unit(19) + b"idr"]
    payload = h265_unit(48) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)
    assert h265(payload) == PARAMETERS | KEY | SLICE


def test_every_jpeg_is_a_key_frame() -> None:
    assert inspect_jpeg(bytearray(b"x"), 0, 1) == KEY | SLICE


@pytest.mark.parametrize("encoding", sorted(INSPECT))
@given(payload=st.binary(min_size=1, max_size=64))
def test_no_payload_raises_nor_is_read_beyond_its_end(encoding: str, payload: bytes) -> None:
    inspect = INSPECT[encoding]
    alone = inspect(bytearray(payload), 0, len(payload))
    assert 0 <= alone <= KEY | PARAMETERS | SLICE
    assert inspect(bytearray(b"\x65\x26" + payload + b"\x65\x26\x65"), 2, 2 + len(payload)) == alone


@pytest.mark.parametrize("payload", [b"\x78", b"\x78\0", b"\x78\0\x05", b"\x78\0\0\0\0\0\0\x01\x65", b"\x7c"])
def test_broken_h264_aggregates_and_fragments_hold_nothing(payload: bytes) -> None:
    assert h264(payload) == 0


@pytest.mark.parametrize("payload", [b"\x60", b"\x60\1\0", b"\x60\1\0\0\0\5", b"\x62\1"])
def test_broken_h265_aggregates_and_fragments_hold_nothing(payload: bytes) -> None:
    assert h265(payload) == 0
