"""Which of a camera's streams is watched. Pure."""

from collections.abc import Collection, Sequence

from services.contracts.camera import DeviceStream, StreamChoice

#: A picture narrower than that is too small to judge.
_USEFUL_WIDTH = 320
#: What the watch reads by itself; anything else goes through PyAV, at ten times the cost.
_READ_BY_WATCH = frozenset({"h264", "h265"})


def choose_stream(
    streams: Sequence[DeviceStream], wanted: StreamChoice, unfit: Collection[str] = ()
) -> DeviceStream | None:
    """The stream to watch; None only if there is none at all. ``unfit``: profiles that gave no stream lately.

    ``auto`` spares the line: an H.264 sub-stream of useful size, else the main stream if it is H.264, else the sub-stream
    before the main one, what the watch reads by itself before other codecs. A wish for main or sub is kept whatever the
    stream is like; where the device has no such stream, the other one is better than none.
    """
    return min(streams, key=lambda stream: _rank(stream, wanted, unfit), default=None)


def _rank(stream: DeviceStream, wanted: StreamChoice, unfit: Collection[str]) -> tuple[bool, ...]:
    """Smaller is better."""
    is_sub = stream.role == "sub"
    if wanted is not StreamChoice.AUTO:
        return (stream.role != wanted.value,)
    useful = stream.codec == "h264" and not (is_sub and stream.width is not None and stream.width < _USEFUL_WIDTH)
    return stream.profile in unfit, not useful, stream.codec not in _READ_BY_WATCH, not is_sub
