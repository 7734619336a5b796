"""What the parts of one simulated device share: its account, its clock, its fault and what it has counted."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from services.simulator.faults import Fault

CLOCK_ERROR = timedelta(hours=-1)
#: Reserved for documentation (RFC 5737), so it leads nowhere.
FOREIGN_HOST = "192.0.2.1"


@dataclass(slots=True)
class DeviceState:
    """Mutable; written by the site, read by the servers of the device."""

    username: str
    password: str = field(repr=False)
    fault: Fault = Fault.NONE
    #: Requests whose credentials were wrong, over ONVIF and RTSP.
    refusals: int = 0

    def now(self) -> datetime:
        """The device's own idea of UTC."""
        return datetime.now(UTC) + (CLOCK_ERROR if self.fault is Fault.CLOCK_WRONG else timedelta(0))

    def password_under(self, fault: Fault) -> str:
        """The password that is expected while this fault lasts."""
        return f"{self.password}, changed" if fault is Fault.WRONG_PASSWORD else self.password
