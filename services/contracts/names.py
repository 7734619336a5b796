"""What states, conditions, rungs and reasons are called to people, in English and Vietnamese."""

from collections.abc import Mapping
from typing import NamedTuple

from services.contracts.ladder import Condition, Reason, Rung, State


class Bilingual(NamedTuple):
    """The same text in English and Vietnamese."""

    en: str
    vi: str

    def format(self, **values: "Bilingual | str") -> "Bilingual":
        """Both texts with their places filled; a bilingual value gives each text its own language."""
        return Bilingual(
            self.en.format(**{name: v.en if isinstance(v, Bilingual) else v for name, v in values.items()}),
            self.vi.format(**{name: v.vi if isinstance(v, Bilingual) else v for name, v in values.items()}),
        )


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
    Reason.CERTIFICATE_CHANGED: Bilingual("certificate changed", "chứng thư thay đổi"),
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
    Reason.NO_SIGNAL: Bilingual("no camera signal", "mất tín hiệu camera"),
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
    Reason.STORAGE_FAILED: Bilingual("storage failed", "lỗi ổ cứng, thẻ nhớ"),
}
