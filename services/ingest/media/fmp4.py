"""Boxes of fragmented MP4 (ISO/IEC 14496-12) and the codec string of an init segment (RFC 6381). Pure, bounded."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

_BOXES_MAX = 4096
_INIT_MAX_BYTES = 256 * 1024

# Where the boxes inside a sample entry begin: 8 bytes of SampleEntry and 70 of VisualSampleEntry (14496-12, 12.1.3).
_VISUAL_SAMPLE_ENTRY_BYTES = 78
# stsd is a full box with a count before its entries.
_STSD_HEAD_BYTES = 8

_TO_STSD = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")


class Mp4Error(Exception):
    """These bytes are not the MP4 that they should be."""


class Box(NamedTuple):
    """One box: its content is ``data[begin:end]``, the whole of it ``data[start:end]``."""

    kind: bytes
    start: int
    begin: int
    end: int


def boxes(data: bytes, begin: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes in ``data[begin:end]``. Raises Mp4Error when one does not fit in."""
    end = len(data) if end is None else end
    at = begin
    for _ in range(_BOXES_MAX):
        if at == end:
            return
        if end - at < 8:
            raise Mp4Error("a box has no room for its head")
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and end - at >= 16:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        if size < head or at + size > end:
            raise Mp4Error(f"a box of {size} bytes does not fit")
        yield Box(kind, at, at + head, at + size)
        at += size
    raise Mp4Error("too many boxes")


def split_init(data: bytes) -> tuple[bytes, bytes]:
    """The init segment at the front of a muxer's output, and what follows it. Raises Mp4Error."""
    for box in boxes(data):
        if box.kind == b"moov":
            return data[: box.end], data[box.end :]
    raise Mp4Error("there is no moov box")


def is_whole_fragments(data: bytes) -> bool:
    """Whether these bytes are pairs of moof and mdat, at least one, and nothing cut off."""
    try:
        kinds = [box.kind for box in boxes(data)]
    except Mp4Error:
        return False
    return bool(kinds) and kinds[::2] == [b"moof"] * (len(kinds) // 2) and kinds[1::2] == [b"mdat"] * (len(kinds) // 2)


def codec_string(init: bytes) -> str:
    """The codec of the first track, as `MediaSource.isTypeSupported` and `CODECS=` of HLS take it. Raises Mp4Error."""
    if len(init) > _INIT_MAX_BYTES:
        raise Mp4Error("the init segment is too large")
    begin, end = 0, len(init)
    for kind in _TO_STSD:
        inner = _child(init, kind, begin, end)
        begin, end = inner.begin, inner.end
    for entry in boxes(init, begin + _STSD_HEAD_BYTES, end):
        inside = entry.begin + _VISUAL_SAMPLE_ENTRY_BYTES
        kind_name = entry.kind.decode("latin-1")
        if entry.kind in {b"avc1", b"avc3"}:
            config = _child(init, b"avcC", inside, entry.end)
            return f"{kind_name}.{_avc(init[config.begin : config.end])}"
        if entry.kind in {b"hvc1", b"hev1"}:
            config = _child(init, b"hvcC", inside, entry.end)
            return f"{kind_name}.{_hevc(init[config.begin : config.end])}"
        raise Mp4Error(f"no codec string is known for a sample entry {entry.kind!r}")
    raise Mp4Error("there is no sample entry")


def _child(data: bytes, kind: bytes, begin: int, end: int) -> Box:
    for box in boxes(data, begin, end):
        if box.kind == kind:
            return box
    raise Mp4Error(f"there is no {kind.decode()} box")


def _avc(config: bytes) -> str:
    """Profile, constraints and level (RFC 6381 section 3.3; 14496-15, 5.3.3.1)."""
    if len(config) < 4:
        raise Mp4Error("the avcC box is too short")
    return config[1:4].hex()


def _hevc(config: bytes) -> str:
    """Profile, compatibility, tier and level, constraints (14496-15, annex E.3)."""
    if len(config) < 13:
        raise Mp4Error("the hvcC box is too short")
    space = ("", "A", "B", "C")[config[1] >> 6]
    tier = "H" if config[1] & 0x20 else "L"
    profile = config[1] & 0x1F
    (compatibility,) = struct.unpack_from(">I", config, 2)
    mirrored = int(f"{compatibility:032b}"[::-1], 2)
    constraints = config[6:12].rstrip(b"\x00")
    parts = [f"{space}{profile}", f"{mirrored:x}", f"{tier}{config[12]}", *(f"{byte:X}" for byte in constraints)]
    return ".".join(parts)
