"""Video that is right in every header down to RTP and meant to hurt whoever decodes it. Endless, and the same each time."""

import random
from collections.abc import Iterator
from itertools import count

from tests.doubles.rtp_packets import CLOCK_RATE, IDR, SLICE, fragments, rtp

_FPS = 25
_GOP = 10
#: IDR_N_LP and TRAIL_R (ITU-T H.265 table 7-1), layer 0.
_H265_IDR, _H265_SLICE = bytes([20 << 1, 1]), bytes([1 << 1, 1])


def _units(payloads_of: "Iterator[list[bytes]]") -> Iterator[list[bytes]]:
    numbers = count()
    for frame, payloads in enumerate(payloads_of):
        at = frame * (CLOCK_RATE // _FPS)
        yield [rtp(payload, sequence=next(numbers), timestamp=at) for payload in payloads]


def random_h264_slices() -> Iterator[list[bytes]]:
    """Key frames and others, of which only the first byte is right."""
    chance = random.Random(264)

    def payloads() -> Iterator[list[bytes]]:
        for frame in count():
            nal = IDR if frame % _GOP == 0 else SLICE
            yield fragments(nal + chance.randbytes(chance.randrange(400, 4000)), 1200)

    return _units(payloads())


def random_h265_slices() -> Iterator[list[bytes]]:
    """As above, in H.265: its decoder takes some of them for pictures."""
    chance = random.Random(265)

    def payloads() -> Iterator[list[bytes]]:
        for frame in count():
            nal = _H265_IDR if frame % _GOP == 0 else _H265_SLICE
            yield [nal + chance.randbytes(chance.randrange(100, 1300))]

    return _units(payloads())


def random_payloads() -> Iterator[list[bytes]]:
    """Anything as H.264: parameter sets, SEI, aggregates and fragments without sense. Each unit has its key frame."""
    chance = random.Random(0)

    def payloads() -> Iterator[list[bytes]]:
        while True:
            several = [chance.randbytes(chance.randrange(1, 1400)) for _ in range(chance.randrange(1, 5))]
            yield [*several, IDR + chance.randbytes(chance.randrange(1, 1400))]

    return _units(payloads())
