"""What one RTP payload holds, told from its first bytes: RFC 6184 for H.264, RFC 7798 for H.265, RFC 2435 for JPEG.

Nothing is assembled or decoded, and no object is made: each function returns a sum of the flags below.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

#: The packet begins or continues a slice of a key frame: IDR, and with H.265 also CRA and BLA.
KEY = 1
#: The packet holds a parameter set (SPS, PPS, VPS) with which a decoder can start.
PARAMETERS = 2
#: The packet holds (part of) a coded picture.
SLICE = 4

#: ``(buffer, start, end)`` of the payload → flags. Never raises, whatever the bytes.
Inspect: TypeAlias = Callable[[bytearray, int, int], int]

_H264_STAP_A = 24
_H264_FU_A = 28
_H265_AP = 48
_H265_FU = 49


def _h264_kinds() -> bytes:
    kinds = bytearray(32)
    for slice_type in (1, 2, 3, 4):
        kinds[slice_type] = SLICE
    kinds[5] = KEY | SLICE
    kinds[7] = kinds[8] = PARAMETERS
    return bytes(kinds)


def _h265_kinds() -> bytes:
    kinds = bytearray(64)
    for slice_type in range(16):
        kinds[slice_type] = SLICE
    for random_access in range(16, 24):  # BLA, IDR, CRA and the two reserved for more of them
        kinds[random_access] = KEY | SLICE
    for parameters in (32, 33, 34):
        kinds[parameters] = PARAMETERS
    return bytes(kinds)


_H264 = _h264_kinds()
_H265 = _h265_kinds()


def inspect_h264(buffer: bytearray, start: int, end: int) -> int:
    """Flags of an H.264 payload, in packetization modes 0 and 1."""
    kind = buffer[start] & 0x1F
    if kind == _H264_FU_A:
        return _H264[buffer[start + 1] & 0x1F] if end - start > 1 else 0
    if kind == _H264_STAP_A:
        flags = 0
        position = start + 1
        while position + 2 < end:
            size = (buffer[position] << 8) + buffer[position + 1]
            if size:
                flags |= _H264[buffer[position + 2] & 0x1F]
            position += 2 + size
        return flags
    return _H264[kind]


def inspect_h265(buffer: bytearray, start: int, end: int) -> int:
    """Flags of an H.265 payload without decoding order numbers (no camera we know of sends them)."""
    kind = (buffer[start] >> 1) & 0x3F
    if kind == _H265_FU:
        return _H265[buffer[start + 2] & 0x3F] if end - start > 2 else 0
    if kind == _H265_AP:
        flags = 0
        position = start + 2
        while position + 2 < end:
            size = (buffer[position] << 8) + buffer[position + 1]
            if size:
                flags |= _H265[(buffer[position + 2] >> 1) & 0x3F]
            position += 2 + size
        return flags
    return _H265[kind]


def inspect_jpeg(buffer: bytearray, start: int, end: int) -> int:  # noqa: ARG001 - the signature of Inspect
    """Flags of a JPEG payload: every picture stands alone."""
    return KEY | SLICE


INSPECT: dict[str, Inspect] = {"H264": inspect_h264, "H265": inspect_h265, "JPEG": inspect_jpeg}


class Kinds(NamedTuple):
    """The same as ``Inspect`` for one slice, as tables, where a call for each frame costs too much.

    ``first[byte]`` of a payload gives its flags, or FRAGMENT, or ASK; of a fragment, ``fragment[byte]`` of the byte at
    ``fragment_at`` does.
    """

    first: bytes
    fragment_at: int
    fragment: bytes


#: The payload is a fragment: look further on.
FRAGMENT = 254
#: The payload holds several units, or what it holds is not told by its first byte.
ASK = 255

KINDS: dict[str, Kinds] = {
    "H264": Kinds(
        bytes({_H264_FU_A: FRAGMENT, _H264_STAP_A: ASK}.get(byte & 0x1F, _H264[byte & 0x1F]) for byte in range(256)),
        1,
        bytes(_H264[byte & 0x1F] for byte in range(256)),
    ),
    "H265": Kinds(
        bytes(
            {_H265_FU: FRAGMENT, _H265_AP: ASK}.get(byte >> 1 & 0x3F, _H265[byte >> 1 & 0x3F]) for byte in range(256)
        ),
        2,
        bytes(_H265[byte & 0x3F] for byte in range(256)),
    ),
    "JPEG": Kinds(bytes([ASK]) * 256, 0, b""),
}
