"""Which cameras of a host a hint is for, whether it is news, and whether it comes too often. Pure."""

from dataclasses import dataclass

from services.ingest.device_events.topics import Hint, Kind

#: A camera is told the same no sooner again: motion comes at every step of somebody.
QUIET_S = 10.0
#: What is remembered of one host: sources times kinds. Beyond, the oldest is forgotten.
_REMEMBERED_MAX = 512


@dataclass(frozen=True, slots=True)
class Address:
    """How hints name one camera. ``tokens`` are those of its video source, its configurations and its profiles."""

    tokens: frozenset[str]
    #: The device has no other video source: whatever it says of a picture is of this one.
    alone: bool

    def means(self, hint: Hint) -> bool:
        """Whether the hint is of this camera (home-assistant/core issue 179211: on a recorder only the token tells)."""
        return hint.kind.of_device or self.alone or hint.source_token in self.tokens


class Memory:
    """What one host last said of each source, over all of its subscriptions."""

    def __init__(self) -> None:
        self._said: dict[tuple[Kind, str], bool] = {}
        self._failed_stores: set[str] = set()

    @property
    def storage_failed(self) -> bool:
        """Whether a disk or card of the device failed, and is not said to be well again."""
        return bool(self._failed_stores)

    def is_news(self, hint: Hint) -> bool:
        """Whether it tells something that was not known. Of storage: taking all disks and cards together.

        A device tells its present state to each new subscriber. That counts only against what it said before, since
        some tell of failed storage where no card was ever put in (Kane610/axis issue 22: disruption 1).
        """
        key = hint.kind, hint.source_token
        known = self._said.pop(key, None)
        self._said[key] = hint.active
        if len(self._said) > _REMEMBERED_MAX:
            del self._said[next(iter(self._said))]
        if hint.kind is Kind.REBOOT:
            return hint.news
        if hint.kind is Kind.MOTION and hint.active and hint.news:
            return True  # it goes on, or it is another one
        changed = known is not hint.active and (hint.news or known is not None)
        if hint.kind is not Kind.STORAGE_FAILURE or not changed:
            return changed
        failed_before = self.storage_failed
        if not hint.active:
            self._failed_stores.discard(hint.source_token)
        elif len(self._failed_stores) < _REMEMBERED_MAX:
            self._failed_stores.add(hint.source_token)
        return self.storage_failed is not failed_before


class Gate:
    """One camera's: lets through what does not come too often."""

    def __init__(self) -> None:
        self._passed: dict[tuple[Kind, bool], float] = {}

    def admit(self, hint: Hint, now: float) -> bool:
        """Whether the camera is told. ``now`` is monotonic seconds."""
        if hint.kind is Kind.STORAGE_FAILURE:
            return True  # a state that is shown, not a look that costs
        if hint.kind is Kind.MOTION and not hint.active:
            return False  # that nothing moves says nothing
        last = self._passed.get((hint.kind, hint.active), float("-inf"))
        if now - last < QUIET_S:
            return False
        self._passed[hint.kind, hint.active] = now
        return True
