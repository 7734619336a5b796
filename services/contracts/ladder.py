"""The ladder: how far up a camera was proved to work, why not further, and the verdicts derived from it.

Rung and reasons are what ingest observed. Condition (of a camera) and state (of a facility) are what the aggregator
concludes. The four are never one field.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Rung(StrEnum):
    """How far up a camera was proved to work, lowest first. A rung includes all below it."""

    UNREACHABLE = "unreachable"
    REACHABLE = "reachable"  # TCP connects
    ANSWERING = "answering"  # ONVIF or RTSP replies
    AUTHORIZED = "authorized"  # credentials accepted, or none needed
    DESCRIBED = "described"  # a usable SDP with a video track
    PLAYING = "playing"  # PLAY accepted
    FRAMES = "frames"  # whole frames arrive and a key frame decodes
    PICTURE = "picture"  # and the picture is not frozen, black, covered, blurred, moved or an empty screen

    @property
    def height(self) -> int:
        """0 for unreachable to 7 for picture."""
        return _HEIGHTS[self]


_HEIGHTS = {rung: height for height, rung in enumerate(Rung)}


class Condition(StrEnum):
    """What the aggregator says of a camera."""

    ONLINE = "online"
    DEGRADED = "degraded"
    OFFLINE = "offline"
    UNKNOWN = "unknown"
    MAINTENANCE = "maintenance"
    RECORD_ONLY = "record_only"


class State(StrEnum):
    """What the aggregator says of a facility."""

    CONNECTED = "connected"
    DEGRADED = "degraded"
    DISCONNECTED = "disconnected"
    UNKNOWN = "unknown"
    MAINTENANCE = "maintenance"
    RECORD_ONLY = "record_only"


class Advice(NamedTuple):
    """One sentence to the person who must act."""

    en: str
    vi: str


class Reason(StrEnum):
    """Why a camera stands where it stands. Deciding reasons degrade or down it; advisory ones are only shown."""

    # The way to the camera
    ADDRESS_REFUSED = "address_refused"
    NO_ROUTE = "no_route"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    REDIRECTED = "redirected"
    PROTOCOL_ERROR = "protocol_error"
    ONVIF_FAILED = "onvif_failed"
    CERTIFICATE_CHANGED = "certificate_changed"
    # The right to see it
    CREDENTIALS_MISSING = "credentials_missing"
    AUTH_FAILED = "auth_failed"
    AUTH_LOCKED_OUT = "auth_locked_out"
    AUTH_ALGORITHM_UNSUPPORTED = "auth_algorithm_unsupported"
    # What it offers
    NOT_FOUND = "not_found"
    SESSION_LIMIT = "session_limit"
    CHANNEL_REQUIRED = "channel_required"
    WRONG_DEVICE = "wrong_device"
    NO_VIDEO = "no_video"
    TRANSPORT_UNSUPPORTED = "transport_unsupported"
    CODEC_UNSUPPORTED = "codec_unsupported"
    # What arrives
    NO_FRAMES = "no_frames"
    STALLED = "stalled"
    ENDED = "ended"
    UNDECODABLE = "undecodable"
    SERVER_DROPS = "server_drops"
    # What it shows
    FROZEN = "frozen"
    BLACK = "black"
    COVERED = "covered"
    BLURRED = "blurred"
    MOVED = "moved"
    NO_SIGNAL = "no_signal"
    # What a facility lacks
    NO_CAMERAS = "no_cameras"
    ZONE_UNCOVERED = "zone_uncovered"
    # What we know
    FLAPPING = "flapping"
    NOT_WATCHED = "not_watched"
    WORKER_LOST = "worker_lost"
    CENTRE_STALLED = "centre_stalled"
    # Advisory
    CLOCK_SKEW = "clock_skew"
    FACTORY_PASSWORD = "factory_password"  # noqa: S105 - a reason code, not a password
    AUDIO_ONLY = "audio_only"
    SETTINGS_CHANGED = "settings_changed"
    ADDRESS_REWRITTEN = "address_rewritten"
    STORAGE_FAILED = "storage_failed"

    @property
    def deciding(self) -> bool:
        """Whether this reason changes the condition."""
        return self not in ADVISORY

    @property
    def advice(self) -> Advice:
        """What to do next, in English and Vietnamese."""
        return ADVICE[self]


ADVISORY = frozenset(
    {
        Reason.CLOCK_SKEW,
        Reason.FACTORY_PASSWORD,
        Reason.AUDIO_ONLY,
        Reason.SETTINGS_CHANGED,
        Reason.ADDRESS_REWRITTEN,
        Reason.STORAGE_FAILED,
    }
)

#: Reasons about the picture: frames arrive, so the camera is degraded by them and not offline.
PICTURE_REASONS = frozenset(
    {Reason.FROZEN, Reason.BLACK, Reason.COVERED, Reason.BLURRED, Reason.MOVED, Reason.NO_SIGNAL}
)


def deciding_first(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """The reasons without repetition, deciding ones first, otherwise in the order given."""
    return tuple(sorted(dict.fromkeys(reasons), key=lambda reason: not reason.deciding))


ADVICE: dict[Reason, Advice] = {
    Reason.ADDRESS_REFUSED: Advice(
        "The address lies outside the allowed camera networks. Correct it, or add its network to the settings.",
        "Địa chỉ nằm ngoài các mạng camera được phép. Hãy sửa địa chỉ hoặc bổ sung mạng này vào cấu hình.",
    ),
    Reason.NO_ROUTE: Advice(
        "No route leads to the camera. Check the site's line, VPN and router.",
        "Không có đường đi tới camera. Hãy kiểm tra đường truyền, VPN và bộ định tuyến của cơ sở.",
    ),
    Reason.REFUSED: Advice(
        "The host answers but nothing listens on the camera's port. Check that the camera is on and the port is right.",
        "Máy chủ có phản hồi nhưng cổng của camera không mở. Hãy kiểm tra camera đã bật và số cổng đã đúng.",
    ),
    Reason.TIMEOUT: Advice(
        "The camera does not answer in time. Check its power and the site's line.",
        "Camera không trả lời kịp thời. Hãy kiểm tra nguồn điện của camera và đường truyền của cơ sở.",
    ),
    Reason.REDIRECTED: Advice(
        "The camera sends us to another address, which we do not follow. Register the address that serves the stream.",
        "Camera chuyển hướng tới địa chỉ khác và hệ thống không đi theo. Hãy đăng ký đúng địa chỉ phát luồng.",
    ),
    Reason.PROTOCOL_ERROR: Advice(
        "What answers on this port does not speak RTSP correctly. Check the port and the camera's firmware.",
        "Thiết bị trả lời ở cổng này không dùng đúng giao thức RTSP. Hãy kiểm tra số cổng và phần mềm của camera.",
    ),
    Reason.ONVIF_FAILED: Advice(
        "The device does not answer ONVIF requests properly. Check the ONVIF port and that ONVIF is switched on.",
        "Thiết bị không trả lời đúng các yêu cầu ONVIF. Hãy kiểm tra cổng ONVIF và bật tính năng ONVIF.",
    ),
    Reason.CERTIFICATE_CHANGED: Advice(
        "The camera shows another certificate than at first, so no password was sent. If the device was replaced or reset, "
        "save its address again; otherwise somebody may stand between.",
        "Camera xuất trình chứng thư khác với lần đầu nên hệ thống không gửi mật khẩu. Nếu thiết bị đã được thay hoặc đặt "
        "lại, hãy lưu lại địa chỉ của nó; nếu không, có thể có bên thứ ba xen vào đường truyền.",
    ),
    Reason.CREDENTIALS_MISSING: Advice(
        "The camera asks for a user name and password and none are registered. Enter them.",
        "Camera yêu cầu tên người dùng và mật khẩu nhưng chưa được đăng ký. Hãy nhập thông tin đăng nhập.",
    ),
    Reason.AUTH_FAILED: Advice(
        "The camera refuses the user name or password. We stopped trying so that it does not lock us out: "
        "enter the right ones.",
        "Camera từ chối tên người dùng hoặc mật khẩu. Hệ thống đã dừng thử để không bị khóa: "
        "hãy nhập lại thông tin đúng.",
    ),
    Reason.AUTH_LOCKED_OUT: Advice(
        "The camera has locked our account after wrong passwords. We try once more after 60 minutes; "
        "unlock it on site to be faster.",
        "Camera đã khóa tài khoản sau nhiều lần sai mật khẩu. Hệ thống sẽ thử lại sau 60 phút; "
        "hãy mở khóa tại chỗ để nhanh hơn.",
    ),
    Reason.AUTH_ALGORITHM_UNSUPPORTED: Advice(
        "The camera asks for a way of signing in that we do not support. Switch it to digest (MD5 or SHA-256).",
        "Camera yêu cầu phương thức đăng nhập chưa được hỗ trợ. Hãy chuyển sang digest (MD5 hoặc SHA-256).",
    ),
    Reason.NOT_FOUND: Advice(
        "The camera has no stream under this path. Correct the path of the stream.",
        "Camera không có luồng ở đường dẫn này. Hãy sửa lại đường dẫn của luồng.",
    ),
    Reason.SESSION_LIMIT: Advice(
        "The camera has no free session. Close other viewers or raise its limit.",
        "Camera đã hết số phiên xem. Hãy đóng bớt thiết bị đang xem hoặc tăng giới hạn.",
    ),
    Reason.CHANNEL_REQUIRED: Advice(
        "The device is a recorder with several channels. Register each channel with its profile.",
        "Thiết bị là đầu ghi có nhiều kênh. Hãy đăng ký từng kênh với cấu hình (profile) của kênh đó.",
    ),
    Reason.WRONG_DEVICE: Advice(
        "Another device answers at this address. Check which device stands here and register it anew.",
        "Một thiết bị khác đang trả lời ở địa chỉ này. Hãy kiểm tra thiết bị tại chỗ và đăng ký lại.",
    ),
    Reason.NO_VIDEO: Advice(
        "The stream has no video track. Choose the profile that carries video.",
        "Luồng không có hình ảnh. Hãy chọn cấu hình (profile) có hình.",
    ),
    Reason.TRANSPORT_UNSUPPORTED: Advice(
        "The camera does not offer RTP over TCP. Switch on RTSP over TCP (interleaved).",
        "Camera không hỗ trợ truyền RTP qua TCP. Hãy bật chế độ RTSP qua TCP (interleaved).",
    ),
    Reason.CODEC_UNSUPPORTED: Advice(
        "The codec of this stream cannot be read. Set the camera to H.264 or H.265.",
        "Không đọc được chuẩn nén của luồng này. Hãy đặt camera ở chuẩn H.264 hoặc H.265.",
    ),
    Reason.NO_FRAMES: Advice(
        "The camera accepts the session but sends no picture. Restart the camera or its encoder.",
        "Camera nhận phiên xem nhưng không gửi hình. Hãy khởi động lại camera hoặc bộ mã hóa.",
    ),
    Reason.STALLED: Advice(
        "The stream stopped without ending. Check the site's line, then restart the camera.",
        "Luồng bị dừng mà không kết thúc. Hãy kiểm tra đường truyền của cơ sở rồi khởi động lại camera.",
    ),
    Reason.ENDED: Advice(
        "The camera ended the stream and does not give it again. Check its limits and restart it.",
        "Camera đã kết thúc luồng và không phát lại. Hãy kiểm tra các giới hạn và khởi động lại camera.",
    ),
    Reason.UNDECODABLE: Advice(
        "Packets arrive but no picture can be decoded from them. Check the encoder settings of the camera.",
        "Có dữ liệu nhưng không giải mã được hình. Hãy kiểm tra cấu hình mã hóa của camera.",
    ),
    Reason.SERVER_DROPS: Advice(
        "The camera drops packets before sending them. Lower its bit rate or the number of viewers.",
        "Camera bỏ bớt gói tin trước khi gửi. Hãy giảm tốc độ bit hoặc số người xem.",
    ),
    Reason.FROZEN: Advice(
        "The picture does not change although frames arrive. Restart the camera.",
        "Hình ảnh đứng yên dù luồng vẫn chạy. Hãy khởi động lại camera.",
    ),
    Reason.BLACK: Advice(
        "The picture is black. Check the lens cover, the light and the camera's night mode.",
        "Hình ảnh đen. Hãy kiểm tra nắp ống kính, ánh sáng và chế độ ban đêm của camera.",
    ),
    Reason.COVERED: Advice(
        "Something covers the lens. Clear the view on site.",
        "Ống kính bị che. Hãy kiểm tra và làm sạch tại chỗ.",
    ),
    Reason.BLURRED: Advice(
        "The picture is blurred. Clean the lens and set the focus.",
        "Hình ảnh bị mờ. Hãy lau ống kính và chỉnh nét.",
    ),
    Reason.MOVED: Advice(
        "The camera no longer looks where it was accepted. Turn it back or confirm the new view.",
        "Camera không còn hướng về vị trí đã nghiệm thu. Hãy chỉnh lại hoặc xác nhận góc nhìn mới.",
    ),
    Reason.NO_SIGNAL: Advice(
        "The recorder shows an empty screen instead of the camera's picture. Check that camera, its cable and its power.",
        "Đầu ghi hiển thị màn hình trống thay cho hình của camera. Hãy kiểm tra camera đó, dây tín hiệu và nguồn điện.",
    ),
    Reason.NO_CAMERAS: Advice(
        "No camera of this facility is registered. Survey it and register its cameras.",
        "Cơ sở chưa có camera nào được đăng ký. Hãy khảo sát và đăng ký camera.",
    ),
    Reason.ZONE_UNCOVERED: Advice(
        "A compulsory zone of the connection plan has no camera. Register one there, or agree another plan.",
        "Một vị trí bắt buộc trong phương án kết nối chưa có camera. Hãy đăng ký camera hoặc thống nhất lại phương án.",
    ),
    Reason.FLAPPING: Advice(
        "The camera comes and goes. Check its power supply, cabling and the site's line.",
        "Camera lúc có lúc mất. Hãy kiểm tra nguồn điện, dây dẫn và đường truyền của cơ sở.",
    ),
    Reason.NOT_WATCHED: Advice(
        "No worker has looked at this camera yet. Wait a moment, or start an ingest worker that reaches it.",
        "Chưa có tiến trình nào theo dõi camera này. Hãy chờ giây lát hoặc khởi động tiến trình ingest tới được camera.",
    ),
    Reason.WORKER_LOST: Advice(
        "The worker that watched this camera is gone; the camera itself may be well. Check the ingest workers.",
        "Tiến trình theo dõi camera này đã mất; bản thân camera có thể vẫn tốt. Hãy kiểm tra các tiến trình ingest.",
    ),
    Reason.CENTRE_STALLED: Advice(
        "The centre itself stood still, so nothing is known for sure. Check database, broker and aggregator.",
        "Bản thân trung tâm bị ngừng nên chưa thể kết luận. Hãy kiểm tra cơ sở dữ liệu, hàng đợi và bộ tổng hợp.",
    ),
    Reason.CLOCK_SKEW: Advice(
        "The camera's clock is wrong. Set it, or give the camera a time server.",
        "Đồng hồ của camera sai. Hãy chỉnh lại hoặc đặt máy chủ thời gian cho camera.",
    ),
    Reason.FACTORY_PASSWORD: Advice(
        "The camera still accepts a factory password. Set one of your own.",
        "Camera vẫn dùng mật khẩu mặc định. Hãy đặt mật khẩu riêng.",
    ),
    Reason.AUDIO_ONLY: Advice(
        "The stream carries sound but no picture. Choose the profile that carries video.",
        "Luồng chỉ có âm thanh, không có hình. Hãy chọn cấu hình (profile) có hình.",
    ),
    Reason.SETTINGS_CHANGED: Advice(
        "Somebody changed the camera's settings on site. Check that this was meant.",
        "Cấu hình camera đã bị thay đổi tại chỗ. Hãy xác nhận việc này là có chủ ý.",
    ),
    Reason.ADDRESS_REWRITTEN: Advice(
        "The device names another address for its stream; we use the one we reached it by.",
        "Thiết bị báo một địa chỉ luồng khác; hệ thống dùng địa chỉ đã kết nối được.",
    ),
    Reason.STORAGE_FAILED: Advice(
        "The device reports that its disk or memory card failed, so nothing may be recorded on site. Check and replace it.",
        "Thiết bị báo ổ cứng hoặc thẻ nhớ bị lỗi nên có thể không ghi hình tại chỗ. Hãy kiểm tra và thay thế.",
    ),
}
