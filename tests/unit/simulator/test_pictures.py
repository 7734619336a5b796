"""The encoded loops: what a decoder sees in them, and that they can be repeated."""

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from services.simulator import glyphs
from services.simulator.pictures import (
    GROUPS_IN_LOOP,
    Codec,
    Loop,
    StreamFormat,
    Variant,
    nal_type,
    record,
    split_nals,
)
from services.simulator.scene import Look, PictureSize

SMALL = StreamFormat(PictureSize(160, 96), fps=10, kbps=100)
LOOK = Look.named("cổng chính")


def decode(loop: Loop, times: int = 1) -> list[NDArray[np.uint8]]:
    decoder = av.CodecContext.create("h264" if loop.codec is Codec.H264 else "hevc", "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.thread_count = 1
    pictures = []
    for unit in loop.units * times:
        data = b"".join(b"\0\0\0\1" + nal for nal in unit.nals)
        pictures += [frame.to_ndarray().astype(np.uint8) for frame in decoder.decode(av.Packet(data))]
    pictures += [frame.to_ndarray().astype(np.uint8) for frame in decoder.decode(None)]
    return [picture[: loop.format.size.height] for picture in pictures]


@pytest.mark.parametrize("codec", list(Codec))
def test_a_loop_is_made_of_closed_groups_and_decodes_again_and_again(codec: Codec) -> None:
    loop = record(codec, SMALL, Variant.MOVING, LOOK)
    assert [index for index, unit in enumerate(loop.units) if unit.key] == [
        10 * group for group in range(GROUPS_IN_LOOP)
    ]
    instant_refresh = {5} if codec is Codec.H264 else {19, 20}
    for unit in loop.units:
        kinds = {nal_type(codec, nal) for nal in unit.nals}
        assert bool(kinds & instant_refresh) == unit.key
        assert unit.nals[: len(loop.parameter_sets)] == loop.parameter_sets or not unit.key
    once, thrice = decode(loop), decode(loop, times=3)
    assert len(once) == len(loop.units)
    assert len(thrice) == 3 * len(once)
    assert np.array_equal(thrice[len(once)], once[0])
    assert np.array_equal(thrice[-1], once[-1])


@pytest.mark.parametrize("codec", list(Codec))
def test_no_two_key_pictures_of_a_moving_loop_are_alike(codec: Codec) -> None:
    pictures = decode(record(codec, SMALL, Variant.MOVING, LOOK))[:: SMALL.fps]
    for index, one in enumerate(pictures):
        for other in pictures[index + 1 :]:
            assert np.mean(np.abs(one.astype(int) - other.astype(int))) > 0.8


@pytest.mark.parametrize("codec", list(Codec))
def test_a_still_loop_never_changes_and_a_black_one_is_black(codec: Codec) -> None:
    still = decode(record(codec, SMALL, Variant.STILL, LOOK), times=2)
    assert all(np.array_equal(picture, still[0]) for picture in still)
    assert still[0].std() > 20
    assert max(picture.max() for picture in decode(record(codec, SMALL, Variant.BLACK, LOOK))) <= 18


@pytest.mark.parametrize("codec", list(Codec))
def test_every_variant_has_the_parameter_sets_that_the_sdp_promised(codec: Codec) -> None:
    loops = [record(codec, SMALL, variant, LOOK) for variant in Variant]
    assert len({loop.parameter_sets for loop in loops}) == 1


def test_a_loop_is_encoded_once_and_black_is_the_same_for_everybody() -> None:
    assert record(Codec.H264, SMALL, Variant.MOVING, LOOK) is record(
        Codec.H264, SMALL, Variant.MOVING, Look.named("cổng chính")
    )
    assert record(Codec.H264, SMALL, Variant.BLACK, LOOK) is record(Codec.H264, SMALL, Variant.BLACK, Look.named("sân"))


def test_a_snapshot_is_a_jpeg_of_the_stream_s_size() -> None:
    loop = record(Codec.H264, SMALL, Variant.MOVING, LOOK)
    decoder = av.CodecContext.create("mjpeg", "r")
    assert isinstance(decoder, VideoCodecContext)
    frames = [*decoder.decode(av.Packet(loop.jpeg)), *decoder.decode(None)]
    assert [(frame.width, frame.height) for frame in frames] == [(160, 96)]


@pytest.mark.parametrize("size", [(161, 96), (160, 95), (20, 20)])
def test_odd_sizes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="odd or too small"):
        PictureSize(*size)


def test_nal_units_are_split_at_start_codes_of_either_length() -> None:
    stream = b"\0\0\0\1\x67ab\0\0\1\x68c\0\0\0\1\x65\0\0\3d"
    assert list(split_nals(stream)) == [b"\x67ab", b"\x68c", b"\x65\0\0\3d"]


def test_names_are_written_in_the_letters_the_font_has() -> None:
    assert glyphs.plain("Cổng Đông-1") == "CONG DONG-1"
    ink = glyphs.ink("AB", 2)
    assert ink.shape == (14, 24)
    assert ink.any()
    assert not ink[:, 10:12].any()
