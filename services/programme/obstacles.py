"""What stands in the way of a facility: a closed list of causes, each with an owner, a due date and a level. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.contracts.names import Bilingual
from services.programme.fields import Fields
from services.programme.local_time import local_day


class ObstacleCode(StrEnum):
    """The closed list of causes."""

    FACILITY_REFUSES = "facility_refuses"
    NO_CONTACT = "no_contact"
    OUTBREAK_NO_ENTRY = "outbreak_no_entry"
    NO_PROTECTION_CONDITIONS = "no_protection_conditions"
    NO_CAMERA = "no_camera"
    OBSOLETE_ANALOG_DVR = "obsolete_analog_dvr"
    LOCKED_CREDENTIALS = "locked_credentials"
    CLOUD_ONLY_CAMERA = "cloud_only_camera"
    NO_LINE = "no_line"
    LOW_UPLINK = "low_uplink"
    CGNAT_NO_PUBLIC_IP = "cgnat_no_public_ip"
    POWER = "power"
    NO_BUDGET = "no_budget"
    FACILITY_CLOSED = "facility_closed"
    ARMY_RULES = "army_rules"


CAUSES: Mapping[ObstacleCode, Bilingual] = {
    ObstacleCode.FACILITY_REFUSES: Bilingual("the facility does not cooperate", "cơ sở không phối hợp"),
    ObstacleCode.NO_CONTACT: Bilingual("nobody at the facility can be reached", "không liên hệ được với cơ sở"),
    ObstacleCode.OUTBREAK_NO_ENTRY: Bilingual(
        "an outbreak inside forbids entry", "đang có ổ dịch bên trong, không thể vào"
    ),
    ObstacleCode.NO_PROTECTION_CONDITIONS: Bilingual(
        "the survey team cannot be protected", "chưa bảo đảm điều kiện phòng, chống dịch cho đoàn khảo sát"
    ),
    ObstacleCode.NO_CAMERA: Bilingual("there are no cameras", "cơ sở chưa có camera"),
    ObstacleCode.OBSOLETE_ANALOG_DVR: Bilingual(
        "analogue cameras or a recorder too old to connect", "camera tương tự hoặc đầu ghi quá cũ, không kết nối được"
    ),
    ObstacleCode.LOCKED_CREDENTIALS: Bilingual(
        "the devices are locked and nobody knows the password", "thiết bị bị khóa, không ai biết mật khẩu"
    ),
    ObstacleCode.CLOUD_ONLY_CAMERA: Bilingual(
        "the cameras speak only to their maker's cloud", "camera chỉ hoạt động qua đám mây của hãng"
    ),
    ObstacleCode.NO_LINE: Bilingual("there is no line", "chưa có đường truyền"),
    ObstacleCode.LOW_UPLINK: Bilingual("the line's uplink is too slow", "tốc độ tải lên của đường truyền quá thấp"),
    ObstacleCode.CGNAT_NO_PUBLIC_IP: Bilingual(
        "the line has no public address (carrier NAT)", "đường truyền không có địa chỉ IP công cộng (CGNAT)"
    ),
    ObstacleCode.POWER: Bilingual("the power supply is not reliable", "nguồn điện không ổn định"),
    ObstacleCode.NO_BUDGET: Bilingual("there is no money for it", "chưa bố trí được kinh phí"),
    ObstacleCode.FACILITY_CLOSED: Bilingual("the facility is closed at present", "cơ sở đang đóng cửa"),
    ObstacleCode.ARMY_RULES: Bilingual("military rules forbid it", "vướng quy định của quân đội"),
}


class Level(StrEnum):
    """Who deals with an obstacle, lowest first."""

    FACILITY = "facility"
    DISTRICT = "district"
    PROVINCE_COMMITTEE = "province_committee"
    NATIONAL = "national"


LEVEL_NAMES: Mapping[Level, Bilingual] = {
    Level.FACILITY: Bilingual("facility", "cơ sở"),
    Level.DISTRICT: Bilingual("district", "cấp huyện"),
    Level.PROVINCE_COMMITTEE: Bilingual("provincial committee", "Ban Chỉ đạo cấp tỉnh"),
    Level.NATIONAL: Bilingual("national committee", "Ban Chỉ đạo Quốc gia"),
}

_LEVELS = tuple(Level)


def levels_above(level: Level) -> tuple[Level, ...]:
    """The levels an obstacle can be escalated to, the next one first."""
    return _LEVELS[_LEVELS.index(level) + 1 :]


@dataclass(frozen=True, slots=True)
class NewObstacle:
    """An obstacle as somebody reports it. ``due`` is the day, in Viet Nam, by which it must be out of the way."""

    code: ObstacleCode
    owner: str
    due: date
    level: Level = Level.FACILITY
    #: When it was found; None: now.
    opened_at: datetime | None = None
    notes: str | None = None

    def check(self, now: datetime) -> None:
        """Raises Invalid."""
        fields = Fields()
        fields.text("/owner", self.owner, 200, required=True)
        fields.text("/notes", self.notes, 4000)
        fields.past("/opened_at", self.opened_at, now)
        if not fields.faults and self.due < local_day(self.opened_at or now):
            fields.fault("/due", "lies before the day on which the obstacle was opened")
        fields.verify()
