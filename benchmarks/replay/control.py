"""Orders to the cameras: one JSON object a line in, one a line out.

``{"do": "silence", "cameras": [3]}`` → ``{"at": 5123.4}``, the monotonic time at which it was done. Times of one machine's
processes are comparable: Linux counts them from its start.
"""

import json
import os
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from benchmarks.replay.connection import Flow
from benchmarks.replay.feed import reel_of
from benchmarks.replay.server import Camera, Cameras, Mood, Punctuality

Order: TypeAlias = dict[str, Any]

_MOODS = {
    "refuse": Mood.REFUSING,
    "reject": Mood.REJECTING,
    "mute": Mood.MUTE,
    "silence": Mood.SILENT,
    "heal": Mood.PLAYING,
}


class Control:
    """Reads orders from one descriptor and answers on another."""

    def __init__(self, cameras: Cameras, source: int, answers: int) -> None:
        self._cameras = cameras
        self._source = source
        self._answers = answers
        self._rest = b""
        self._orders: dict[str, Callable[[Order], Order]] = {
            "cut": self._cut,
            "play": self._play,
            "hold": self._hold,
            "slow": self._slow,
            "swing": self._swing,
            "pause": self._pause,
            "resume": self._resume,
            "mark": self._mark,
            "tell": self._tell,
            "attempts": self._attempts,
        }

    def on_event(self, _: int) -> None:
        """Something can be read. The end of the orders is the end of the cameras."""
        data = os.read(self._source, 1 << 16)
        if not data:
            self._cameras.stop()
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.say(self._obey(json.loads(line)))

    def say(self, answer: Order) -> None:
        """Write one line."""
        data = memoryview(json.dumps({"at": time.monotonic(), **answer}).encode() + b"\n")
        while data:
            data = data[os.write(self._answers, data) :]

    def _obey(self, order: Order) -> Order:
        name = order["do"]
        if name in _MOODS:
            for camera in self._named(order):
                self._cameras.change(camera, _MOODS[name], reset=order.get("reset", True))
            return {}
        return self._orders[name](order)

    def _named(self, order: Order) -> list[Camera]:
        return [self._cameras.cameras[index] for index in order["cameras"]]

    def _cut(self, order: Order) -> Order:
        for camera in self._named(order):
            self._cameras.cut(camera, reset=order.get("reset", True))
        return {}

    def _play(self, order: Order) -> Order:
        for camera in self._named(order):
            self._cameras.play(camera, reel_of(order["clip"]))
        return {}

    def _hold(self, order: Order) -> Order:
        """Nothing comes for so many seconds, then everything at once."""
        return self._disturb(order, Flow.HELD, 0.0)

    def _slow(self, order: Order) -> Order:
        """A line that lets through so many kb/s."""
        return self._disturb(order, Flow.SLOW, order["kbps"] * 125.0)

    def _disturb(self, order: Order, flow: Flow, rate: float) -> Order:
        until = time.monotonic() + order["seconds"]
        for camera in self._named(order):
            for connection in camera.connections:
                connection.disturb(flow, until, rate)
        return {}

    def _swing(self, order: Order) -> Order:
        """All cameras of a lane change to another clip at their next key frame."""
        lane = self._cameras.lanes[order["lane"]]
        lane.feed.play(reel_of(order["clip"]))
        return {}

    def _pause(self, _: Order) -> Order:
        self._cameras.pause()
        return {}

    def _resume(self, _: Order) -> Order:
        self._cameras.resume()
        return {}

    def _mark(self, _: Order) -> Order:
        self._cameras.punctuality = Punctuality()
        return {}

    def _tell(self, _: Order) -> Order:
        """How well the load is kept up, and what was put on each connection that is open."""
        punctuality, cameras = self._cameras.punctuality, self._cameras
        return {
            "late_max_s": punctuality.late_max_s,
            "late_share": punctuality.late_frames / max(punctuality.frames, 1),
            "overflows": cameras.overflows,
            "lanes": len(cameras.lanes),
            "connections": [
                {
                    "camera": connection.camera,
                    "opened_at": connection.opened_at,
                    "queued_bytes": connection.queued_bytes,
                    **connection.sent._asdict(),
                }
                for camera in cameras.cameras
                for connection in camera.connections
            ],
        }

    def _attempts(self, _: Order) -> Order:
        """When each camera was connected to, and when that ended."""
        return {"attempts": [camera.attempts for camera in self._cameras.cameras]}
