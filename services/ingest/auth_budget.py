"""At most two wrong passwords: one budget for each set of credentials of a device, over ONVIF, RTSP and all channels.

Cameras lock accounts after a few wrong passwords, some for half an hour, and a recorder with 16 channels would see 16
attempts at once. So until a device has accepted a set of credentials, one attempt runs at a time.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.contracts.camera import AuthOutcome, CameraAssignment
from services.contracts.ladder import Reason, Rung
from services.ingest.backoff import LOCKOUT_S, REFUSALS_MAX
from services.ingest.faults import CameraFault
from services.runtime.clock import Clock


@dataclass(slots=True)
class _Account:
    refusals: int = 0
    locked_out: bool = False
    refused_at: datetime | None = None
    accepted: bool = False
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def is_known_good(self) -> bool:
        return self.accepted


class AuthBudget:
    """The accounts this worker signs in with."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._accounts: dict[tuple[UUID, str], _Account] = {}

    @contextlib.asynccontextmanager
    async def turn(self, assignment: CameraAssignment) -> AsyncIterator[None]:
        """The right to sign in once. Raises CameraFault without contact when the budget is spent.

        The outcome must be told by ``note`` before the block ends.
        """
        if not assignment.credential_fingerprint:
            yield
            return
        account = self._account(assignment)
        if account.is_known_good():
            yield
            return
        async with account.turn:
            if not account.is_known_good():  # it may be by now, thanks to the one before us in the queue
                self._require_budget(account)
                yield
                return
        yield

    def note(self, assignment: CameraAssignment, outcome: AuthOutcome) -> None:
        """Remember what the device said."""
        account = self._account(assignment)
        if outcome is AuthOutcome.ACCEPTED:
            account.refusals, account.locked_out, account.accepted = 0, False, True
            return
        account.refusals += 1
        account.accepted = False
        account.locked_out = outcome is AuthOutcome.LOCKED_OUT
        account.refused_at = self._clock.now()

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

    def forget(self, assignment: CameraAssignment) -> None:
        """Credentials were entered anew: their budget is as the directory says."""
        self._accounts.pop((assignment.device_id, assignment.credential_fingerprint), None)

    def _account(self, assignment: CameraAssignment) -> _Account:
        key = (assignment.device_id, assignment.credential_fingerprint)
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = _Account(
                refusals=assignment.refusals, locked_out=assignment.locked_out, refused_at=assignment.refused_at
            )
        return account

    def _require_budget(self, account: _Account) -> None:
        if account.locked_out and account.refused_at is not None:
            waited = (self._clock.now() - account.refused_at).total_seconds()
            if waited < LOCKOUT_S:
                raise CameraFault(Reason.AUTH_LOCKED_OUT, Rung.ANSWERING, "waiting for the lock-out to end")
        elif account.refusals >= REFUSALS_MAX:
            raise CameraFault(Reason.AUTH_FAILED, Rung.ANSWERING, "waiting for other credentials")
