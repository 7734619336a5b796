"""What a probe has learned so far, so that it can be told at any moment. Does not import PyAV."""

import threading
from dataclasses import dataclass, field
from typing import Any

from services.contracts.ladder import Reason
from services.ingest.media import measure

# With its last packet older than this, a stream that meets the deadline has stalled.
_STALLED_AFTER_S = 1.0


@dataclass
class ProbeProgress:
    """What is known so far. Written by the probing thread, read by any: hold ``lock``."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    opened: bool = False
    codec: str | None = None
    size: tuple[int, int] | None = None
    packets: list[measure.Packet] = field(default_factory=list)
    seen: int = 0
    keys_seen: int = 0
    keyframe_decoded: bool = False
    frames_decoded: int = 0
    decode_errors: int = 0
    snapshot: bytes = b""
    looks: list[tuple[float, bytes]] = field(default_factory=list)

    def answer(self, reason: Reason | None, detail: str) -> tuple[dict[str, Any], bytes]:
        """Header and blob of the result: the blob is the JPEG and then the looks."""
        with self.lock:
            facts: dict[str, Any] = {"codec": self.codec}
            if self.keyframe_decoded:
                # Of garbage there are sizes and rates too.
                width, height = self.size or (None, None)
                facts |= {"width": width, "height": height, **measure.rates(self.packets)._asdict()}
            header = {
                "event": "probed",
                "opened": self.opened,
                "packets": self.seen,
                "keyframe_decoded": self.keyframe_decoded,
                "frames_decoded": self.frames_decoded,
                "decode_errors": self.decode_errors,
                "facts": facts,
                "looks_at": [at for at, _ in self.looks],
                "reason": reason,
                "detail": detail,
            }
            return header, self.snapshot + b"".join(luma for _, luma in self.looks)

    def answer_at_deadline(self, now: float) -> tuple[dict[str, Any], bytes]:
        """The result when time is up before everything was seen."""
        return self.answer(*self.reason_at(now))

    def reason_at(self, now: float) -> tuple[Reason | None, str]:
        """Why this is all there is, if nothing more is seen after ``now``."""
        if not self.opened:
            return Reason.TIMEOUT, "the stream did not open in time"
        if not self.seen:
            return Reason.NO_FRAMES, "the session plays and nothing came"
        if not self.keyframe_decoded:
            return Reason.UNDECODABLE, f"{self.seen} packets and {self.keys_seen} key frames, none of which decodes"
        if self.packets and now - self.packets[-1].arrived_monotonic > _STALLED_AFTER_S:
            return Reason.STALLED, "packets stopped before the watch was over"
        return None, "the watch was cut short by the deadline"
