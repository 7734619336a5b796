"""Every sentence of the pages in both languages. Names of states, reasons and the like are in ``words``.

A template asks by key with ``t("key")``; a test holds templates and this table to each other.
"""

from collections.abc import Mapping

from services.contracts.names import Bilingual

TEXTS: Mapping[str, Bilingual] = {
    # On every page
    "skip": Bilingual("Skip to the content", "Đến phần nội dung"),
    "nav": Bilingual("Pages", "Các trang"),
    "nav.overview": Bilingual("Overview", "Tổng quan"),
    "nav.facilities": Bilingual("Facilities", "Cơ sở"),
    "search.label": Bilingual("Search facilities by name or code", "Tìm cơ sở theo tên hoặc mã"),
    "search.placeholder": Bilingual("Name or code", "Tên hoặc mã cơ sở"),
    "search.go": Bilingual("Search", "Tìm"),
    "search.clear": Bilingual("Clear the search", "Xóa tìm kiếm"),
    "refresh.as_of": Bilingual("As of", "Lúc"),
    "refresh.reload": Bilingual("Load this page again", "Tải lại trang này"),
    "refresh.stale": Bilingual(
        "The centre does not answer. What you see is of", "Trung tâm không trả lời. Thông tin đang hiển thị là lúc"
    ),
    "sign_out": Bilingual("Sign out", "Đăng xuất"),
    "ago": Bilingual("{age} ago", "{age} trước"),
    "province": Bilingual("Province", "Tỉnh, thành phố"),
    # Signing in
    "sign_in.title": Bilingual("Sign in", "Đăng nhập"),
    "sign_in.what": Bilingual(
        "Which facilities are really connected, and a look inside them.",
        "Cơ sở nào đang thực sự kết nối, và hình ảnh bên trong.",
    ),
    "sign_in.key": Bilingual("API key", "Khóa API"),
    "sign_in.go": Bilingual("Sign in", "Đăng nhập"),
    "sign_in.help": Bilingual(
        "An operator gives out keys. This browser keeps only a session that ends by itself, never the key.",
        "Khóa do người vận hành cấp. Trình duyệt chỉ giữ phiên làm việc có thời hạn, không lưu khóa.",
    ),
    "sign_in.refused": Bilingual(
        "This key is not accepted: it is mistyped, was revoked or has expired.",
        "Khóa không được chấp nhận: gõ sai, đã bị thu hồi hoặc đã hết hạn.",
    ),
    "sign_in.worker": Bilingual(
        "This is the key of a worker, and workers have no pages. Use the key of a person.",
        "Đây là khóa của tiến trình theo dõi, không dùng để xem trang. Hãy dùng khóa của người dùng.",
    ),
    "sign_in.too_often": Bilingual(
        "Too many attempts from this address. Try again in {seconds} s.",
        "Địa chỉ này đã thử quá nhiều lần. Hãy thử lại sau {seconds} giây.",
    ),
    "again.title": Bilingual("One moment", "Xin chờ giây lát"),
    "again.go_on": Bilingual("Go on to the page", "Mở trang"),
    # What goes wrong
    "error.home": Bilingual("To the overview", "Về trang tổng quan"),
    "error.403": Bilingual("Your key does not have the role for this.", "Khóa của bạn không có quyền này."),
    "error.csrf-failed": Bilingual(
        "This form is stale or came from elsewhere. Load the page again and repeat.",
        "Biểu mẫu đã cũ hoặc gửi từ nơi khác. Hãy tải lại trang và làm lại.",
    ),
    "error.401": Bilingual("You are signed out. Load the page again.", "Bạn đã đăng xuất. Hãy tải lại trang."),
    "error.404": Bilingual(
        "There is nothing here, or it lies outside your provinces.",
        "Không có nội dung này, hoặc nằm ngoài địa bàn của bạn.",
    ),
    "error.409": Bilingual("That is not possible at the moment.", "Hiện chưa thực hiện được việc này."),
    "error.422": Bilingual(
        "The request could not be read. Load the page again and repeat.",
        "Không đọc được yêu cầu. Hãy tải lại trang và làm lại.",
    ),
    "error.503": Bilingual(
        "A part of the system does not answer. Try again shortly.",
        "Một phần của hệ thống không trả lời. Hãy thử lại sau giây lát.",
    ),
    "error.500": Bilingual(
        "Something went wrong on our side; it was logged. Try again, then tell an operator.",
        "Hệ thống gặp lỗi và đã ghi lại. Hãy thử lại, nếu vẫn lỗi hãy báo người vận hành.",
    ),
    # Overview
    "overview.title": Bilingual("Overview", "Tổng quan"),
    "overview.cameras": Bilingual("Cameras online", "Camera hoạt động"),
    "overview.live": Bilingual("Live of accepted", "Kết nối / nghiệm thu"),
    "overview.report": Bilingual("Progress report (XLSX)", "Báo cáo tiến độ (XLSX)"),
    "overview.without_cameras": Bilingual("{n} without a camera yet", "{n} cơ sở chưa có camera"),
    "overview.provinces": Bilingual("Provinces", "Tỉnh, thành phố"),
    "overview.share": Bilingual("Facilities by state", "Cơ sở theo trạng thái"),
    "overview.state.disconnected": Bilingual("disconnected", "mất kết nối"),
    "overview.state.degraded": Bilingual("degraded", "kết nối một phần"),
    "overview.state.unknown": Bilingual("unknown", "chưa rõ"),
    "overview.state.connected": Bilingual("connected", "đã kết nối"),
    "overview.all": Bilingual("All", "Tổng"),
    "overview.accepted": Bilingual("Accepted", "Nghiệm thu"),
    "overview.nothing": Bilingual("No facility is registered yet.", "Chưa có cơ sở nào được đăng ký."),
    "overview.silent": Bilingual("Provinces without any facility: {n}", "Tỉnh, thành phố chưa có cơ sở nào: {n}"),
    "overview.troubled": Bilingual("Newest trouble", "Sự cố mới nhất"),
    "overview.no_trouble": Bilingual(
        "Every facility that has cameras is connected.", "Mọi cơ sở có camera đều đang kết nối."
    ),
    # Lists
    "province.code": Bilingual("Code {code}, list of {edition}", "Mã {code}, danh mục năm {edition}"),
    "province.municipality": Bilingual("municipality", "thành phố trực thuộc Trung ương"),
    "list.by_state": Bilingual("By state", "Theo trạng thái"),
    "list.all": Bilingual("All", "Tất cả"),
    "list.state": Bilingual("State", "Trạng thái"),
    "list.facility": Bilingual("Facility", "Cơ sở"),
    "list.reason": Bilingual("Why", "Nguyên nhân"),
    "list.since": Bilingual("For", "Đã được"),
    "list.cameras": Bilingual("Cameras", "Camera"),
    "list.cameras_title": Bilingual("Online of those watched", "Hoạt động trên tổng số theo dõi"),
    "list.stage": Bilingual("Stage", "Bước"),
    "list.none": Bilingual("No facility fits.", "Không có cơ sở phù hợp."),
    "list.pages": Bilingual("Pages of the list", "Các trang của danh sách"),
    "list.first": Bilingual("From the beginning", "Về đầu danh sách"),
    "list.next": Bilingual("Next", "Tiếp theo"),
    # A facility
    "facility.capacity": Bilingual("{n} beds", "{n} giường"),
    "facility.for": Bilingual("for", "đã"),
    "facility.since": Bilingual("since", "từ"),
    "facility.cameras": Bilingual("{online} of {total} cameras online", "{online}/{total} camera hoạt động"),
    "facility.cameras_title": Bilingual("Cameras", "Camera"),
    "facility.no_cameras": Bilingual("No camera is registered yet.", "Chưa có camera nào được đăng ký."),
    "facility.programme": Bilingual("Stage in the programme", "Bước trong chương trình"),
    "facility.stage_since": Bilingual("Since", "Từ"),
    "facility.before": Bilingual("Missing before “{stage}”", "Còn thiếu để đến bước “{stage}”"),
    "facility.obstacles": Bilingual("Open obstacles", "Vướng mắc chưa xử lý"),
    "facility.zones": Bilingual("Viewing positions", "Vị trí quan sát"),
    "facility.contact": Bilingual("Contact person", "Đầu mối liên hệ"),
    "facility.no_contact": Bilingual("Nobody is named yet.", "Chưa có đầu mối."),
    "facility.changes": Bilingual("Latest changes", "Thay đổi gần đây"),
    "facility.no_changes": Bilingual("No change yet.", "Chưa có thay đổi."),
    "obstacle.owner": Bilingual("Who must act", "Người phải xử lý"),
    "obstacle.due": Bilingual("Due", "Hạn xử lý"),
    "obstacle.overdue": Bilingual("Overdue since", "Quá hạn từ"),
    "obstacle.none": Bilingual("Nothing stands in the way.", "Không có vướng mắc."),
    "plan.agreed": Bilingual("Agreed plan, version {version}", "Phương án đã thống nhất, bản {version}"),
    "plan.due": Bilingual("due", "hạn"),
    "plan.none": Bilingual(
        "No plan is agreed; the positions that have a camera count.",
        "Chưa thống nhất phương án; tính theo các vị trí đã có camera.",
    ),
    "zone.no_camera": Bilingual("no camera", "chưa có camera"),
    # A camera
    "camera.off": Bilingual("switched off", "đã tắt theo dõi"),
    "camera.rung": Bilingual("reached", "đạt mức"),
    "camera.well": Bilingual("The picture is as it should be.", "Hình ảnh bình thường."),
    "camera.advisory": Bilingual("advice only", "chỉ lưu ý"),
    "camera.ladder": Bilingual("How far it was proved to work", "Mức đã được kiểm chứng"),
    "camera.step_reached": Bilingual("reached", "đã đạt"),
    "camera.step_not_reached": Bilingual("not reached", "chưa đạt"),
    "camera.facts": Bilingual("Facts", "Thông tin"),
    "fps": Bilingual("fps", "hình/giây"),
    "stream.unmeasured": Bilingual("stream not measured yet", "chưa đo được luồng"),
    "fact.zone": Bilingual("Looks at", "Vị trí quan sát"),
    "fact.since": Bilingual("So since", "Như vậy từ"),
    "fact.observed": Bilingual("Last looked at", "Kiểm tra gần nhất"),
    "fact.resting": Bilingual(
        "sampled: not connected between two looks", "lấy mẫu: không kết nối giữa hai lần kiểm tra"
    ),
    "fact.never": Bilingual("never", "chưa lần nào"),
    "fact.worker": Bilingual("Watched by", "Tiến trình theo dõi"),
    "fact.nobody": Bilingual("nobody now", "hiện không có"),
    "fact.stream": Bilingual("Stream", "Luồng"),
    "fact.keyframes": Bilingual("Key frames", "Khung hình chính"),
    "fact.every_s": Bilingual("every {n} s", "mỗi {n} giây"),
    "fact.address": Bilingual("Address", "Địa chỉ"),
    "fact.credentials": Bilingual("User name and password", "Tên người dùng và mật khẩu"),
    "fact.entered": Bilingual("entered", "đã nhập"),
    "fact.not_entered": Bilingual("not entered", "chưa nhập"),
    "fact.device": Bilingual("Device", "Thiết bị"),
    "fact.serial": Bilingual("Serial number", "Số sê-ri"),
    "fact.clock": Bilingual("Its clock", "Đồng hồ thiết bị"),
    "fact.clock_ahead": Bilingual("{n} s ahead of ours", "nhanh hơn {n} giây"),
    "fact.clock_behind": Bilingual("{n} s behind ours", "chậm hơn {n} giây"),
    # Pictures
    "picture.of": Bilingual("Picture of {camera}", "Hình ảnh của {camera}"),
    "picture.taken": Bilingual("Picture taken", "Ảnh chụp"),
    "picture.none": Bilingual("No picture yet", "Chưa có ảnh"),
    "picture.role": Bilingual("No pictures for your role", "Vai trò của bạn không được xem ảnh"),
    "picture.role_long": Bilingual(
        "Keys of integrators see how cameras are, but no pictures and no live view: people live here.",
        "Khóa của đơn vị kết nối xem được tình trạng camera, không xem được hình ảnh: đây là nơi có người ở.",
    ),
    # Live
    "live.watch": Bilingual("Live", "Xem trực tiếp"),
    "live.stop": Bilingual("Stop", "Dừng"),
    "live.now": Bilingual("Live", "Trực tiếp"),
    "live.still": Bilingual("No new picture for some seconds …", "Chưa có hình mới, đang chờ …"),
    "live.of": Bilingual("Live view of {camera}", "Hình ảnh trực tiếp của {camera}"),
    "live.connecting": Bilingual("Opening the live view …", "Đang mở hình ảnh trực tiếp …"),
    "live.waiting": Bilingual("The live view was interrupted; trying again …", "Hình ảnh bị gián đoạn, đang thử lại …"),
    "live.ended": Bilingual(
        "The live view has reached its longest time. Start it again if you still need it.",
        "Đã hết thời gian xem trực tiếp cho phép. Hãy mở lại nếu vẫn cần xem.",
    ),
    "live.unsupported": Bilingual(
        "This browser cannot play the camera's codec ({codec}). You see its last picture; "
        "a browser with H.265, or the camera set to H.264, shows it live.",
        "Trình duyệt này không phát được chuẩn nén của camera ({codec}). Đang hiển thị ảnh chụp gần nhất; "
        "hãy dùng trình duyệt hỗ trợ H.265 hoặc đặt camera ở chuẩn H.264.",
    ),
    "live.failed": Bilingual("The live view could not be opened.", "Không mở được hình ảnh trực tiếp."),
    "live.no_picture": Bilingual("The camera gives no picture now.", "Camera hiện không có hình."),
    "live.codec": Bilingual(
        "The camera sends a codec that live view cannot carry. Set it to H.264, or look at its picture.",
        "Camera dùng chuẩn nén không xem trực tiếp được. Hãy đặt ở chuẩn H.264 hoặc xem ảnh chụp.",
    ),
    "live.noscript": Bilingual(
        "The live view needs JavaScript. Everything else works without it.",
        "Xem trực tiếp cần JavaScript. Các phần khác vẫn dùng được khi không có.",
    ),
}
