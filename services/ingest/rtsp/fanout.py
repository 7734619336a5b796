"""Copies of one upstream's media for the relay's clients. A slow client is dropped; the upstream never waits."""

from collections import deque
from collections.abc import Callable

from services.ingest.rtsp.gop import GopKeeper

#: The interleaved channels that every subscriber gets, whatever channels the camera uses.
RTP_CHANNEL = 0
RTCP_CHANNEL = 1

_RTP_PREFIX = bytes([0x24, RTP_CHANNEL])
_RTCP_PREFIX = bytes([0x24, RTCP_CHANNEL])


class Subscription:
    """One client's bounded queue of whole interleaved frames: ``$``, channel 0 (RTP) or 1 (RTCP), length, packet.

    The first frame begins a key frame. Not for use by several threads.
    """

    __slots__ = ("_limit_bytes", "_on_end", "_on_ready", "_queue", "_remove", "_size", "ended", "overflowed", "started")

    def __init__(
        self,
        limit_bytes: int,
        on_ready: Callable[[], None],
        on_end: Callable[[], None],
        remove: Callable[["Subscription"], None],
    ) -> None:
        self._limit_bytes = limit_bytes
        self._on_ready = on_ready
        self._on_end = on_end
        self._remove = remove
        self._queue: deque[bytes] = deque()
        self._size = 0
        #: Whether its first key frame has come.
        self.started = False
        #: No more frames will come.
        self.ended = False
        #: It ended because the client was too slow.
        self.overflowed = False

    def take(self, most_bytes: int) -> bytes:
        """Frames from the head of the queue, joined: up to ``most_bytes`` but at least one; empty when none waits."""
        taken: list[bytes] = []
        size = 0
        while self._queue and (not taken or size + len(self._queue[0]) <= most_bytes):
            frame = self._queue.popleft()
            size += len(frame)
            taken.append(frame)
        self._size -= size
        return b"".join(taken)

    def close(self) -> None:
        """Take no more. Idempotent; ``on_end`` is not called."""
        if not self.ended:
            self.ended = True
            self._queue.clear()
            self._remove(self)

    # Called by the fanout

    def start(self, frames: list[bytes]) -> None:
        """Begin with a group of pictures, which comes on top of the limit."""
        self.started = True
        self._queue.extend(frames)
        self._size = sum(map(len, frames))
        self._limit_bytes += self._size

    def put(self, frame: bytes) -> None:
        """Add a frame; beyond the limit the subscription ends."""
        self._queue.append(frame)
        self._size += len(frame)
        if self._size > self._limit_bytes:
            self._queue.clear()
            self.overflowed = True
            self.end()

    def wake(self) -> None:
        """Tell the client that frames wait."""
        if self._queue:
            self._on_ready()

    def end(self) -> None:
        """No more frames: tell the client."""
        if not self.ended:
            self.ended = True
            self._remove(self)
            self._on_end()


class Fanout:
    """Copies packets while somebody wants them. ``active`` tells whether packets need to be offered at all."""

    def __init__(self, gop_limit_bytes: int, queue_limit_bytes: int) -> None:
        self._queue_limit_bytes = queue_limit_bytes
        self._gop = GopKeeper(gop_limit_bytes)
        self._hold_gop = False
        self._keeps = False  # whether packets go to the keeper of the group of pictures
        self._subscriptions: list[Subscription] = []
        self._ended = False
        self.active = False

    @property
    def subscribed(self) -> bool:
        """Whether anybody waits for copies."""
        return bool(self._subscriptions)

    @property
    def hold_gop(self) -> bool:
        """Keep the newest group of pictures also while nobody is subscribed."""
        return self._hold_gop

    @hold_gop.setter
    def hold_gop(self, hold: bool) -> None:
        self._hold_gop = hold
        if not hold:
            self._gop.clear()
        self._settle()

    def subscribe(self, on_ready: Callable[[], None], on_end: Callable[[], None]) -> Subscription:
        """A queue that begins with the group of pictures that is held, or else with the next key frame.

        ``on_ready`` is called when frames wait, ``on_end`` once when no more will come; neither may block or raise.
        On a stream that is over, ``on_end`` is called at once.
        """
        subscription = Subscription(self._queue_limit_bytes, on_ready, on_end, self._remove)
        self._subscriptions.append(subscription)
        if self._ended:
            subscription.end()
        elif self._hold_gop and (frames := self._gop.packets()):
            subscription.start(frames)
            subscription.wake()
        self._settle()
        return subscription

    def packet(self, flags: int, buffer: bytearray, start: int, end: int) -> None:
        """Offer an RTP packet of the track, with its flags. The two bytes before ``start`` are its length."""
        frame = _RTP_PREFIX + buffer[start - 2 : end]
        begins = self._gop.add(flags, frame) if self._keeps else False
        for subscription in tuple(self._subscriptions):
            if subscription.started:
                subscription.put(frame)
            elif begins:
                subscription.start(self._gop.packets())
        if begins:
            self._settle()

    def report(self, packet: bytes) -> None:
        """Offer an RTCP packet of ours to those who have begun."""
        frame = _RTCP_PREFIX + len(packet).to_bytes(2, "big") + packet
        for subscription in tuple(self._subscriptions):
            if subscription.started:
                subscription.put(frame)

    def flush(self) -> None:
        """Wake those for whom frames wait. Called once after each read."""
        for subscription in tuple(self._subscriptions):
            subscription.wake()

    def end(self) -> None:
        """The stream is over. Idempotent."""
        self._ended = True
        for subscription in tuple(self._subscriptions):
            subscription.end()
        self._gop.clear()
        self._settle()

    def _remove(self, subscription: Subscription) -> None:
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
        self._settle()

    def _settle(self) -> None:
        waiting = any(not subscription.started for subscription in self._subscriptions)
        self._keeps = self._hold_gop or waiting
        if not self._keeps:
            self._gop.clear()
        self.active = not self._ended and (self._keeps or bool(self._subscriptions))
