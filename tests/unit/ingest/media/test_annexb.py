"""Parameter sets are found in access units, and nothing else is."""

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.media.annexb import joined, nal_units, parameter_sets

SPS, PPS, SEI, IDR, SLICE = b"\x67\x42\x01", b"\x68\xce", b"\x06\x05\x01", b"\x65\x88\x84", b"\x41\x9a"
VPS5, SPS5, PPS5, IDR5 = b"\x40\x01\x0c", b"\x42\x01\x01", b"\x44\x01\xc0", b"\x26\x01\xaf"


def test_units_are_split_at_start_codes_of_three_and_four_bytes() -> None:
    data = b"\0\0\0\1" + SPS + b"\0\0\1" + PPS + b"\0\0\0\1" + IDR

    assert list(nal_units(data)) == [SPS, PPS, IDR]


def test_h264_sets_before_the_picture_are_taken_once_each() -> None:
    assert parameter_sets("h264", joined((SPS, PPS, SEI, SPS, IDR, b"\x67\xff"))) == (SPS, PPS)


def test_h265_sets_are_taken() -> None:
    assert parameter_sets("h265", joined((VPS5, SPS5, PPS5, IDR5))) == (VPS5, SPS5, PPS5)


def test_a_picture_without_sets_has_none() -> None:
    assert parameter_sets("h264", joined((SEI, SLICE))) == ()


def test_other_codecs_have_none() -> None:
    assert parameter_sets("mjpeg", joined((SPS, PPS))) == ()


def test_sets_that_are_too_large_are_not_taken() -> None:
    assert parameter_sets("h264", joined((SPS, b"\x68" + b"\x11" * 20_000, IDR))) == ()


@given(st.lists(st.binary(min_size=1, max_size=40).map(lambda body: b"\x67" + body.replace(b"\0", b"\1")), max_size=20))
def test_what_is_joined_is_split_again(units: list[bytes]) -> None:
    assert list(nal_units(joined(tuple(units)))) == units


@given(st.binary(max_size=3000), st.sampled_from(["h264", "h265"]))
def test_any_bytes_are_survived(data: bytes, codec: str) -> None:
    assert len(list(nal_units(data))) <= 64
    assert all(unit in data for unit in parameter_sets(codec, data))
