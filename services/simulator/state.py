"""What the parts of one simulated device share: its account, its clock, its fault and its quirks."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.simulator.account import Account
from services.simulator.faults import Fault
from services.simulator.quirks import Quirk

CLOCK_ERROR = timedelta(hours=-1)
#: Reserved for documentation (RFC 5737), so it leads nowhere.
FOREIGN_HOST = "192.0.2.1"
#: Where the clock of a device without a battery begins, when its maker chose so.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class DeviceState:
    """Mutable; written by the site, read by the servers of the device."""

    account: Account
    fault: Fault = Fault.NONE
    quirks: frozenset[Quirk] = frozenset()
    started_at: datetime = _EPOCH
    #: How far somebody has set the clock from where it would be.
    clock_set_by: timedelta = timedelta(0)

    @property
    def username(self) -> str:
        return self.account.username

    @property
    def refusals(self) -> int:
        """Requests whose credentials were wrong, over ONVIF and RTSP."""
        return self.account.refusals

    def has(self, quirk: Quirk) -> bool:
        """Whether the device has this habit."""
        return quirk in self.quirks

    def now(self) -> datetime:
        """The device's own idea of UTC."""
        now = datetime.now(UTC) + self.clock_set_by
        if self.has(Quirk.CLOCK_1970):
            return _EPOCH + (now - self.started_at)
        return now + (CLOCK_ERROR if self.fault is Fault.CLOCK_WRONG else timedelta(0))

    def set_clock(self, moment: datetime) -> None:
        """Let it be this moment now, whatever was wrong with the clock."""
        self.clock_set_by += moment - self.now()

    def password_under(self, fault: Fault) -> str:
        """The password that is expected while this fault lasts."""
        password = self.account.password
        return f"{password}, changed" if fault is Fault.WRONG_PASSWORD else password

    def judged(self, *, right: bool) -> bool:
        """Count a request with credentials; whether it may pass."""
        return self.account.judged(right=right, locks=self.has(Quirk.LOCKOUT))
