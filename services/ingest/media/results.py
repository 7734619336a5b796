"""What callers get from the media processes, and how those fail. The events are defined apart, see ``events``."""

from dataclasses import dataclass, field

from services.contracts.camera import StreamFacts
from services.contracts.ladder import Reason
from services.ingest.media.events import Ended, InitSegment, MuxEvent, Segment
from services.ingest.picture import Look

__all__ = [
    "Ended",
    "InitSegment",
    "MediaHostBusy",
    "MediaHostLost",
    "MuxEvent",
    "MuxOverrun",
    "ProbeResult",
    "Segment",
]


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

    @property
    def decodes(self) -> bool:
        """Whether a key frame decoded, and not by luck: to H.265 one in eighty slices of random bytes is a picture.

        Malformed SEI messages count as errors of frames that decode, so there may be as many as frames, and more.
        """
        return self.keyframe_decoded and 2 * self.frames_decoded >= self.decode_errors


class MediaHostBusy(Exception):
    """No media thread came free in time. Nothing was asked of the stream; try later."""


class MediaHostLost(Exception):
    """The media process that did this work is gone, perhaps because of another stream. It may be repeated."""


class MuxOverrun(Exception):
    """The reader of a session was too slow, so the session was ended."""
