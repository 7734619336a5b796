"""Frames between host and child come whole, in order, and bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.media.wire import (
    BLOB_MAX_BYTES,
    HEADER_MAX_BYTES,
    LENGTHS,
    Frame,
    FrameBuffer,
    WireError,
    encode,
    lengths,
)

FRAMES = st.lists(
    st.builds(Frame, st.dictionaries(st.text(max_size=8), st.one_of(st.integers(), st.text(), st.none())), st.binary()),
    max_size=6,
)


@given(FRAMES, st.lists(st.integers(1, 40), min_size=1))
def test_frames_survive_any_cutting_of_the_stream(frames: list[Frame], cuts: list[int]) -> None:
    data = b"".join(encode(*frame) for frame in frames)
    got: list[Frame] = []
    buffer, place, turn = FrameBuffer(), 0, 0
    while place < len(data):
        size = cuts[turn % len(cuts)]
        got += buffer.feed(data[place : place + size])
        place, turn = place + size, turn + 1

    assert got == frames


@pytest.mark.parametrize("announced", [(HEADER_MAX_BYTES + 1, 0), (0, BLOB_MAX_BYTES + 1), (2**32 - 1, 2**32 - 1)])
def test_a_frame_that_is_announced_too_large_is_refused_before_it_comes(announced: tuple[int, int]) -> None:
    with pytest.raises(WireError):
        lengths(LENGTHS.pack(*announced))
    with pytest.raises(WireError):
        list(FrameBuffer().feed(LENGTHS.pack(*announced)))


@pytest.mark.parametrize("header", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_a_header_that_is_no_object_is_refused(header: bytes) -> None:
    with pytest.raises(WireError):
        list(FrameBuffer().feed(LENGTHS.pack(len(header), 0) + header))


def test_what_is_too_large_is_not_sent() -> None:
    with pytest.raises(WireError):
        encode({"url": "x" * (HEADER_MAX_BYTES + 1)})
    with pytest.raises(WireError):
        encode({}, bytes(BLOB_MAX_BYTES + 1))
