"""Whether media keeps up with the time: a line that is too slow brings every frame, later and later. Pure."""

from typing import NamedTuple

_WINDOW_S = 6.0
#: Media time that passes more slowly than this beside ours is not live. Far below 1, since some cameras stamp their
#: frames by the nominal rate also while they make fewer of them in the dark.
_SLOWEST = 0.25
#: More frames in a second of media time than any camera makes: then its stamps run at another rate than it says.
_FPS_MAX = 120.0


class _Sample(NamedTuple):
    arrived: float
    media_s: float
    frames: int


class Pace:
    """The newest frames of one stream. Forget them at every pause, after which media may jump to the present."""

    def __init__(self) -> None:
        self._samples: list[_Sample] = []  # few: a deque would take 760 bytes

    def note(self, arrived: float, media_s: float, frames: int) -> None:
        """A frame arrived at this monotonic time: media time and frames since the first. Repetitions are ignored."""
        samples = self._samples
        if samples and samples[-1].frames == frames:
            return
        samples.append(_Sample(arrived, media_s, frames))
        while len(samples) > 2 and arrived - samples[1].arrived >= _WINDOW_S:
            del samples[0]

    def forget(self) -> None:
        """Begin anew."""
        self._samples.clear()

    def lags(self, *, over_s: float) -> bool:
        """Whether media time was too slow over the last seconds; False before frames have come for ``over_s``."""
        if len(self._samples) < 2:
            return False
        first, last = self._samples[0], self._samples[-1]
        elapsed_s, media_s = last.arrived - first.arrived, last.media_s - first.media_s
        if elapsed_s < over_s or media_s <= 0:
            return False
        return media_s < _SLOWEST * elapsed_s and (last.frames - first.frames) / media_s <= _FPS_MAX
