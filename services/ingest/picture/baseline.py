"""A camera against its own past: is it covered, blurred, or turned away from what it used to show?

A baseline holds a few outlooks. A look is *known* when its structure is that of an outlook; then the outlook learns from it.
Any other look goes to a *fresh* outlook, which begins again whenever the picture changes. A fresh outlook that lasts is akin
to a known one (the same place in other light: it becomes known) or strange. A strange one becomes known when the camera
returns from it in time, as one that is steered does; if it stays, the camera has moved.
"""

from dataclasses import dataclass, replace

from services.contracts.ladder import Reason
from services.ingest.picture.outlook import (
    Outlook,
    begun,
    learned,
    share_gone,
    share_structured,
    sharpness_left,
    structured_cells,
)
from services.ingest.picture.scene import Measured, best_shift

_OUTLOOKS_MAX = 4

# Likeness of a look to its own outlook is 0.7 and more by day and 0.6 with noise of six levels. Akin: see ``scene``.
_KNOWN_MIN = 0.6
_SAME_FRESH_MIN = 0.4
_AKIN_MIN = 0.35
# The same place shifted: at least so much more alike at another place than here, and so many places away, 3 % each.
_SHIFTED_MORE = 0.15
_SHIFTED_LIKENESS_MIN = 0.5
_SHIFT_MIN = 2
_SHIFT_MAX = 8

# Looks and seconds until a fresh outlook is believed: as the first one, as one of the same place, as one visited.
_FIRST_LOOKS, _FIRST_S = 4, 60.0
_AKIN_LOOKS, _AKIN_S = 5, 120.0
_VISITED_LOOKS, _VISITED_S = 2, 20.0

# Covered all over: what was to be seen is gone, and nothing else came in its place. Or covered in a large part, and the
# rest is still what it was. Another place, of 240 pairs of drawn ones, lacks 0.65 at most of what the first one shows,
# and where it lacks half, its likeness is 0.05 at most; 85 % covered have 0.08 to 0.36.
_COVERED_SHARE = 0.7
_COVERED_STRUCTURED_MAX = 0.35
_PARTLY_COVERED_SHARE = 0.5
_REST_LIKENESS_MIN = 0.15
_REST_LIKENESS_DOUBTED_MIN = 0.1
_UNCOVERED_SHARE = 0.4
# Blurred, and no more.
_BLURRED_SHARPNESS = 0.5
_SHARP_AGAIN = 0.6
_BLURRED_LIKENESS_MIN = 0.15
# One look is no evidence, however long ago it was.
_DOUBT_LOOKS_MIN = 3


