"""What the values of the contracts are called on the pages, in both languages.

Members of different enums with the same text are equal to Python, so each enum has a table of its own.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from services.access.roles import Role
from services.contracts.ladder import Condition, Reason, Rung, State
from services.contracts.zones import Zone
from services.programme.obstacles import CAUSES, LEVEL_NAMES, Level, ObstacleCode
from services.programme.plans import PlanKind
from services.programme.stages import STAGE_NAMES, Stage
from services.programme.texts import ZONE_NAMES, Bilingual
from services.registry.tables import FacilityKind

STATE_NAMES: Mapping[State, Bilingual] = {
    State.CONNECTED: Bilingual("connected", "đã kết nối"),
    State.DEGRADED: Bilingual("degraded", "kết nối một phần"),
    State.DISCONNECTED: Bilingual("disconnected", "mất kết nối"),
    State.UNKNOWN: Bilingual("unknown", "chưa rõ"),
    State.MAINTENANCE: Bilingual("in maintenance", "đang bảo trì"),
    State.RECORD_ONLY: Bilingual("record only", "chỉ ghi hình tại chỗ"),
}

CONDITION_NAMES: Mapping[Condition, Bilingual] = {
    Condition.ONLINE: Bilingual("online", "hoạt động"),
    Condition.DEGRADED: Bilingual("degraded", "suy giảm"),
    Condition.OFFLINE: Bilingual("offline", "mất kết nối"),
    Condition.UNKNOWN: Bilingual("unknown", "chưa rõ"),
    Condition.MAINTENANCE: Bilingual("in maintenance", "đang bảo trì"),
    Condition.RECORD_ONLY: Bilingual("record only", "chỉ ghi hình tại chỗ"),
}

RUNG_NAMES: Mapping[Rung, Bilingual] = {
    Rung.UNREACHABLE: Bilingual("not reachable", "không tới được"),
    Rung.REACHABLE: Bilingual("reachable", "tới được"),
    Rung.ANSWERING: Bilingual("answers", "có trả lời"),
    Rung.AUTHORIZED: Bilingual("signed in", "đăng nhập được"),
    Rung.DESCRIBED: Bilingual("stream described", "có mô tả luồng"),
    Rung.PLAYING: Bilingual("plays", "nhận phát luồng"),
    Rung.FRAMES: Bilingual("frames arrive", "có khung hình"),
    Rung.PICTURE: Bilingual("good picture", "hình ảnh tốt"),
}

REASON_NAMES: Mapping[Reason, Bilingual] = {
    Reason.ADDRESS_REFUSED: Bilingual("address not allowed", "địa chỉ không được phép"),
    Reason.NO_ROUTE: Bilingual("no route", "không có đường đi"),
    Reason.REFUSED: Bilingual("port closed", "cổng không mở"),
    Reason.TIMEOUT: Bilingual("no answer", "không trả lời"),
    Reason.REDIRECTED: Bilingual("redirected", "bị chuyển hướng"),
    Reason.PROTOCOL_ERROR: Bilingual("protocol error", "sai giao thức"),
    Reason.ONVIF_FAILED: Bilingual("ONVIF fails", "lỗi ONVIF"),
    Reason.CREDENTIALS_MISSING: Bilingual("no password entered", "chưa nhập mật khẩu"),
    Reason.AUTH_FAILED: Bilingual("wrong password", "sai mật khẩu"),
    Reason.AUTH_LOCKED_OUT: Bilingual("account locked", "tài khoản bị khóa"),
    Reason.AUTH_ALGORITHM_UNSUPPORTED: Bilingual("sign-in not supported", "kiểu đăng nhập chưa hỗ trợ"),
    Reason.NOT_FOUND: Bilingual("stream not found", "không tìm thấy luồng"),
    Reason.SESSION_LIMIT: Bilingual("no free session", "hết phiên xem"),
    Reason.CHANNEL_REQUIRED: Bilingual("channel not named", "chưa chọn kênh"),
    Reason.WRONG_DEVICE: Bilingual("another device", "sai thiết bị"),
    Reason.NO_VIDEO: Bilingual("no video", "không có hình"),
    Reason.TRANSPORT_UNSUPPORTED: Bilingual("no RTP over TCP", "không hỗ trợ RTP qua TCP"),
    Reason.CODEC_UNSUPPORTED: Bilingual("codec not supported", "chuẩn nén chưa hỗ trợ"),
    Reason.NO_FRAMES: Bilingual("no frames", "không có khung hình"),
    Reason.STALLED: Bilingual("stream stalled", "luồng bị dừng"),
    Reason.ENDED: Bilingual("stream ended", "luồng đã kết thúc"),
    Reason.UNDECODABLE: Bilingual("cannot be decoded", "không giải mã được"),
    Reason.SERVER_DROPS: Bilingual("camera drops packets", "camera bỏ gói tin"),
    Reason.FROZEN: Bilingual("picture frozen", "hình đứng yên"),
    Reason.BLACK: Bilingual("picture black", "hình đen"),
    Reason.COVERED: Bilingual("lens covered", "ống kính bị che"),
    Reason.BLURRED: Bilingual("picture blurred", "hình mờ"),
    Reason.MOVED: Bilingual("camera moved", "camera bị lệch"),
    Reason.NO_CAMERAS: Bilingual("no cameras", "chưa có camera"),
    Reason.ZONE_UNCOVERED: Bilingual("zone without camera", "vị trí chưa có camera"),
    Reason.FLAPPING: Bilingual("comes and goes", "chập chờn"),
    Reason.NOT_WATCHED: Bilingual("not watched yet", "chưa được theo dõi"),
    Reason.WORKER_LOST: Bilingual("worker lost", "mất tiến trình theo dõi"),
    Reason.CENTRE_STALLED: Bilingual("centre stalled", "trung tâm bị ngừng"),
    Reason.CLOCK_SKEW: Bilingual("clock wrong", "sai đồng hồ"),
    Reason.FACTORY_PASSWORD: Bilingual("factory password", "mật khẩu mặc định"),
    Reason.AUDIO_ONLY: Bilingual("sound only", "chỉ có âm thanh"),
    Reason.SETTINGS_CHANGED: Bilingual("settings changed", "cấu hình bị đổi"),
    Reason.ADDRESS_REWRITTEN: Bilingual("address rewritten", "địa chỉ được viết lại"),
}

KIND_NAMES: Mapping[FacilityKind, Bilingual] = {
    FacilityKind.PROVINCE_RUN: Bilingual("run by the province", "do UBND tỉnh quản lý"),
    FacilityKind.ARMY_RUN: Bilingual("run by the army", "do quân đội quản lý"),
    FacilityKind.HOTEL: Bilingual("fee-paying hotel", "khách sạn có thu phí"),
    FacilityKind.OTHER: Bilingual("run by others", "đơn vị khác quản lý"),
}

ROLE_NAMES: Mapping[Role, Bilingual] = {
    Role.INTEGRATOR: Bilingual("integrator", "đơn vị kết nối"),
    Role.MONITOR: Bilingual("monitor", "giám sát"),
    Role.OPERATOR: Bilingual("operator", "vận hành"),
    Role.WORKER: Bilingual("worker", "tiến trình theo dõi"),
}

PLAN_KIND_NAMES: Mapping[PlanKind, Bilingual] = {
    PlanKind.REUSE: Bilingual("reuse what is there", "dùng lại thiết bị hiện có"),
    PlanKind.REPAIR: Bilingual("repair", "sửa chữa"),
    PlanKind.ADD: Bilingual("addition", "bổ sung"),
    PlanKind.NEW: Bilingual("new installation", "lắp mới"),
    PlanKind.RECORD_ONLY: Bilingual("record on site only", "chỉ ghi hình tại chỗ"),
    PlanKind.NOT_FEASIBLE: Bilingual("not feasible", "không khả thi"),
}

TABLES: Mapping[type[StrEnum], Mapping[Any, Bilingual]] = {
    State: STATE_NAMES,
    Condition: CONDITION_NAMES,
    Rung: RUNG_NAMES,
    Reason: REASON_NAMES,
    FacilityKind: KIND_NAMES,
    Role: ROLE_NAMES,
    PlanKind: PLAN_KIND_NAMES,
    Stage: STAGE_NAMES,
    Zone: ZONE_NAMES,
    ObstacleCode: CAUSES,
    Level: LEVEL_NAMES,
}


def name_of(member: StrEnum) -> Bilingual:
    """What a member of one of the enums of TABLES is called."""
    return TABLES[type(member)][member]
