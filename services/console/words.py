"""What the values of the contracts are called on the pages, in both languages.

Members of different enums with the same text are equal to Python, so each enum has a table of its own.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from services.access.roles import Role
from services.contracts.ladder import Condition, Reason, Rung, State
from services.contracts.names import CONDITION_NAMES, REASON_NAMES, RUNG_NAMES, STATE_NAMES, Bilingual
from services.contracts.zones import Zone
from services.programme.obstacles import CAUSES, LEVEL_NAMES, Level, ObstacleCode
from services.programme.plans import PlanKind
from services.programme.stages import STAGE_NAMES, Stage
from services.programme.texts import ZONE_NAMES
from services.registry.tables import FacilityKind

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
