"""Who asks for key frames of a running session, and gets them once they are together."""

import asyncio

from services.ingest.rtsp.intake import Intake
from services.ingest.rtsp.keyframe import Gathered, Gatherer
from services.ingest.rtsp.sdp import VideoTrack


class Gathering:
    """One request at a time."""

    def __init__(self, intake: Intake, first_following: int | None) -> None:
        """``first_following``: the very first key frame is gathered without being asked for, with so many units more."""
        self._intake = intake
        self._first_following = first_following
        self._first: asyncio.Future[Gathered] | None = None
        self._asked: asyncio.Future[Gathered] | None = None

    def begin(self, track: VideoTrack) -> None:
        """Media comes from now on."""
        if self._first_following is not None and can_be_gathered(track):
            self._first = self._ask(track, 1, self._first_following)

    def ask(self, track: VideoTrack, *, keys: int, following: int) -> "asyncio.Future[Gathered]":
        """The next key frames; see ``Upstream.gather``."""
        first, self._first = self._first, None
        if first is not None and (keys, following) == (1, self._first_following):
            return first
        return self._ask(track, keys, following)

    def stop(self) -> None:
        """What was asked for is not wanted any more."""
        if self._asked is not None:
            self._asked.cancel()
            self._asked = None
        self._intake.gather(None, lambda _: None)

    def _ask(self, track: VideoTrack, keys: int, following: int) -> "asyncio.Future[Gathered]":
        self.stop()
        asked = self._asked = asyncio.get_running_loop().create_future()
        gatherer = Gatherer(track, keys=keys, following=following)
        self._intake.gather(gatherer, lambda gathered: None if asked.done() else asked.set_result(gathered))
        return asked


def can_be_gathered(track: VideoTrack | None) -> bool:
    """Whether key frames of this codec can be put together."""
    return track is not None and track.encoding in {"H264", "H265"}
