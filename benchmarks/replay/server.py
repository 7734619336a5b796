"""The cameras: one thread, one epoll, a frame for each lane forty milliseconds apart."""

import contextlib
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from benchmarks.replay.clips import FPS
from benchmarks.replay.connection import Connection, Flow, Lane, addresses
from benchmarks.replay.dialogue import Dialogue, NotRtsp, Wish
from benchmarks.replay.feed import Feed, Reel

FRAME_S = 1 / FPS
_BACKLOG = 16
_READ_BYTES = 16 * 1024
#: Lanes begin at other places of the clip, so that their key frames do not coincide.
_NUMBERS_APART = 37


class Mood(Enum):
    """What a camera does with whoever connects."""

    PLAYING = "playing"
    REFUSING = "refusing"  # nobody listens
    REJECTING = "rejecting"  # accepts, and resets at once: refused, but countable here
    MUTE = "mute"  # accepts, and never says a word
    SILENT = "silent"  # plays, but no frame comes


@dataclass(slots=True, eq=False)
class Camera:
    """One address with what happens there."""

    index: int
    address: str
    lane: Lane
    mood: Mood = Mood.PLAYING
    listener: socket.socket | None = None
    connections: list[Connection] = field(default_factory=list)
    #: When each connection was accepted and when it ended (None: not yet), monotonic.
    attempts: list[list[float | None]] = field(default_factory=list)


@dataclass(slots=True)
class Punctuality:
    """How well the load was kept up since the last mark. Seconds."""

    frames: int = 0
    late_max_s: float = 0.0
    late_frames: int = 0  # by more than a frame's time


