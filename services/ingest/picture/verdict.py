"""From one look to the next: what is wrong with the picture now."""

from dataclasses import dataclass, field, replace

from services.contracts.ladder import Reason
from services.ingest.picture import still
from services.ingest.picture.baseline import Baseline, Patience, compared
from services.ingest.picture.look import Look
from services.ingest.picture.plain import is_black, plain_level
from services.ingest.picture.scene import measured
from services.ingest.picture.still import Run, Trace

_PATIENCE = Patience()

# Some cameras send a grey picture first, and some decoders show one: a screen of one colour must be seen again.
_PLAIN_AFTER_S = 3.0
_PLAIN_LEVELS_APART = 2


@dataclass(frozen=True, slots=True)
class Plain:
    """A screen of one colour: its level, and since when it is seen."""

    level: int
    since_monotonic: float


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """All that is kept of one camera's looks, 24 KB at most. An empty one begins.

    ``run`` is about standing still, ``baseline`` about what the camera used to show.
    """

    run: Run = field(default_factory=Run)
    baseline: Baseline = field(default_factory=Baseline)
    plain: Plain | None = None

    @property
    def looks(self) -> tuple[Trace, ...]:
        """Those of the present run of stillness, oldest first, each with its moment."""
        return self.run.traces

    def interrupted(self) -> "History":
        """After silence, a lag or a new session to the same source: what was learned stays, what was under way ends."""
        return History(self.run.begun_anew(), self.baseline.undecided())

    def accepted(self) -> "History":
        """After a person confirmed the present outlook of a camera that was called moved."""
        return replace(self, baseline=self.baseline.accepted())


def judge(
    history: History, look: Look, *, frozen_after_s: float, patience: Patience = _PATIENCE
) -> tuple[History, tuple[Reason, ...]]:
    """The history with this look, and what is wrong with the picture now.

    Looks come in the order they were taken. A black picture is not called frozen too: without light nothing can be
    seen to move. Nor is a screen of one colour, which has no reason to move.
    """
    now, luma = look.taken_at_monotonic, look.luma
    level = plain_level(luma)
    if level is not None:
        plain = history.plain
        if plain is None or abs(plain.level - level) > _PLAIN_LEVELS_APART:
            plain = Plain(level, now)
        lasting = now - plain.since_monotonic >= _PLAIN_AFTER_S
        unjudged = history.interrupted()
        return replace(unjudged, plain=plain), (Reason.NO_SIGNAL,) if lasting else ()
    if is_black(luma):
        return history.interrupted(), (Reason.BLACK,)
    run, frozen = still.follow(history.run, look, frozen_after_s=frozen_after_s)
    baseline, reasons = compared(history.baseline, measured(luma), now, patience)
    return History(run, baseline), ((Reason.FROZEN,) if frozen else ()) + reasons


def seen_before(history: History) -> bool:
    """Whether the newest look shows the same picture as an older one: reason to look again soon."""
    return still.seen_before(history.run)


def undecided(history: History) -> bool:
    """Whether another look soon would help to decide: something looks wrong but was not seen for long enough."""
    return seen_before(history) or history.plain is not None or history.baseline.doubts
