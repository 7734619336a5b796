"""What must be true before a facility may go on. Pure: each guard reads the facts of a file and says what is missing."""

from collections.abc import Callable
from dataclasses import dataclass

from services.contracts.names import Bilingual
from services.contracts.zones import Zone
from services.programme.obstacles import CAUSES, ObstacleCode
from services.programme.plans import PlanKind
from services.programme.texts import ZONE_NAMES, Missing


@dataclass(frozen=True, slots=True)
class Dossier:
    """The facts of a facility by which guards decide."""

    has_contact: bool = False
    #: A survey is to come, or one is complete.
    visit_planned: bool = False
    #: The next visit is remote, or the facility confirmed how its team is protected.
    protection_confirmed: bool = False
    survey_complete: bool = False
    #: What the newest complete survey concluded; None without one.
    eligible: bool | None = None
    #: The newest plan, agreed or not.
    plan_kind: PlanKind | None = None
    plan_agreed: bool = False
    plan_zones: frozenset[Zone] = frozenset()
    #: Any plan was ever agreed.
    was_planned: bool = False
    #: Zones with an enabled camera.
    camera_zones: frozenset[Zone] = frozenset()
    open_obstacles: frozenset[ObstacleCode] = frozenset()
    #: True only while an acceptance that passed is being written.
    acceptance_passed: bool = False
    #: Whether quarantined people live there; None when nobody told.
    receiving_people: bool | None = None


#: Says what is missing; empty when nothing is.
Guard = Callable[[Dossier], tuple[Missing, ...]]


def _unless(fulfilled: bool, code: str, en: str, vi: str) -> tuple[Missing, ...]:
    return () if fulfilled else (Missing(code, Bilingual(en, vi)),)


def contact_is_named(dossier: Dossier) -> tuple[Missing, ...]:
    return _unless(
        dossier.has_contact,
        "contact",
        "No contact person is named. Enter the name and the phone or e-mail of the facility's contact.",
        "Chưa có đầu mối liên hệ. Hãy nhập họ tên và điện thoại hoặc thư điện tử của đầu mối tại cơ sở.",
    )


def visit_is_planned(dossier: Dossier) -> tuple[Missing, ...]:
    return _unless(
        dossier.visit_planned,
        "visit",
        "No survey is scheduled. Agree a time and a team, on site or remote.",
        "Chưa có lịch khảo sát. Hãy thống nhất thời gian và đoàn khảo sát, trực tiếp hoặc từ xa.",
    )


def protection_is_confirmed(dossier: Dossier) -> tuple[Missing, ...]:
    return _unless(
        dossier.protection_confirmed,
        "protection",
        "The facility has not confirmed the protection conditions of the visit: guidance, equipment and route.",
        "Cơ sở chưa xác nhận điều kiện phòng, chống dịch cho đoàn khảo sát: văn bản hướng dẫn, trang bị và lối đi.",
    )


def no_visit_stands(dossier: Dossier) -> tuple[Missing, ...]:
    return _unless(
        not (dossier.visit_planned and dossier.protection_confirmed),
        "visit_stands",
        "A survey is scheduled and its conditions are confirmed. Cancel it before going back.",
        "Đang có lịch khảo sát với điều kiện đã xác nhận. Hãy hủy lịch trước khi quay lại.",
    )


def survey_is_complete(dossier: Dossier) -> tuple[Missing, ...]:
    return _unless(
        dossier.survey_complete,
        "survey",
        "No survey is complete. Record the present state and the conclusion.",
        "Chưa có kết quả khảo sát. Hãy ghi nhận hiện trạng và kết luận.",
    )


def something_blocks_the_survey(dossier: Dossier) -> tuple[Missing, ...]:
    return _unless(
        bool(dossier.open_obstacles) and not dossier.survey_complete,
        "obstacle",
        "No open obstacle stands in the way of the survey. Open one that says what blocks it and who must act.",
        "Không có vướng mắc nào đang cản trở khảo sát. Hãy ghi nhận vướng mắc và người phải xử lý.",
    )


