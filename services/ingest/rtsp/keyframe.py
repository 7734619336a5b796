"""Key frames of H.264 (RFC 6184) and H.265 (RFC 7798) put together from their packets, for a decoder. No I/O.

Access units are told apart by their RTP timestamps: cameras set the marker bit wrongly. A unit with a packet missing is
thrown away, and the next key frame is waited for.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from services.ingest.rtsp.payload import KEY, PARAMETERS, SLICE
from services.ingest.rtsp.rtp import HEADER_BYTES, NEW_UNIT, payload_span
from services.ingest.rtsp.sdp import PARAMETER_SETS, VideoTrack

START_CODE = b"\x00\x00\x00\x01"
#: A key frame of an 8 Mb/s camera has about 1 MB; nothing honest is larger than this.
UNIT_BYTES_MAX = 4 * 1024 * 1024
_ALL_BYTES_MAX = 8 * 1024 * 1024
_PARAMETER_BYTES_MAX = 16 * 1024
#: So many key frames in a row that cannot be put together, and nothing is expected of the next.
_BROKEN_MAX = 8

#: ``(buffer, payload, end, unit)``: add the NAL units of a payload to the access unit, with start codes. False when the
#: payload is nothing we know, or goes on with what did not begin.
_Add: TypeAlias = Callable[[bytearray, int, int, bytearray], bool]


@dataclass(frozen=True, slots=True)
class Unit:
    """One access unit with start codes (Annex B), and the monotonic time at which its last packet had come."""

    key: bool
    arrived_at: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Gathered:
    """Consecutive units, the first a key frame; none when key frames came and not one of them whole. ``codec`` is `h264`
    or `h265`; ``extradata``: the parameter sets of the session description, with start codes."""

    codec: str
    extradata: bytes
    units: tuple[Unit, ...]

    @property
    def size(self) -> int:
        """Bytes in all."""
        return len(self.extradata) + sum(len(unit.data) for unit in self.units)


class Gatherer:
    """Waits for the next key frame, or for several in a row, and for what follows the first."""

    def __init__(self, track: VideoTrack, *, keys: int = 1, following: int = 0) -> None:
        """``following``: units after the first key frame that are kept too. ValueError for codecs that are no H.264 or
        H.265."""
        if track.encoding not in _ADD or track.codec is None:
            raise ValueError(f"key frames of {track.encoding} are not put together")
        self._codec = track.codec
        self._extradata = extradata(track)
        self._add = _ADD[track.encoding]
        self._keys = keys
        self._following = following
        self._units: list[Unit] = []
        self._size = 0
        self._unit = bytearray()
        self._arrived_at = 0.0
        self._kinds = 0  # flags of the packets of the unit at hand
        self._broken = True  # until the first unit begins
        self._parameters = b""  # that came as a unit of their own, just before this one
        self._sequence = -1
        #: Key frames in a row that had packets missing or were too large.
        self.broken_keys = 0

    def packet(self, flags: int, buffer: bytearray, start: int, end: int, now: float) -> Gathered | None:
        """Take an RTP packet with the flags that ``TrackReceiver`` gave it; gives all once it is together."""
        sequence = buffer[start + 2] << 8 | buffer[start + 3]
        gap = self._sequence >= 0 and sequence != (self._sequence + 1) & 0xFFFF
        self._sequence = sequence
        # What is missing between two units may belong to either.
        self._broken |= gap
        done = None
        if flags & NEW_UNIT:
            done = self._finish()
            self._kinds = 0
            self._broken = gap
        self._kinds |= flags
        self._arrived_at = now
        if done is not None or self._broken or not self._wanted():
            return done
        payload, after = payload_span(buffer, buffer[start], start + HEADER_BYTES, end)
        if payload < 0 or payload >= after:
            return done
        if not self._add(buffer, payload, after, self._unit) or len(self._unit) > UNIT_BYTES_MAX:
            self._broken = True
        return done

    def _wanted(self) -> bool:
        """Whether the unit at hand may be of use, as far as is known."""
        if self._kinds & KEY or not self._kinds & SLICE:
            return True
        return bool(self._units) and len(self._units) <= self._following

    def _finish(self) -> Gathered | None:
        """The unit at hand is over."""
        unit, self._unit = self._unit, bytearray()
        kinds = self._kinds
        if not kinds & SLICE:
            if kinds & PARAMETERS and not self._broken and len(unit) <= _PARAMETER_BYTES_MAX:
                self._parameters = bytes(unit)  # some cameras give parameter sets a timestamp of their own
            return None
        parameters, self._parameters = self._parameters, b""
        if self._broken or not unit:
            if kinds & KEY:
                self.broken_keys += 1
                if self.broken_keys >= _BROKEN_MAX:
                    return Gathered(self._codec, self._extradata, ())
            if len(self._units) <= self._following:
                self._units.clear()  # what follows must follow
                self._size = 0
            return None
        key = bool(kinds & KEY)
        if key:
            self.broken_keys = 0
        if key or (self._units and len(self._units) <= self._following):
            self._units.append(Unit(key, self._arrived_at, parameters + bytes(unit)))
            self._size += len(parameters) + len(unit)
        enough = len(self._units) > self._following and sum(one.key for one in self._units) >= self._keys
        if self._units and (enough or self._size > _ALL_BYTES_MAX):
            return Gathered(self._codec, self._extradata, tuple(self._units))
        return None


def extradata(track: VideoTrack) -> bytes:
    """The parameter sets of a session description with start codes; those that cannot be read are left out."""
    sets: list[bytes] = []
    for name in PARAMETER_SETS.get(track.encoding, ()):
        for text in track.fmtp.get(name, "").split(",")[:16]:
            try:
                data = base64.b64decode(text.strip() + "=" * (-len(text.strip()) % 4), validate=True)
            except (binascii.Error, ValueError):
                continue
            if data:
                sets.append(START_CODE + data.removeprefix(START_CODE))  # some cameras put a start code before it
    joined = b"".join(sets)
    return joined if len(joined) <= _PARAMETER_BYTES_MAX else b""


def _add_h264(buffer: bytearray, payload: int, end: int, unit: bytearray) -> bool:
    kind = buffer[payload] & 0x1F
    if kind == 28:  # FU-A
        if end - payload < 3:
            return False
        header = buffer[payload + 1]
        if header & 0x80:
            unit += START_CODE
            unit.append(buffer[payload] & 0xE0 | header & 0x1F)
        elif not unit:
            return False
        unit += memoryview(buffer)[payload + 2 : end]
        return True
    if kind == 24:  # STAP-A
        return _add_aggregated(buffer, payload + 1, end, unit)
    if 0 < kind < 24:
        unit += START_CODE
        unit += memoryview(buffer)[payload:end]
        return True
    return False


def _add_h265(buffer: bytearray, payload: int, end: int, unit: bytearray) -> bool:
    if end - payload < 3:
        return False
    kind = buffer[payload] >> 1 & 0x3F
    if kind == 49:  # FU
        header = buffer[payload + 2]
        if header & 0x80:
            unit += START_CODE
            unit.append(buffer[payload] & 0x81 | (header & 0x3F) << 1)
            unit.append(buffer[payload + 1])
        elif not unit:
            return False
        unit += memoryview(buffer)[payload + 3 : end]
        return True
    if kind == 48:  # AP
        return _add_aggregated(buffer, payload + 2, end, unit)
    if kind < 48:
        unit += START_CODE
        unit += memoryview(buffer)[payload:end]
        return True
    return False


def _add_aggregated(buffer: bytearray, position: int, end: int, unit: bytearray) -> bool:
    while position + 2 < end:
        size = buffer[position] << 8 | buffer[position + 1]
        if position + 2 + size > end:
            return False
        if size:
            unit += START_CODE
            unit += memoryview(buffer)[position + 2 : position + 2 + size]
        position += 2 + size
    return True


_ADD: dict[str, _Add] = {"H264": _add_h264, "H265": _add_h265}
