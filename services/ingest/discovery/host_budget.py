"""How often one host may still be asked with a password, over ONVIF and RTSP together. Pure.

Cameras lock accounts after a few wrong passwords, some after three (quirk 10 of docs/devices.md). So a search spends at
most two refusals on a host, whatever it tries there; only the sets of its order are tried, in their order.

What earlier searches learned counts. A set that the host refused before is tried again only within the same two
refusals, and a host that said it locked us out is left alone for an hour and then asked once. A set that it never
refused has the whole budget of this search, like credentials that were entered anew.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from services.contracts.camera import REFUSALS_MAX, AuthOutcome
from services.contracts.discovery import Refusal, RefusedBefore
from services.contracts.ladder import Reason
from services.ingest.backoff import LOCKOUT_S


class HostBudget:
    """The sign-ins of one search at one host."""

    def __init__(self, sets: int, before: Iterable[RefusedBefore] = ()) -> None:
        """``sets``: how many sets of credentials the order has; ``before``: what is known of this host."""
        known = [one for one in before if one.credential < sets]
        self._sets = sets
        self._before = Counter({one.credential: 0 for one in known})
        for one in known:
            self._before[one.credential] += one.refusals
        self._locked_before = max((one.at for one in known if one.locked_out), default=None)
        self._now: Counter[int] = Counter()
        self._locked_now: int | None = None
        #: The set that the device which is asked now accepted.
        self.accepted: int | None = None

    def next_set(self, now: datetime, tried: Iterable[int] = ()) -> int | None:
        """The set to try next, none of ``tried``; None when there is none or no attempt is left.

        Once a set was accepted it is the only one.
        """
        if self.accepted is not None:
            return self.accepted if self.accepted not in tried and self._may_try(self.accepted, now) else None
        return next((one for one in range(self._sets) if one not in tried and self._may_try(one, now)), None)

    def begin_device(self) -> None:
        """Ask another device at this address: what the last one accepted says nothing of it, its refusals count."""
        self.accepted = None

    def note(self, credential: int, outcome: AuthOutcome) -> None:
        """What the host said to this set."""
        if outcome is AuthOutcome.ACCEPTED:
            self.accepted = credential
            return
        self._now[credential] += 1
        if outcome is AuthOutcome.LOCKED_OUT:
            self._locked_now = credential

    def note_locked_out(self) -> None:
        """The host said that it is locked before it was asked with any set."""
        self._locked_now = -1

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """The noes of this search."""
        return tuple(
            Refusal(credential=one, count=count, locked_out=one == self._locked_now)
            for one, count in sorted(self._now.items())
        )

    def obstacle(self, now: datetime) -> Reason | None:
        """Why the host is not signed in to, when no attempt is left: the deciding reason; None while there is one."""
        if self._locked_now is not None or self._waits(now):
            return Reason.AUTH_LOCKED_OUT
        if not self._sets:
            return Reason.CREDENTIALS_MISSING
        return None if self.next_set(now) is not None else Reason.AUTH_FAILED

    def _may_try(self, credential: int, now: datetime) -> bool:
        if self._locked_now is not None or self._waits(now):
            return False
        spent = self._now.total()
        if self._locked_before is not None:
            return spent < 1  # an hour after a lock-out, once
        if self._before[credential]:
            spent += self._before.total()
        return spent < REFUSALS_MAX

    def _waits(self, now: datetime) -> bool:
        return self._locked_before is not None and (now - self._locked_before).total_seconds() < LOCKOUT_S
