"""The life of one leased camera: find it, sign in, open it, watch it, report it, and begin again."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from typing import Literal, NamedTuple

from services.contracts.camera import CameraAssignment, Snapshot, StreamFacts
from services.contracts.errors import ServiceError
from services.contracts.ladder import Reason, Rung
from services.ingest import policy
from services.ingest.backoff import LOCKOUT_S
from services.ingest.bulletin import Bulletin, Scene
from services.ingest.device_events.camera import CameraEvents, worth_a_connect
from services.ingest.device_events.topics import Hint
from services.ingest.faults import CameraFault
from services.ingest.health import Phase, Signal
from services.ingest.missing import MissingDevice
from services.ingest.opening import Opening
from services.ingest.picture import History, undecided
from services.ingest.rtsp.upstream import Upstream
from services.ingest.sample import Sample
from services.ingest.sign_in import lease_of
from services.ingest.snapshot_upload import SnapshotUpload
from services.ingest.tools import Tools
from services.ingest.watch import Watch
from services.runtime.bell import Bell

log = logging.getLogger(__name__)

#: A probe client of the relay is cut after this long, whatever PyAV does.
_PROBE_CLIENT_S = 30.0
#: Pause after a failure of our own, such as a directory that does not answer.
_OWN_FAILURE_S = 2.0


class _End(NamedTuple):
    """How an attempt ended. Without a fault: a look has shown enough (``proved``), or something of our own failed."""

    fault: CameraFault | None
    proved: bool


class CameraSession:
    """One camera under one lease. Satisfies ``supervisor.Session`` and ``watch.WatchEvents``."""

    def __init__(
        self,
        assignment: CameraAssignment,
        tools: Tools,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """``uniform`` draws the pauses."""
        self.assignment = assignment
        self._tools = tools
        self._uniform = uniform
        #: The assignment that is worked with. ``assignment`` is ahead of it from an update to the end of an attempt.
        self._current = assignment
        self._bulletin = Bulletin(tools, self._scene)
        self._facts = StreamFacts()
        self._opening = Opening(assignment, tools, self._note, self._on_rung)
        self._events = CameraEvents(tools, self._on_hint)
        self._history = History()
        self._changed = Bell()
        self._woken = Bell()  # the assignment changed, or somebody wants to see the camera live
        self._sample = Sample(tools.clock)
        self._resting = self._hinted = False
        self._failures = 0  # attempts in a row
        self._running: asyncio.Task[None] | None = None
        self._upload = SnapshotUpload(tools)
        self._missing = MissingDevice(tools)
        #: The open upstream session, if there is one. Live view subscribes to it.
        self.upstream: Upstream | None = None
        self._watch: Watch | None = None

    # For the supervisor

    def start(self, after_s: float = 0.0) -> None:
        """Begin to report now, and to watch after so many seconds. Called once."""
        self._tools.budget.join(self._current)
        self._running = asyncio.create_task(self._run(after_s), name=f"camera {self.assignment.camera_id}")

    def update(self, assignment: CameraAssignment) -> None:
        """Camera, device or credentials changed: look again at once."""
        self.assignment = assignment
        self._changed.set()
        self._woken.set()

    def wanted_live(self) -> None:
        """Somebody wants to see the camera live. Said again and again for as long, at least every ``LIVE_HOLD_S``.

        A sampled camera that rests is connected to at once, and held meanwhile. Nothing else is hurried: a camera that
        is down is tried when its next attempt is due.
        """
        self._sample.hold()
        self._woken.set()

    @property
    def coming(self) -> bool:
        """Whether a stream that is not there now may be expected: ``wanted_live`` ends a rest, or it is being opened."""
        return self._resting or (self._opening.under_way and self._failures == 0)

    async def stop(self) -> None:
        """Stop watching and close the connection. Called once."""
        tasks = [task for task in (self._running, self._upload.running, self._missing.running) if task is not None]
        for task in tasks:
            task.cancel()
        try:
            if tasks:
                await asyncio.wait(tasks)
        finally:
            self._events.leave()
            if self._running is not None:
                self._tools.budget.leave(self._current)

    @property
    def facts(self) -> StreamFacts:
        """What the stream is now."""
        return self._watch.facts if self._watch is not None else self._facts

    # Life

    async def _run(self, after_s: float) -> None:
        """Watch and report until cancelled. A bug of ours must not leave a camera unwatched in silence."""
        while True:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._bulletin.beat(self._note))
                    group.create_task(self._live(after_s))
            except* Exception as errors:
                log.exception("camera session failed", extra={"camera_id": self.assignment.camera_id})
                self._unsettle(errors.exceptions[0])
            await asyncio.sleep(_OWN_FAILURE_S)
            after_s = 0.0

    async def _live(self, after_s: float) -> None:
        looks, down_since = 0, self._tools.clock.monotonic()
        await self._pause(after_s)
        while True:
            self._changed.clear()
            self._take_update()
            ended = await self._attempt_unless_changed(self._current)
            if ended is None:  # camera, device or credentials are other ones now
                self._failures, down_since = 0, self._tools.clock.monotonic()
                continue
            fault, was_proved = ended
            every_s = self._current.sample_every_s
            if was_proved and (every_s is None or self._sample.shown):
                self._failures, down_since = 0, self._tools.clock.monotonic()
            if fault is not None:
                if self._opening.follow(fault):
                    continue
                pause_s = self._after(fault, self._tools.clock.monotonic() - down_since)
                self._failures += 1
            elif was_proved and every_s is not None:
                looks += 1
                self._resting = True
                pause_s = policy.rest_s(every_s, self._uniform, first=looks == 1)
            else:
                pause_s = _OWN_FAILURE_S
            await self._pause(pause_s)
            if self._changed.is_set():
                self._failures, down_since = 0, self._tools.clock.monotonic()
                if self._resting and self._bulletin.health.phase is Phase.UP:
                    self.on_signal(Signal.ENDED, Rung.PLAYING, Reason.ENDED)
            self._resting = False

    async def _pause(self, seconds: float | None) -> None:
        """Until the next attempt is due, or there is a reason for it to be now. None: there must be a reason."""
        self._hinted = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._changed.is_set() and not self._hinted and not (self._resting and self._sample.held):
                    self._woken.clear()
                    await self._woken.wait()

    def _take_update(self) -> None:
        """Work with the newest assignment from now on. Between attempts only, so that none mixes two of them."""
        old, new = self._current, self.assignment
        if new is old:
            return
        self._tools.budget.change(old, new)
        self._events.take_update(old, new)
        if new.source != old.source:
            self._facts, self._history = StreamFacts(), History()
        self._current = new

    async def _attempt_unless_changed(self, assignment: CameraAssignment) -> _End | None:
        """One attempt, given up when the assignment changes (None)."""
        attempt = asyncio.create_task(self._attempt(assignment))
        changed = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait({attempt, changed}, return_when=asyncio.FIRST_COMPLETED)
            if self._changed.is_set():
                if self._bulletin.health.phase is Phase.UP:
                    self.on_signal(Signal.ENDED, Rung.PLAYING, Reason.ENDED)
                return None
            return attempt.result()
        except (ServiceError, OSError) as error:
            self._unsettle(error)
        finally:
            changed.cancel()
            attempt.cancel()
            await asyncio.gather(attempt, changed, return_exceptions=True)
        return _End(None, False)

    async def _attempt(self, assignment: CameraAssignment) -> _End:
        """Connect and watch until it fails, or a sampled camera has shown enough."""
        watch: Watch | None = None
        self._sample.begin()
        try:
            async with self._opening.opened(assignment, failed_before=self._failures > 0) as upstream:
                url = self._tools.relay.mount(upstream, client_max_s=_PROBE_CLIENT_S)
                try:
                    watch = Watch(upstream, url, self._history, self, self._tools)
                    self.upstream, self._watch = upstream, watch
                    self._history = History()  # the watch has it now: twice would cost 15 KB
                    self._events.follow(assignment, *await self._opening.device(assignment))
                    await (watch.run() if assignment.sample_every_s is None else self._sample.take(watch.run()))
                finally:
                    self._tools.relay.unmount(url)
                    self.upstream = self._watch = None
                    if watch is not None:
                        self._facts, self._history = watch.facts, watch.history
        except CameraFault as fault:
            if watch is not None:
                self._tools.budget.lost(assignment)
            self._bulletin.looked()
            return _End(self._opening.failed(fault), watch is not None and watch.proved)
        self._bulletin.looked()
        return _End(None, True)

    def _after(self, fault: CameraFault, down_for_s: float) -> float | None:
        """Conclude from the end of an attempt; returns the pause, None to wait for a change."""
        log.debug(
            "camera attempt ended",
            extra={
                "camera_id": self.assignment.camera_id,
                "reason": fault.reason.value,
                "rung": fault.rung.value,
                "detail": fault.detail,
            },
        )
        budget = self._tools.budget
        failure = policy.Failure(
            fault.reason,
            self._failures,
            was_up=self._bulletin.health.phase is Phase.UP,
            every_s=self._current.sample_every_s,
            spent=fault.reason is Reason.AUTH_FAILED and not budget.may_try(self._current),
        )
        signal = policy.signal_of(failure)
        if signal is not None:
            self._bulletin.signal(signal, fault.rung, fault.reason)
        self._missing.note(self._current, fault, down_for_s)
        if fault.reason is Reason.AUTH_LOCKED_OUT:
            retry_s = budget.retry_after_s(self._current)
            return retry_s if retry_s is not None else LOCKOUT_S
        return None if failure.spent else policy.retry_s(failure, down_for_s, self._uniform)

    def _unsettle(self, error: Exception) -> None:
        """Something of our own failed: what was known is not known any more, but the camera is not to blame."""
        log.warning("camera cannot be watched now", extra={"camera_id": self.assignment.camera_id, "error": str(error)})
        self._bulletin.unsettle()

    # WatchEvents

    def on_signal(self, signal: Signal, rung: Rung, reason: Reason | None) -> None:
        if signal is Signal.PROVED:
            self._sample.proved()
        elif signal is Signal.SILENT and self._current.sample_every_s is not None:
            return  # how the look ends decides, and whether the next attempts end so too
        self._bulletin.signal(signal, rung, reason)

    def on_picture(self, reasons: tuple[Reason, ...]) -> None:
        if reasons or self._watch is None or not undecided(self._watch.history):
            self._sample.judged()
        self._bulletin.judged(reasons)

    def on_snapshot(self, snapshot: Snapshot) -> None:
        self._upload.begin(lease_of(self._current), snapshot)

    def _on_hint(self, hint: Hint) -> None:
        """The device noticed something. That is a reason to look, and no verdict."""
        self._note()
        if self._watch is not None:
            self._watch.hint(hint.kind)
        elif worth_a_connect(hint):
            self._hinted = True
            self._woken.set()

    def _on_rung(self, rung: Rung) -> None:
        self._bulletin.climbed(rung)

    # Reports

    def _note(self) -> None:
        """Show what the device and its stream tell beside the picture."""
        self._bulletin.noted((*self._opening.notes(self.upstream), *self._events.notes))

    def _scene(self) -> Scene:
        watch = self._watch
        how: Literal["reactor", "pyav", "none"] = "none" if watch is None else watch.how
        return Scene(
            assignment=self.assignment,
            stream=self.facts,
            watch="resting" if self._resting else how,
            seen_now=watch is not None and watch.proved,
        )
