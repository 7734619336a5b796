"""Boxes are walked within bounds, and codec strings read as browsers expect them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.media.fmp4 import Mp4Error, boxes, codec_string, is_whole_fragments, split_init


def box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def init_with(entry: bytes) -> bytes:
    stsd = box(b"stsd", bytes(4) + struct.pack(">I", 1) + entry)
    inner = stsd
    for kind in (b"stbl", b"minf", b"mdia", b"trak"):
        inner = box(kind, box(b"free") + inner)
    return box(b"ftyp", b"iso5") + box(b"moov", box(b"mvhd", bytes(100)) + inner)


def entry(kind: bytes, config_kind: bytes, config: bytes) -> bytes:
    return box(kind, bytes(78) + box(b"colr", bytes(11)) + box(config_kind, config))


@pytest.mark.parametrize(
    ("kind", "config_kind", "config", "expected"),
    [
        (b"avc1", b"avcC", bytes.fromhex("0142c01fffe1"), "avc1.42c01f"),
        (b"avc1", b"avcC", bytes.fromhex("01640028ff"), "avc1.640028"),
        # Main profile, level 3.1: compatibility 0x60000000 is mirrored to 6.
        (
            b"hvc1",
            b"hvcC",
            bytes.fromhex("01016000000090000000000 05d".replace(" ", "")) + bytes(10),
            "hvc1.1.6.L93.90",
        ),
        # High tier, Main 10, level 5.1, no constraint flags.
        (b"hvc1", b"hvcC", bytes.fromhex("012220000000000000000000 99".replace(" ", "")) + bytes(10), "hvc1.2.4.H153"),
        (
            b"hev1",
            b"hvcC",
            bytes.fromhex("0181600000009000000000b0 5d".replace(" ", "")) + bytes(10),
            "hev1.B1.6.L93.90.0.0.0.0.B0",
        ),
    ],
    ids=["baseline", "high", "main", "main10-high-tier", "profile-space"],
)
def test_the_codec_string_is_read_from_the_decoder_configuration(
    kind: bytes, config_kind: bytes, config: bytes, expected: str
) -> None:
    assert codec_string(init_with(entry(kind, config_kind, config))) == expected


@pytest.mark.parametrize(
    "init",
    [
        b"",
        box(b"moov"),
        init_with(b""),
        init_with(entry(b"mp4v", b"esds", bytes(20))),
        init_with(entry(b"avc1", b"hvcC", bytes(20))),
        init_with(entry(b"avc1", b"avcC", b"\x01")),
        init_with(entry(b"hvc1", b"hvcC", bytes(5))),
        bytes(300 * 1024),
    ],
    ids=["empty", "no-track", "no-entry", "other-codec", "no-config", "short-avcc", "short-hvcc", "too-large"],
)
def test_an_init_segment_without_a_known_codec_is_an_error(init: bytes) -> None:
    with pytest.raises(Mp4Error):
        codec_string(init)


def test_the_init_segment_ends_with_moov() -> None:
    init = box(b"ftyp", b"iso5") + box(b"moov", b"1234")

    assert split_init(init + box(b"moof")) == (init, box(b"moof"))


def test_output_without_moov_has_no_init_segment() -> None:
    with pytest.raises(Mp4Error):
        split_init(box(b"ftyp"))


def test_only_pairs_of_moof_and_mdat_are_whole_fragments() -> None:
    pair = box(b"moof", bytes(20)) + box(b"mdat", bytes(50))

    assert is_whole_fragments(pair)
    assert is_whole_fragments(pair * 3)
    assert not is_whole_fragments(b"")
    assert not is_whole_fragments(pair[:-1])
    assert not is_whole_fragments(pair + box(b"moof"))
    assert not is_whole_fragments(box(b"mdat") + box(b"moof"))


def test_boxes_of_64_bit_size_are_walked() -> None:
    large = struct.pack(">I4sQ", 1, b"mdat", 20) + b"data"

    assert [(one.kind, one.begin, one.end) for one in boxes(large)] == [(b"mdat", 16, 20)]


@pytest.mark.parametrize("size", [0, 1, 7, 9, 2**32 - 1])
def test_a_box_that_does_not_fit_is_an_error(size: int) -> None:
    with pytest.raises(Mp4Error):
        list(boxes(struct.pack(">I4s", size, b"free")))


@given(st.binary(max_size=400))
def test_any_bytes_end_in_a_verdict(data: bytes) -> None:
    assert is_whole_fragments(data) in {True, False}
    with pytest.raises(Mp4Error):
        codec_string(data)
