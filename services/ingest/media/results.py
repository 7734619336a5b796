"""What the media processes answer, and how they fail."""

from dataclasses import dataclass, field
from typing import TypeAlias

from services.contracts.camera import StreamFacts
from services.contracts.ladder import Reason
from services.ingest.picture import Look


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """How far a look at one stream got. Never an exception: a stream may fail at any step.

    ``reason`` is None when everything asked for was seen, and otherwise why it ended before; what was learned until
    then stands beside it. The relay in front of the camera knows better why an open failed: its word comes first.
    """

    opened: bool
    packets: int
    keyframe_decoded: bool
    frames_decoded: int
    decode_errors: int
    facts: StreamFacts
    snapshot: bytes | None = field(repr=False)  # JPEG of the first key frame that decoded without error
    looks: tuple[Look, ...] = field(repr=False)  # one for each decoded key frame, in order
    reason: Reason | None
    detail: str  # for logs; holds no URL


@dataclass(frozen=True, slots=True)
class InitSegment:
    """What a player needs before the segments that follow it: ``ftyp`` and ``moov``.

    ``discontinuity`` is False for the first one of a session and True for each later one, when the timestamps
    jumped or the encoder's settings changed; timestamps begin at 0 again.
    """

    data: bytes = field(repr=False)
    codec: str  # RFC 6381, for example `avc1.42c01f` or `hvc1.1.6.L93.b0`
    width: int
    height: int
    discontinuity: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """One or more whole groups of pictures: ``moof`` and ``mdat``, repeated. Begins with a key frame.

    ``index`` counts from 0 through the whole session, over discontinuities.
    """

    index: int
    duration_s: float
    data: bytes = field(repr=False)
    starts_with_key: bool = True


@dataclass(frozen=True, slots=True)
class Ended:
    """The last event of a session. ``reason`` is None when it was asked to end."""

    reason: Reason | None
    detail: str


MuxEvent: TypeAlias = InitSegment | Segment | Ended


class MediaHostBusy(Exception):
    """No media thread came free in time. Nothing was asked of the stream; try later."""


class MediaHostLost(Exception):
    """The media process that did this work is gone, perhaps because of another stream. It may be repeated."""


class MuxOverrun(Exception):
    """The reader of a session was too slow, so the session was ended."""
