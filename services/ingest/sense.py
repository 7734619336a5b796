"""Whether what arrives is a stream at all: a device gone mad sends bytes, but few of them are packets of ours. Pure."""

from typing import NamedTuple

#: Part of the window that must have been seen before anything is said.
_SEEN_SHARE_MIN = 0.8
#: Fewer bytes in that time prove nothing: a stream that stopped still has its keep-alives.
_ENOUGH_BYTES = 16 * 1024
_GOOD_SHARE_MIN = 0.5


class _Sample(NamedTuple):
    at: float
    received: int
    good: int


class Sense:
    """The newest bytes of one stream, over so many seconds."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._samples: list[_Sample] = []  # few: a deque would take 760 bytes

    def note(self, now: float, received: int, good: int) -> None:
        """So many bytes have come in all until now, and so many of them in packets of the stream."""
        samples = self._samples
        samples.append(_Sample(now, received, good))
        while len(samples) > 2 and now - samples[1].at >= self._window_s:
            del samples[0]

    @property
    def nonsense(self) -> bool:
        """Whether most of what came over the last seconds belongs to nothing."""
        first, last = self._samples[0], self._samples[-1]
        received = last.received - first.received
        return (
            last.at - first.at >= _SEEN_SHARE_MIN * self._window_s
            and received >= _ENOUGH_BYTES
            and last.good - first.good < _GOOD_SHARE_MIN * received
        )
