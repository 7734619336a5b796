"""Parameter sets in H.264 and H.265 access units with start codes (Annex B of ITU-T H.264 and H.265). Pure."""

from collections.abc import Iterator

_START_CODE = b"\x00\x00\x01"

# NAL unit types: parameter sets, and units that hold picture data.
_H264_PARAMETER_SETS = frozenset({7, 8})  # SPS, PPS
_H264_PICTURE = frozenset({1, 2, 3, 4, 5})
_H265_PARAMETER_SETS = frozenset({32, 33, 34})  # VPS, SPS, PPS
_H265_PICTURE_MAX = 31

# Parameter sets stand before the picture and are small; whatever goes on beyond this holds none for us.
_UNITS_MAX = 64
_PARAMETER_SETS_MAX_BYTES = 16 * 1024


def nal_units(access_unit: bytes) -> Iterator[bytes]:
    """The NAL units of an access unit without their start codes, at most 64."""
    at = access_unit.find(_START_CODE)
    for _ in range(_UNITS_MAX):
        if at < 0:
            return
        begin = at + len(_START_CODE)
        at = access_unit.find(_START_CODE, begin)
        unit = access_unit[begin : at if at >= 0 else len(access_unit)]
        # A start code of four bytes leaves its first zero at the end of the unit before.
        yield unit.rstrip(b"\x00") if at >= 0 else unit


def parameter_sets(codec: str, access_unit: bytes) -> tuple[bytes, ...]:
    """The distinct SPS and PPS (and VPS) units that stand before the picture, in order.

    ``codec`` is `h264` or `h265`; of any other codec there are none.
    """
    found: dict[bytes, None] = {}
    for unit in nal_units(access_unit):
        if not unit:
            continue
        if _is_picture(codec, unit):
            break
        if _is_parameter_set(codec, unit):
            found[unit] = None
    return tuple(found) if sum(map(len, found)) <= _PARAMETER_SETS_MAX_BYTES else ()


def joined(units: tuple[bytes, ...]) -> bytes:
    """The units with start codes, as a decoder or muxer takes them for extradata."""
    return b"".join(b"\x00" + _START_CODE + unit for unit in units)


def _is_parameter_set(codec: str, unit: bytes) -> bool:
    if codec == "h264":
        return unit[0] & 0x1F in _H264_PARAMETER_SETS
    return codec == "h265" and unit[0] >> 1 & 0x3F in _H265_PARAMETER_SETS


def _is_picture(codec: str, unit: bytes) -> bool:
    if codec == "h264":
        return unit[0] & 0x1F in _H264_PICTURE
    return codec != "h265" or unit[0] >> 1 & 0x3F <= _H265_PICTURE_MAX