@dataclass(frozen=True, slots=True)
class Patience:
    """For how many seconds a deviation must last, without a break, before it is called one."""

    covered_after_s: float = 120.0
    blurred_after_s: float = 120.0
    moved_after_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something looks wrong: since when, and in how many looks."""

    since_monotonic: float
    looks: int = 1

    def lasts(self, now: float, seconds: float) -> bool:
        """Whether it has been so for long enough."""
        return self.looks >= _DOUBT_LOOKS_MIN and now - self.since_monotonic >= seconds


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """What is known of one camera. ``outlooks``: the one seen last first. ``moved`` holds until a known outlook is back."""

    outlooks: tuple[Outlook, ...] = ()
    fresh: Outlook | None = None
    covered: Doubt | None = None
    blurred: Doubt | None = None
    moved: bool = False

    @property
    def doubts(self) -> bool:
        """Whether another look soon would help."""
        return self.covered is not None or self.blurred is not None

    def accepted(self) -> "Baseline":
        """What the camera shows now is what it shall show: for when a person confirmed it."""
        return Baseline(() if self.fresh is None else (self.fresh,))

    def undecided(self) -> "Baseline":
        """Without what was under way, for when looks did not come or may be old."""
        return replace(self, fresh=None, covered=None, blurred=None)


def compared(
    baseline: Baseline, measured: Measured, now: float, patience: Patience
) -> tuple[Baseline, tuple[Reason, ...]]:
    """The baseline with this look, and what is wrong with the picture against it."""
    if not baseline.outlooks:
        return _beginning(baseline, measured, now), ()
    alike = [outlook.likeness(measured) for outlook in baseline.outlooks]
    best = max(range(len(alike)), key=alike.__getitem__)
    outlook, like = (
        (baseline.outlooks[best], alike[best]) if alike[best] >= _KNOWN_MIN else (baseline.outlooks[0], alike[0])
    )
    covered = _doubt(baseline.covered, _is_covered(outlook, measured, like, doubted=baseline.covered is not None), now)
    blurred = None
    if covered is None:
        blurred = _doubt(baseline.blurred, _is_blurred(outlook, measured, like, baseline.blurred is not None), now)
    baseline = replace(baseline, covered=covered, blurred=blurred)
    if covered is None and blurred is None:
        if alike[best] >= _KNOWN_MIN:
            baseline = _back(baseline, best, measured, now)
        else:
            baseline = _elsewhere(baseline, measured, now, patience.moved_after_s)
    reasons = []
    if covered is not None and covered.lasts(now, patience.covered_after_s):
        reasons.append(Reason.COVERED)
    if blurred is not None and blurred.lasts(now, patience.blurred_after_s):
        reasons.append(Reason.BLURRED)
    if baseline.moved:
        reasons.append(Reason.MOVED)
    return baseline, tuple(reasons)


def _beginning(baseline: Baseline, measured: Measured, now: float) -> Baseline:
    fresh = _continued(baseline.fresh, measured, now)
    if fresh.looks >= _FIRST_LOOKS and fresh.lasted_s >= _FIRST_S:
        return Baseline((fresh,))
    return Baseline(fresh=fresh)


def _back(baseline: Baseline, best: int, measured: Measured, now: float) -> Baseline:
    """A known outlook is seen. Where the camera has been meanwhile, it may go again; not so where it was turned to."""
    outlooks = list(baseline.outlooks)
    outlooks.insert(0, learned(outlooks.pop(best), measured, now))
    fresh = baseline.fresh
    if fresh is not None and not baseline.moved and fresh.looks >= _VISITED_LOOKS and fresh.lasted_s >= _VISITED_S:
        outlooks.insert(1, fresh)
    return replace(baseline, outlooks=tuple(outlooks[:_OUTLOOKS_MAX]), fresh=None, moved=False)


def _elsewhere(baseline: Baseline, measured: Measured, now: float, moved_after_s: float) -> Baseline:
    fresh = _continued(baseline.fresh, measured, now)
    if fresh.looks < _AKIN_LOOKS or fresh.lasted_s < _AKIN_S:
        return replace(baseline, fresh=fresh)
    if any(_are_akin(fresh, outlook) for outlook in baseline.outlooks):
        return replace(baseline, outlooks=(fresh, *baseline.outlooks)[:_OUTLOOKS_MAX], fresh=None, moved=False)
    # A lamp in a dark room, or mist: too little is seen to say what it is.
    telling = structured_cells(fresh) >= structured_cells(baseline.outlooks[0]) / 2
    moved = baseline.moved or (telling and fresh.lasted_s >= moved_after_s)
    return replace(baseline, fresh=fresh, moved=moved)


def _continued(fresh: Outlook | None, measured: Measured, now: float) -> Outlook:
    if fresh is None or fresh.likeness(measured) < _SAME_FRESH_MIN:
        return begun(measured, now)
    return learned(fresh, measured, now)


def _are_akin(fresh: Outlook, known: Outlook) -> bool:
    here = fresh.likeness_to(known)
    if here < _AKIN_MIN:
        return False
    there, places = best_shift(fresh.unpacked(), known.unpacked(), far=_SHIFT_MAX)
    return places < _SHIFT_MIN or there < max(_SHIFTED_LIKENESS_MIN, here + _SHIFTED_MORE)


def _is_covered(outlook: Outlook, measured: Measured, like: float, *, doubted: bool) -> bool | None:
    gone = share_gone(outlook, measured)
    if gone is None:
        return None
    if gone >= _COVERED_SHARE and share_structured(measured) <= _COVERED_STRUCTURED_MAX:
        return True
    if like < (_REST_LIKENESS_DOUBTED_MIN if doubted else _REST_LIKENESS_MIN):
        return False
    return gone >= (_UNCOVERED_SHARE if doubted else _PARTLY_COVERED_SHARE)


def _is_blurred(outlook: Outlook, measured: Measured, like: float, doubted: bool) -> bool | None:
    left = sharpness_left(outlook, measured)
    if left is None:
        return None
    return like >= _BLURRED_LIKENESS_MIN and left <= (_SHARP_AGAIN if doubted else _BLURRED_SHARPNESS)


def _doubt(before: Doubt | None, wrong: bool | None, now: float) -> Doubt | None:
    """A look that cannot tell leaves the doubt as it was."""
    if wrong is None:
        return before
    if not wrong:
        return None
    return Doubt(now) if before is None else Doubt(before.since_monotonic, before.looks + 1)
