"""What was counted of one stream, and the rates read from it. Cheap to write, worked out only when read."""

from dataclasses import dataclass, field
from typing import NamedTuple

WINDOW_S = 10.0
_SAMPLE_EVERY_S = 1.0
_SAMPLES_KEPT = int(WINDOW_S / _SAMPLE_EVERY_S) + 1
_KEY_FRAMES_KEPT = 9


class Rates(NamedTuple):
    """Measured over the last ten seconds, or since the first frame when that is less. None: too little was seen."""

    fps: float | None
    bitrate_kbps: float | None
    keyframe_interval_s: float | None


@dataclass(slots=True)
class Counters:
    """Grows as long as the stream is read; never set back. Written by one ``rtp.TrackReceiver``."""

    #: RTP packets of our track, with their headers.
    bytes: int = 0
    packets: int = 0
    #: Coded pictures, told apart by their RTP timestamps: cameras set the marker bit wrongly.
    frames: int = 0
    key_frames: int = 0
    #: How often the sequence numbers jumped; over TCP that means that the camera dropped packets before sending.
    sequence_gaps: int = 0
    packets_lost: int = 0
    #: Frames on our channel that were no RTP packets.
    bad_packets: int = 0
    #: Everything that came, but for whole frames on channels of others: sound goes on when the picture has stopped.
    received: int = 0
    #: When a new frame last arrived, by the monotonic clock. What waited in a buffer meanwhile arrives all at once:
    #: compare with ``media_time_s`` before calling a stream fresh.
    last_frame_at: float | None = None
    #: Progress of the camera's own clock since the first frame, by RTP timestamps.
    media_time_s: float = 0.0
    # Lists, since they are short: a deque takes 760 bytes before it holds anything.
    _samples: list[tuple[float, int, int]] = field(default_factory=list)
    _key_times: list[float] = field(default_factory=list)

    def sample(self, now: float) -> None:
        """Remember where the counts stand. Called at most once for each read."""
        if self.frames and (not self._samples or now - self._samples[-1][0] >= _SAMPLE_EVERY_S):
            self._samples.append((now, self.frames, self.bytes))
            if len(self._samples) > _SAMPLES_KEPT:
                del self._samples[0]

    def note_key_frame(self) -> None:
        """A key frame began at ``media_time_s``."""
        self.key_frames += 1
        self._key_times.append(self.media_time_s)
        if len(self._key_times) > _KEY_FRAMES_KEPT:
            del self._key_times[0]

    def rates(self, now: float) -> Rates:
        """The rates up to ``now``; a stream that stands still sinks to 0."""
        fps = bitrate_kbps = keyframe_interval_s = None
        base = next((sample for sample in self._samples if sample[0] >= now - WINDOW_S), None)
        if base is None and self._samples:
            base = self._samples[-1]
        if base is not None and (elapsed_s := now - base[0]) >= 1.0:
            fps = (self.frames - base[1]) / elapsed_s
            bitrate_kbps = (self.bytes - base[2]) * 8 / 1000 / elapsed_s
        if len(self._key_times) > 1:
            keyframe_interval_s = (self._key_times[-1] - self._key_times[0]) / (len(self._key_times) - 1)
        return Rates(fps, bitrate_kbps, keyframe_interval_s)
