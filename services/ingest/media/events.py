"""What a remuxed stream consists of. Both sides use it, so it loads nothing heavy into the child."""

from dataclasses import dataclass, field
from typing import TypeAlias

from services.contracts.ladder import Reason


@dataclass(frozen=True, slots=True)
class InitSegment:
    """What a player needs before the segments that follow it: ``ftyp`` and ``moov``.

    ``discontinuity`` is False for the first one of a session and True for each later one, when the timestamps
    jumped or the encoder's settings changed; timestamps begin at 0 again.
    """

    data: bytes = field(repr=False)
    codec: str  # RFC 6381, for example `avc1.42c01f` or `hvc1.1.6.L93.B0`
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
