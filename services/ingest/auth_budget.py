"""At most two wrong passwords: one budget for each set of credentials of a device, over ONVIF, RTSP and all channels.

Cameras lock accounts after a few wrong passwords, some for half an hour, and a recorder with 16 channels would see 16
attempts at once. So until a device has accepted a set of credentials, and again some time after it last did, one
attempt runs at a time.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.contracts.camera import REFUSALS_MAX, AuthOutcome, CameraAssignment
from services.contracts.ladder import Reason, Rung
from services.ingest.backoff import LOCKOUT_S
from services.ingest.faults import CameraFault
from services.runtime.clock import Clock

#: How long an acceptance speaks for the other channels. Later the password may have been changed on site, and a
#: recorder that restarts would be asked by all its channels in the same second.
_GOOD_FOR_S = 30.0
#: A device that did not get as far as judging keeps a whole queue waiting, each for its own timeout. Where it is known
#: to have accepted these credentials once, the others then need not wait for each other.
_SPARED_FOR_S = 5.0


@dataclass(slots=True)
class _Account:
    refusals: int = 0
    locked_out: bool = False
    refused_at: datetime | None = None
    #: Until when nobody needs to wait for another's attempt, by the monotonic clock; None before any acceptance.
    free_until: float | None = None
    users: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def learn(self, assignment: CameraAssignment) -> None:
        """Take what the directory says of these credentials."""
        self.refusals = assignment.refusals
        self.locked_out = assignment.locked_out
        self.refused_at = assignment.refused_at
        self.free_until = None


class AuthBudget:
    """The accounts this worker signs in with. One is kept as long as a session that joined it has not left."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._accounts: dict[tuple[UUID, str], _Account] = {}

    @property
    def accounts(self) -> int:
        """How many are kept."""
        return len(self._accounts)

    def join(self, assignment: CameraAssignment) -> None:
        """A session begins to use these credentials. Refusals that another worker saw count."""
        if not assignment.credential_fingerprint:
            return
        account = self._account(assignment)
        account.users += 1
        if assignment.refusals > account.refusals or (assignment.locked_out and not account.locked_out):
            account.learn(assignment)

    def leave(self, assignment: CameraAssignment) -> None:
        """A session uses these credentials no longer."""
        account = self._accounts.get(_key(assignment))
        if account is not None:
            account.users -= 1
            if account.users <= 0:
                del self._accounts[_key(assignment)]

    def change(self, old: CameraAssignment, new: CameraAssignment) -> None:
        """A session's assignment changed. Credentials entered anew have the budget that the directory says."""
        self.join(new)
        self.leave(old)
        if new.credential_version != old.credential_version and new.credential_fingerprint:
            # The account itself stays, and with it whoever has the turn now.
            self._account(new).learn(new)

    @contextlib.asynccontextmanager
    async def turn(self, assignment: CameraAssignment) -> AsyncIterator[None]:
        """The right to sign in once. Raises CameraFault without contact when the budget is spent.

        The outcome must be told by ``note`` before the block ends.
        """
        if not assignment.credential_fingerprint:
            yield
            return
        account = self._account(assignment)
        if self._is_free(account):
            yield
            return
        async with account.turn:
            if not self._is_free(account):  # it may be by now, thanks to the one before us in the queue
                self._require_budget(account)
                try:
                    yield
                except CameraFault as fault:
                    if fault.auth is None and account.free_until is not None:
                        account.free_until = self._clock.monotonic() + _SPARED_FOR_S
                    raise
                return
        yield

    def note(self, assignment: CameraAssignment, outcome: AuthOutcome) -> None:
        """Remember what the device said."""
        account = self._account(assignment)
        if outcome is AuthOutcome.ACCEPTED:
            account.refusals, account.locked_out = 0, False
            account.free_until = self._clock.monotonic() + _GOOD_FOR_S
            return
        account.refusals += 1
        account.free_until = None
        account.locked_out = outcome is AuthOutcome.LOCKED_OUT
        account.refused_at = self._clock.now()

    def lost(self, assignment: CameraAssignment) -> None:
        """A session that these credentials had opened ended, perhaps because they were changed: let one find out."""
        account = self._account(assignment)
        if account.free_until is not None:
            account.free_until = min(account.free_until, self._clock.monotonic())

    def may_try(self, assignment: CameraAssignment) -> bool:
        """Whether the budget allows another attempt now."""
        try:
            self._require_budget(self._account(assignment))
        except CameraFault:
            return False
        return True

    def retry_after_s(self, assignment: CameraAssignment) -> float | None:
        """Seconds until credentials that were refused may be tried again; None if only others will do."""
        account = self._account(assignment)
        if not account.locked_out or account.refused_at is None:
            return None
        return max(0.0, LOCKOUT_S - (self._clock.now() - account.refused_at).total_seconds())

    def _account(self, assignment: CameraAssignment) -> _Account:
        account = self._accounts.get(_key(assignment))
        if account is None:
            account = _Account()
            account.learn(assignment)
            if assignment.credential_fingerprint:
                self._accounts[_key(assignment)] = account
        return account

    def _is_free(self, account: _Account) -> bool:
        return account.free_until is not None and self._clock.monotonic() < account.free_until

    def _require_budget(self, account: _Account) -> None:
        if account.locked_out and account.refused_at is not None:
            waited = (self._clock.now() - account.refused_at).total_seconds()
            if waited < LOCKOUT_S:
                raise CameraFault(Reason.AUTH_LOCKED_OUT, Rung.ANSWERING, "waiting for the lock-out to end")
        elif account.refusals >= REFUSALS_MAX:
            raise CameraFault(Reason.AUTH_FAILED, Rung.ANSWERING, "waiting for other credentials")


def _key(assignment: CameraAssignment) -> tuple[UUID, str]:
    return assignment.device_id, assignment.credential_fingerprint
