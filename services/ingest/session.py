"""The life of one leased camera: find it, sign in, open it, watch it, report it, and begin again."""

import asyncio
import contextlib
import logging
import random
from dataclasses import replace

from services.contracts.camera import AuthOutcome, CameraAssignment, CameraReport, Snapshot, StreamFacts
from services.contracts.errors import ServiceError
from services.contracts.ladder import Reason, Rung
from services.ingest import health as life
from services.ingest.backoff import LOCKOUT_S, delay_s
from services.ingest.faults import CameraFault
from services.ingest.health import Health, Phase, Signal
from services.ingest.picture import History
from services.ingest.redirects import Route
from services.ingest.rtsp.upstream import Upstream
from services.ingest.sign_in import SignIn, lease_of
from services.ingest.stream_address import StreamAddress
from services.ingest.tools import Tools
from services.ingest.watch import Watch

log = logging.getLogger(__name__)

#: A probe client of the relay is cut after this long, whatever PyAV does.
_PROBE_CLIENT_S = 30.0
#: Pause after a failure of our own, such as a directory that does not answer.
_OWN_FAILURE_S = 2.0


class CameraSession:
    """One camera under one lease. Satisfies ``supervisor.Session`` and ``watch.WatchEvents``."""

    def __init__(self, assignment: CameraAssignment, tools: Tools) -> None:
        self.assignment = assignment
        self._tools = tools
        #: The assignment that is worked with. ``assignment`` is ahead of it from an update to the end of an attempt.
        self._current = assignment
        self._health = life.new_health(tools.clock.now())
        self._facts = StreamFacts()
        self._sequence = 0
        self._sign_in = SignIn(tools)
        self._address = StreamAddress(tools, self._sign_in)
        self._route = Route(assignment.camera_id, tools.networks)
        self._history = History()
        self._changed = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._uploading: asyncio.Task[None] | None = None
        #: The open upstream session, if there is one. Live view subscribes to it.
        self.upstream: Upstream | None = None
        self._watch: Watch | None = None

    # For the supervisor

    def start(self) -> None:
        """Begin to watch. Called once."""
        self._tools.budget.join(self._current)
        self._running = asyncio.create_task(self._run(), name=f"camera {self.assignment.camera_id}")

    def update(self, assignment: CameraAssignment) -> None:
        """Camera, device or credentials changed: look again at once."""
        self.assignment = assignment
        self._changed.set()

    async def stop(self) -> None:
        """Stop watching and close the connection. Called once."""
        tasks = [task for task in (self._running, self._uploading) if task is not None]
        for task in tasks:
            task.cancel()
        try:
            if tasks:
                await asyncio.wait(tasks)
        finally:
            if self._running is not None:
                self._tools.budget.leave(self._current)

    @property
    def facts(self) -> StreamFacts:
        """What the stream is now."""
        return self._watch.facts if self._watch is not None else self._facts

    # Life

    async def _run(self) -> None:
        """Watch and report until cancelled. A bug of ours must not leave a camera unwatched in silence."""
        while True:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._heartbeats())
                    group.create_task(self._live())
            except* Exception as errors:
                log.exception("camera session failed", extra={"camera_id": self.assignment.camera_id})
                self._unsettle(errors.exceptions[0])
            await asyncio.sleep(_OWN_FAILURE_S)

    async def _live(self) -> None:
        failures, down_since = 0, self._tools.clock.monotonic()
        while True:
            self._changed.clear()
            self._take_update()
            ended = await self._attempt_unless_changed(self._current)
            if ended is None:  # camera, device or credentials are other ones now
                failures, down_since = 0, self._tools.clock.monotonic()
                continue
            fault, was_proved = ended
            if was_proved:
                failures, down_since = 0, self._tools.clock.monotonic()
            if fault is not None and self._route.follow(fault):
                continue
            pause_s: float | None = _OWN_FAILURE_S
            if fault is not None:
                pause_s = self._after(fault, failures, self._tools.clock.monotonic() - down_since)
                failures += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._changed.wait()
                failures, down_since = 0, self._tools.clock.monotonic()

    def _take_update(self) -> None:
        """Work with the newest assignment from now on. Between attempts only, so that none mixes two of them."""
        old, new = self._current, self.assignment
        if new is old:
            return
        self._tools.budget.change(old, new)
        if new.source != old.source:
            self._facts, self._history = StreamFacts(), History()
        self._current = new

    async def _attempt_unless_changed(self, assignment: CameraAssignment) -> tuple[CameraFault | None, bool] | None:
        """One attempt, given up when the assignment changes (None). A fault of None means a failure of our own."""
        attempt = asyncio.create_task(self._attempt(assignment))
        changed = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait({attempt, changed}, return_when=asyncio.FIRST_COMPLETED)
            if self._changed.is_set():
                if self._health.phase is Phase.UP:
                    self.on_signal(Signal.ENDED, Rung.PLAYING, Reason.ENDED)
                return None
            return attempt.result()
        except (ServiceError, OSError) as error:
            self._unsettle(error)
        finally:
            changed.cancel()
            attempt.cancel()
            await asyncio.gather(attempt, changed, return_exceptions=True)
        return None, False

    async def _attempt(self, assignment: CameraAssignment) -> tuple[CameraFault, bool]:
        """Connect and watch until it fails. Returns why, and whether frames had been proved."""
        watch: Watch | None = None
        try:
            source = self._route.begin(await self._address.find(assignment))
            self._note()
            credentials = await self._sign_in.credentials(assignment)
            upstream = Upstream(
                source,
                credentials if self._route.may_sign_in else None,
                clock=self._tools.clock,
                reactor=self._tools.reactor,
                on_rung=self._on_rung,
                # The integrator registered this address and these credentials: Basic is their decision.
                allow_basic=self._route.may_sign_in_plainly,
                hold_gop=True,
            )
            try:
                async with self._sign_in.turn(assignment):
                    site, address = assignment.facility_id, f"{source.address}:{source.port}"
                    async with self._tools.connecting.turn(site, address):
                        await upstream.open()
                    if upstream.auth is AuthOutcome.ACCEPTED:
                        await self._sign_in.told(assignment, AuthOutcome.ACCEPTED)
                self._address.worked()
                url = self._tools.relay.mount(upstream, client_max_s=_PROBE_CLIENT_S)
                try:
                    watch = Watch(upstream, url, self._history, self, self._tools)
                    self.upstream, self._watch = upstream, watch
                    await watch.run()
                finally:
                    self._tools.relay.unmount(url)
                    self.upstream = self._watch = None
                    if watch is not None:
                        self._facts, self._history = watch.facts, watch.history
            finally:
                await upstream.close()
        except CameraFault as fault:
            if watch is not None:
                self._tools.budget.lost(assignment)
            self._address.failed()
            return self._route.judged(fault), watch is not None and watch.proved
        raise AssertionError("a watch ends with a fault")

    def _after(self, fault: CameraFault, failures: int, down_for_s: float) -> float | None:
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
        lost_running_stream = self._health.phase is Phase.UP and fault.reason not in {
            Reason.UNDECODABLE,
            Reason.CODEC_UNSUPPORTED,
        }
        self.on_signal(Signal.ENDED if lost_running_stream else Signal.FAILED, fault.rung, fault.reason)
        budget = self._tools.budget
        if fault.reason is Reason.AUTH_LOCKED_OUT:
            retry_s = budget.retry_after_s(self._current)
            return retry_s if retry_s is not None else LOCKOUT_S
        if fault.reason is Reason.AUTH_FAILED and not budget.may_try(self._current):
            return None
        return delay_s(failures, down_for_s, random.uniform)

    def _unsettle(self, error: Exception) -> None:
        """Something of our own failed: what was known is not known any more, but the camera is not to blame."""
        log.warning("camera cannot be watched now", extra={"camera_id": self.assignment.camera_id, "error": str(error)})
        self._set(replace(self._health, phase=Phase.NEW))

    # WatchEvents

    def on_signal(self, signal: Signal, rung: Rung, reason: Reason | None) -> None:
        before = self._health.phase
        self._set(life.advance(self._health, signal, rung, reason, self._tools.clock.now()))
        if before is not self._health.phase:
            log.info(
                "camera phase changed",
                extra={
                    "camera_id": self.assignment.camera_id,
                    "was": before.value,
                    "now": self._health.phase.value,
                    "reasons": ",".join(self._health.reasons),
                },
            )

    def on_picture(self, reasons: tuple[Reason, ...]) -> None:
        self._set(life.judged(self._health, reasons, self._tools.clock.now()))

    def on_snapshot(self, snapshot: Snapshot) -> None:
        if self._uploading is None or self._uploading.done():
            self._uploading = asyncio.create_task(self._upload(snapshot))

    async def _upload(self, snapshot: Snapshot) -> None:
        try:
            await self._tools.directory.put_snapshot(self._tools.worker, lease_of(self._current), snapshot)
        except ServiceError as error:
            log.debug("snapshot not kept", extra={"camera_id": self.assignment.camera_id, "error": error.detail})
        except Exception:
            log.exception("snapshot not kept", extra={"camera_id": self.assignment.camera_id})

    def _on_rung(self, rung: Rung) -> None:
        self._health = life.climbed(self._health, rung)

    # Reports

    def _note(self) -> None:
        """Show what the device and its stream tell beside the picture."""
        if self.upstream is not None:
            self._address.hear_clock(self.upstream.clock_offset_s)
        self._set(life.noted(self._health, self._address.notes))

    def _set(self, health: Health) -> None:
        before, self._health = self._health, health
        if not life.same_report(before, health):
            self._tools.reporter.change(self.assignment.facility_id, self._report())

    async def _heartbeats(self) -> None:
        every_s = self._tools.settings.heartbeat_s
        self._tools.reporter.change(self.assignment.facility_id, self._report())
        await asyncio.sleep(random.uniform(0, every_s))  # noqa: S311 - spread, not secret
        while True:
            self._note()
            self._tools.reporter.heartbeat(self.assignment.facility_id, self._report())
            await asyncio.sleep(every_s)

    def _report(self) -> CameraReport:
        self._sequence += 1
        return CameraReport(
            camera_id=self.assignment.camera_id,
            epoch=self.assignment.epoch,
            sequence=self._sequence,
            settled=self._health.settled,
            rung=self._health.rung,
            reasons=self._health.shown_reasons,
            since=self._health.since,
            observed_at=self._tools.clock.now(),
            stream=self.facts,
            watch="relay" if self._watch is not None else "none",
        )