class Cameras:
    """All cameras. ``run`` returns after ``stop``."""

    def __init__(self, count: int, reel: Reel, *, lanes: int, port: int = 0) -> None:
        lanes = min(lanes, count)
        self.lanes = [
            Lane(Feed(reel, number=index * _NUMBERS_APART, ssrc=0x5EED0000 + index), index * FRAME_S / lanes)
            for index in range(lanes)
        ]
        self.cameras = [
            Camera(index, address, self.lanes[index % lanes]) for index, address in enumerate(addresses(count))
        ]
        self.port = port
        self.punctuality = Punctuality()
        self.overflows = 0
        self._reel = reel
        self._epoll = select.epoll()
        self._on_event: dict[int, Callable[[int], None]] = {}
        self._stopped = False
        self._paused_at: float | None = None
        self._began = 0.0
        for camera in self.cameras:
            self._listen(camera)

    def watch(self, descriptor: int, on_event: Callable[[int], None]) -> None:
        """Call this when something can be read there."""
        self._on_event[descriptor] = on_event
        self._epoll.register(descriptor, select.EPOLLIN)

    def stop(self) -> None:
        self._stopped = True

    def run(self) -> None:
        """Serve until stopped. Frames that are late are sent all the same, each in its turn."""
        self._began = time.monotonic()
        turn = 0
        while self._serve(0.0):
            # In the order of their offsets, so that no due time lies before an earlier one. A lane that is added
            # meanwhile begins with the next turn.
            for lane in tuple(self.lanes):
                while True:
                    due = self._began + turn * FRAME_S + lane.offset_s
                    now = time.monotonic()
                    if now >= due and self._paused_at is None:
                        break
                    if not self._serve(max(due - now, 0.0) if self._paused_at is None else 0.1):
                        return
                self._note(now - due)
                self._send_frame(lane, now)
            turn += 1

    # For the control channel

    def pause(self) -> None:
        """Make no more frames; those that wait are still sent."""
        self._paused_at = self._paused_at or time.monotonic()

    def resume(self) -> None:
        """Go on with the frames that come next, as if no time had passed."""
        if self._paused_at is not None:
            self._began += time.monotonic() - self._paused_at
            self._paused_at = None

    def change(self, camera: Camera, mood: Mood, *, reset: bool = True) -> None:
        """Be like this from now on. Connections that do not fit are closed."""
        before, camera.mood = camera.mood, mood
        if mood is Mood.SILENT:
            for connection in camera.connections:
                connection.leave()
            return
        if mood is not Mood.PLAYING or before is Mood.SILENT:
            self.cut(camera, reset=reset)
        if mood is Mood.REFUSING:
            self._close_listener(camera)
        else:
            self._listen(camera)

    def cut(self, camera: Camera, *, reset: bool) -> None:
        """Close the camera's connections; it takes new ones as before."""
        for connection in list(camera.connections):
            self._end(connection, reset=reset)

    def play(self, camera: Camera, reel: Reel) -> None:
        """Let this camera alone change to another clip, at its next key frame."""
        if camera.lane in self.lanes and self._shared(camera):
            own = camera.lane.clone()
            self.lanes.insert(self.lanes.index(camera.lane) + 1, own)
            camera.lane = own
            for connection in camera.connections:
                connection.change_to(own)
        camera.lane.feed.play(reel)

    def _shared(self, camera: Camera) -> bool:
        return any(other is not camera and other.lane is camera.lane for other in self.cameras)

    # Frames

    def _note(self, late_s: float) -> None:
        punctuality = self.punctuality
        punctuality.frames += 1
        punctuality.late_max_s = max(punctuality.late_max_s, late_s)
        punctuality.late_frames += late_s > FRAME_S

    def _send_frame(self, lane: Lane, now: float) -> None:
        data = lane.feed.next()
        size = len(data)
        kept: bytes | None = None  # a copy, since the buffer is stamped anew for others
        lost: list[Connection] = []
        for connection in lane.flowing:
            sent = 0
            if not connection.queue:
                try:
                    sent = connection.send(data)
                except BlockingIOError:
                    sent = 0
                except OSError:
                    lost.append(connection)
                    continue
                if sent == size:
                    continue
            kept = kept or bytes(data)
            if not connection.put(memoryview(kept)[sent:]):
                self.overflows += 1
                lost.append(connection)
            self._want_writing(connection, wanted=True)
        for connection in list(lane.disturbed):
            kept = kept or bytes(data)
            if not connection.put(kept) or not self._go_on_disturbed(connection, now):
                lost.append(connection)
        for connection in lost:
            self._end(connection, reset=True)

    def _go_on_disturbed(self, connection: Connection, now: float) -> bool:
        """Send what its line lets through now. False when the connection is gone."""
        try:
            if now >= connection.until:
                connection.recover()
                connection.flush()
                self._want_writing(connection, wanted=bool(connection.queue))
            elif connection.flow is Flow.SLOW:
                connection.trickle(FRAME_S)
        except OSError:
            return False
        return True

    # Sockets

    def _serve(self, wait_s: float) -> bool:
        """Do what there is to do with sockets, or wait for it. False when stopped."""
        for descriptor, events in self._epoll.poll(wait_s):
            on_event = self._on_event.get(descriptor)
            if on_event is not None:
                on_event(events)
        return not self._stopped

    def _listen(self, camera: Camera) -> None:
        if camera.listener is not None:
            return
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind((camera.address, self.port))
        listener.listen(_BACKLOG)
        self.port = listener.getsockname()[1]
        camera.listener = listener
        self.watch(listener.fileno(), lambda _: self._accept(camera, listener))

    def _close_listener(self, camera: Camera) -> None:
        if camera.listener is not None:
            self._forget(camera.listener.fileno())
            camera.listener.close()
            camera.listener = None

    def _accept(self, camera: Camera, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except OSError:
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        dialogue = None if camera.mood is Mood.MUTE else Dialogue(camera.lane.feed.reel)
        connection = Connection(sock, camera.index, dialogue)
        camera.connections.append(connection)
        camera.attempts.append([connection.opened_at, None])
        self.watch(connection.descriptor, lambda events: self._on_connection(connection, events))
        if camera.mood is Mood.REJECTING:
            self._end(connection, reset=True)

    def _on_connection(self, connection: Connection, events: int) -> None:
        try:
            if events & select.EPOLLOUT:
                if connection.flow is Flow.FREE:
                    connection.flush()
                waits = connection.flow is Flow.FREE and bool(connection.queue)
                self._want_writing(connection, wanted=waits)
            if events & ~select.EPOLLOUT:
                self._read(connection)
        except (BlockingIOError, InterruptedError):
            return
        except (OSError, NotRtsp):
            self._end(connection, reset=True)

    def _read(self, connection: Connection) -> None:
        data = connection.sock.recv(_READ_BYTES)
        if not data:
            self._end(connection, reset=False)
            return
        if connection.dialogue is None:
            return
        answer, wish = connection.dialogue.receive(data)
        if answer:
            connection.put(answer)
            if connection.flow is Flow.FREE:
                connection.flush()
                self._want_writing(connection, wanted=bool(connection.queue))
        camera = self.cameras[connection.camera]
        if wish is Wish.PLAY and connection.lane is None and camera.mood is Mood.PLAYING:
            connection.join(camera.lane)
        elif wish is Wish.LEAVE:
            connection.leave()

    def _want_writing(self, connection: Connection, *, wanted: bool) -> None:
        if connection.wants_writing is not wanted:
            connection.wants_writing = wanted
            self._epoll.modify(connection.descriptor, select.EPOLLIN | (select.EPOLLOUT if wanted else 0))

    def _end(self, connection: Connection, *, reset: bool) -> None:
        camera = self.cameras[connection.camera]
        if connection not in camera.connections:
            return
        camera.connections.remove(connection)
        for attempt in camera.attempts:
            if attempt[0] == connection.opened_at:
                attempt[1] = time.monotonic()
        self._forget(connection.descriptor)
        connection.close(reset=reset)

    def _forget(self, descriptor: int) -> None:
        self._on_event.pop(descriptor, None)
        with contextlib.suppress(OSError):
            self._epoll.unregister(descriptor)
