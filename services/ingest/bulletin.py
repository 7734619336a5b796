"""What is told of one camera: its health in numbered reports, at each change and at every heartbeat."""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal, NamedTuple

from services.contracts.camera import CameraAssignment, CameraReport, StreamFacts
from services.contracts.ladder import Reason, Rung
from services.ingest import health as life
from services.ingest.health import Health, Phase, Signal
from services.ingest.policy import fresh_for_s
from services.ingest.tools import Tools

log = logging.getLogger(__name__)


class Scene(NamedTuple):
    """How a session stands at the moment of a report. ``seen_now``: frames of it are proved to come."""

    assignment: CameraAssignment
    stream: StreamFacts
    watch: Literal["reactor", "pyav", "resting", "none"]
    seen_now: bool


class Bulletin:
    """Reports of one session."""

    def __init__(self, tools: Tools, scene: Callable[[], Scene]) -> None:
        """``scene`` is asked at every report."""
        self._tools = tools
        self._scene = scene
        self._sequence = 0
        #: When the last look ended, by both hands of the clock.
        self._looked: tuple[datetime, float] | None = None
        self.health = life.new_health(tools.clock.now())

    def signal(self, signal: Signal, rung: Rung, reason: Reason | None) -> None:
        """Something happened that may settle how the camera is."""
        before = self.health.phase
        self._set(life.advance(self.health, signal, rung, reason, self._tools.clock.now()))
        if before is not self.health.phase:
            log.info(
                "camera phase changed",
                extra={
                    "camera_id": self._scene().assignment.camera_id,
                    "was": before.value,
                    "now": self.health.phase.value,
                    "reasons": ",".join(self.health.reasons),
                },
            )

    def judged(self, reasons: Sequence[Reason]) -> None:
        """The picture was judged."""
        self._set(life.judged(self.health, reasons, self._tools.clock.now()))

    def climbed(self, rung: Rung) -> None:
        """The attempt under way got this far."""
        self.health = life.climbed(self.health, rung)

    def noted(self, notes: Sequence[Reason]) -> None:
        """What is told beside the picture."""
        self._set(life.noted(self.health, notes))

    def unsettle(self) -> None:
        """What was known is not known any more, but the camera is not to blame."""
        self._set(replace(self.health, phase=Phase.NEW))

    def looked(self) -> None:
        """A look at the camera ends now, whatever it showed."""
        self._looked = self._tools.clock.now(), self._tools.clock.monotonic()

    async def beat(self, prepare: Callable[[], None]) -> None:
        """Report now, and then at every heartbeat, until cancelled. ``prepare`` is called before each."""
        every_s = self._tools.settings.heartbeat_s
        facility_id = self._scene().assignment.facility_id
        self._tools.reporter.change(facility_id, self._report())
        await asyncio.sleep(random.uniform(0, every_s))  # noqa: S311 - spread, not secret
        while True:
            prepare()
            self._tools.reporter.heartbeat(facility_id, self._report())
            await asyncio.sleep(every_s)

    def _set(self, health: Health) -> None:
        before, self.health = self.health, health
        if not life.same_report(before, health):
            self._tools.reporter.change(self._scene().assignment.facility_id, self._report())

    def _report(self) -> CameraReport:
        scene = self._scene()
        self._sequence += 1
        every_s = scene.assignment.sample_every_s
        now, fresh_s = self._tools.clock.now(), None
        observed_at = now
        if every_s is not None and not scene.seen_now:
            observed_at, fresh_s = self._rest_of(every_s)
        elif every_s is not None:
            fresh_s = fresh_for_s(every_s)
        return CameraReport(
            camera_id=scene.assignment.camera_id,
            epoch=scene.assignment.epoch,
            sequence=self._sequence,
            # What nobody looked at for longer than it stands is not known any more, however often it is repeated.
            settled=self.health.settled and fresh_s != 0,
            rung=self.health.rung,
            reasons=self.health.shown_reasons,
            since=self.health.since,
            observed_at=observed_at,
            fresh_for_s=fresh_s,
            stream=scene.stream,
            watch=scene.watch,
        )

    def _rest_of(self, every_s: float) -> tuple[datetime, float]:
        """When a camera that is not seen now was looked at last, and how many seconds that still stands."""
        if self._looked is None:
            return self._tools.clock.now(), 0.0
        at, monotonic = self._looked
        return at, max(0.0, monotonic + fresh_for_s(every_s) - self._tools.clock.monotonic())