def obstacles_are_resolved(dossier: Dossier) -> tuple[Missing, ...]:
    return tuple(
        Missing(
            "obstacle_open",
            Bilingual("An obstacle is open: {cause}.", "Còn vướng mắc chưa xử lý: {cause}.").format(cause=CAUSES[code]),
        )
        for code in sorted(dossier.open_obstacles)
    )


def plan_is_agreed(dossier: Dossier) -> tuple[Missing, ...]:
    if dossier.plan_kind is None:
        return _unless(
            False,
            "plan",
            "There is no connection plan. Draw one up with its kind, line and compulsory zones.",
            "Chưa có phương án kết nối. Hãy lập phương án với hình thức, đường truyền và các vị trí bắt buộc.",
        )
    return _unless(
        dossier.plan_agreed,
        "plan_agreement",
        "The newest connection plan is not agreed by facility, Department of Information and Communications and "
        "enterprise.",
        "Phương án kết nối mới nhất chưa được cơ sở, Sở Thông tin và Truyền thông và doanh nghiệp cùng thống nhất.",
    )


def plan_fits_the_survey(dossier: Dossier) -> tuple[Missing, ...]:
    return _unless(
        dossier.plan_kind is not PlanKind.REUSE or dossier.eligible is not False,
        "plan_kind",
        "The survey found that what is there cannot be connected, yet the plan only reuses it. Plan repair, addition "
        "or new installation.",
        "Khảo sát kết luận hệ thống hiện có chưa đủ điều kiện kết nối nhưng phương án chỉ dùng lại. Hãy lập phương án "
        "sửa chữa, bổ sung hoặc lắp mới.",
    )


def plan_is_feasible(dossier: Dossier) -> tuple[Missing, ...]:
    return _unless(
        dossier.plan_kind is not PlanKind.NOT_FEASIBLE,
        "plan_feasible",
        "The plan says that the facility cannot be connected. Agree another plan first.",
        "Phương án kết luận không thể kết nối cơ sở này. Hãy thống nhất phương án khác trước.",
    )


def plan_needs_work(dossier: Dossier) -> tuple[Missing, ...]:
    return _unless(
        dossier.plan_kind is not PlanKind.REUSE,
        "work",
        "The plan reuses what is there, so nothing is to be installed. Go on to connecting.",
        "Phương án dùng lại hệ thống hiện có nên không cần lắp đặt. Hãy chuyển sang bước kết nối.",
    )


def plan_names_zones(dossier: Dossier) -> tuple[Missing, ...]:
    return _unless(
        bool(dossier.plan_zones),
        "plan_zones",
        "The plan names no compulsory zone. Agree a plan that says what must be seen.",
        "Phương án chưa nêu vị trí quan sát bắt buộc nào. Hãy thống nhất phương án có các vị trí phải quan sát.",
    )


def zones_have_cameras(dossier: Dossier) -> tuple[Missing, ...]:
    return tuple(
        Missing(
            "zone_camera",
            Bilingual(
                "No enabled camera is registered in zone {zone}.",
                "Chưa đăng ký camera nào đang bật tại vị trí {zone}.",
            ).format(zone=ZONE_NAMES[zone]),
            zone,
        )
        for zone in sorted(dossier.plan_zones - dossier.camera_zones)
    )


def acceptance_has_passed(dossier: Dossier) -> tuple[Missing, ...]:
    return _unless(
        dossier.acceptance_passed,
        "acceptance",
        "A facility becomes accepted by an acceptance, which proves every zone of its plan, and in no other way.",
        "Cơ sở chỉ được coi là đã nghiệm thu khi biên bản nghiệm thu chứng minh từng vị trí của phương án.",
    )


def no_plan_was_agreed(dossier: Dossier) -> tuple[Missing, ...]:
    return _unless(
        not dossier.was_planned,
        "reopens_in_trial",
        "The facility had an agreed plan before, so it reopens in trial.",
        "Cơ sở đã từng có phương án được thống nhất nên khi mở lại sẽ vào bước chạy thử.",
    )
