"""Texts in both languages of the programme, and the name of what a zone is to people."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.contracts.names import Bilingual
from services.contracts.zones import Zone


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that is missing before a facility can go on, or that somebody should be warned of."""

    code: str
    detail: Bilingual
    zone: Zone | None = None

    def as_json(self) -> dict[str, object]:
        """``{code, detail: {en, vi}}``, with ``zone`` where it is about one."""
        zone = {} if self.zone is None else {"zone": self.zone.value}
        return {"code": self.code, **zone, "detail": self.detail._asdict()}


ZONE_NAMES: Mapping[Zone, Bilingual] = {
    Zone.GATE: Bilingual("gate", "cổng ra vào"),
    Zone.YARD: Bilingual("yard", "sân"),
    Zone.FLOOR_LOBBY: Bilingual("floor lobby", "sảnh tầng"),
    Zone.CORRIDOR: Bilingual("corridor", "hành lang"),
    Zone.RECEPTION: Bilingual("reception", "khu tiếp nhận"),
    Zone.SAMPLING: Bilingual("sampling", "khu lấy mẫu"),
    Zone.MEDICAL_CHECK: Bilingual("medical check", "khu khám sức khỏe"),
    Zone.GOODS_HANDOVER: Bilingual("goods hand-over", "khu giao nhận thuốc, hàng hóa"),
    Zone.OUTSIDE_WASHROOM: Bilingual("outside the washroom", "bên ngoài khu vệ sinh chung"),
    Zone.OTHER_PUBLIC: Bilingual("other public area", "khu vực công cộng khác"),
}
