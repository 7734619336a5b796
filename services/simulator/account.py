"""The account of a simulated device: what was tried at it, and when it locks itself."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

#: So many wrong passwords in a row lock an account that locks at all.
LOCKED_AFTER = 5
LOCKED_S = 1800.0


@dataclass(slots=True)
class Account:
    """User, password and what was tried, over ONVIF and RTSP together. Mutable; from the event loop only."""

    username: str
    password: str = field(repr=False)
    monotonic: Callable[[], float] = field(default=time.monotonic, repr=False)
    #: Requests that carried credentials, right or wrong.
    attempts: int = 0
    #: Requests whose credentials were wrong, or that came while the account was locked.
    refusals: int = 0
    _in_a_row: int = 0
    _locked_until: float = 0.0

    @property
    def locked_s(self) -> float:
        """For how long it is still locked; 0.0 when it is not."""
        return max(0.0, self._locked_until - self.monotonic())

    @property
    def left(self) -> int:
        """So many wrong passwords until it locks."""
        return max(0, LOCKED_AFTER - self._in_a_row)

    def lock(self) -> None:
        """Refuse whatever comes, for half an hour from now."""
        self._locked_until = self.monotonic() + LOCKED_S

    def unlock(self) -> None:
        """Forget what was tried, as an administrator does it. The counts stay."""
        self._in_a_row, self._locked_until = 0, 0.0

    def judged(self, *, right: bool, locks: bool) -> bool:
        """Count an attempt. Whether it may pass: not while the account is locked. ``locks``: it locks when it must."""
        self.attempts += 1
        if right and not self.locked_s:
            self._in_a_row = 0
            return True
        self.refusals += 1
        if not self.locked_s:
            self._in_a_row += 1
            if locks and not self.left:
                self.lock()
        return False
