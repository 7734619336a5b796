"""One client's connection and the lane of connections that are sent the same frames at the same moment."""

import socket
import struct
import time
from collections import deque
from collections.abc import Iterable
from enum import Enum

from benchmarks.replay.dialogue import Dialogue
from benchmarks.replay.feed import Feed, Tally

#: What one connection may owe its client. A camera that would owe more gives up the connection, and that is counted:
#: leaving frames out would falsify what a receiver is measured by.
QUEUE_MAX_BYTES = 16 * 1024 * 1024
_LINGER_NONE = struct.pack("ii", 1, 0)


class Flow(Enum):
    """How a connection is served."""

    FREE = "free"
    HELD = "held"  # frames wait
    SLOW = "slow"  # frames leave at a bounded rate


class Connection:
    """One accepted connection. Frames are counted when they are handed over, whether sent or waiting."""

    __slots__ = (
        "_budget",
        "_carried",
        "_joined",
        "camera",
        "descriptor",
        "dialogue",
        "flow",
        "lane",
        "opened_at",
        "queue",
        "queued_bytes",
        "rate",
        "send",
        "sock",
        "until",
        "wants_writing",
    )

    def __init__(self, sock: socket.socket, camera: int, dialogue: Dialogue | None) -> None:
        """``dialogue`` None: nothing is ever answered."""
        self.sock = sock
        self.send = sock.send
        self.descriptor = sock.fileno()
        self.camera = camera
        self.dialogue = dialogue
        self.opened_at = time.monotonic()
        self.lane: Lane | None = None
        self.queue: deque[memoryview] = deque()
        self.queued_bytes = 0
        self.wants_writing = False
        self.flow = Flow.FREE
        self.until = 0.0
        self.rate = 0.0  # bytes in a second, while slow
        self._budget = 0.0
        self._carried = Tally()
        self._joined = Tally()

    # Frames

    def join(self, lane: "Lane") -> None:
        """Be sent what this lane sends from its next frame on."""
        self.lane = lane
        self._joined = lane.feed.sent
        lane.flowing.append(self)

    def change_to(self, lane: "Lane") -> None:
        """Go on in another lane whose feed was cloned from that of this one."""
        if self.lane is not None:
            self.lane.remove(self)
            self.lane = lane
            (lane.flowing if self.flow is Flow.FREE else lane.disturbed).append(self)

    def leave(self) -> None:
        """Be sent nothing more. What was handed over remains counted."""
        if self.lane is not None:
            self._carried = self.sent
            self.lane.remove(self)
            self.lane = None

    @property
    def sent(self) -> Tally:
        """What was put on this connection so far."""
        if self.lane is None:
            return self._carried
        return self._carried.plus(self.lane.feed.sent.minus(self._joined))

    # Bytes

    def put(self, data: memoryview | bytes) -> bool:
        """Let this wait until it can be sent. False when too much waits already."""
        self.queue.append(memoryview(data))
        self.queued_bytes += len(data)
        return self.queued_bytes <= QUEUE_MAX_BYTES

    def flush(self, at_most: int = QUEUE_MAX_BYTES * 2) -> int:
        """Send what waits, as far as the kernel takes it. Raises OSError when the connection is gone."""
        sent = 0
        queue = self.queue
        while queue and sent < at_most:
            part = queue[0] if len(queue[0]) <= at_most - sent else queue[0][: at_most - sent]
            try:
                count = self.send(part)
            except BlockingIOError:
                break
            sent += count
            if count == len(queue[0]):
                queue.popleft()
            else:
                queue[0] = queue[0][count:]
        self.queued_bytes -= sent
        return sent

    def disturb(self, flow: Flow, until: float, rate: float = 0.0) -> None:
        """Serve it like this until then, then send at once what waited."""
        if self.lane is None or self.flow is not Flow.FREE:
            return
        self.lane.flowing.remove(self)
        self.lane.disturbed.append(self)
        self.flow, self.until, self.rate, self._budget = flow, until, rate, 0.0

    def recover(self) -> None:
        """Serve it freely again."""
        if self.lane is not None and self.flow is not Flow.FREE:
            self.lane.disturbed.remove(self)
            self.lane.flowing.append(self)
        self.flow = Flow.FREE

    def trickle(self, passed_s: float) -> None:
        """Send what a slow line lets through in this time. Raises OSError when the connection is gone."""
        self._budget = min(self._budget + self.rate * passed_s, self.rate)
        if self._budget >= 1:
            self._budget -= self.flush(int(self._budget))

    def close(self, *, reset: bool) -> None:
        """End it: with RST, or else with FIN behind what the kernel still holds."""
        self.leave()
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
        self.sock.close()
        self.queue.clear()
        self.queued_bytes = 0


class Lane:
    """A feed and who is sent its frames, at ``offset_s`` within each frame's time."""

    __slots__ = ("disturbed", "feed", "flowing", "offset_s")

    def __init__(self, feed: Feed, offset_s: float) -> None:
        self.feed = feed
        self.offset_s = offset_s
        self.flowing: list[Connection] = []
        self.disturbed: list[Connection] = []

    def remove(self, connection: Connection) -> None:
        (self.flowing if connection.flow is Flow.FREE else self.disturbed).remove(connection)

    def clone(self) -> "Lane":
        """An empty lane whose feed goes on from here by itself."""
        return Lane(self.feed.clone(), self.offset_s)


def addresses(count: int) -> Iterable[str]:
    """Loopback addresses, one for each camera: Linux answers to all of 127.0.0.0/8."""
    for index in range(count):
        high, low = divmod(index, 250)
        yield f"127.{64 + high // 250}.{high % 250}.{1 + low}"
