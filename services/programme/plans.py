"""The agreed way to connect a facility, and the zones it must show. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.contracts.zones import FORBIDDEN_ZONE_DETAIL, FORBIDDEN_ZONES, Zone
from services.programme.errors import ZoneForbidden
from services.programme.fields import Fields


class PlanKind(StrEnum):
    """How a facility is to be connected."""

    REUSE = "reuse"  # what is there is connected as it is
    REPAIR = "repair"
    ADD = "add"
    NEW = "new"
    RECORD_ONLY = "record_only"  # no line: recorded on site
    NOT_FEASIBLE = "not_feasible"


class Line(StrEnum):
    """What carries the pictures to the centre."""

    INTERNET = "internet"
    PRIVATE_LINE = "private_line"


class Addressing(StrEnum):
    """How the centre reaches the site over its line."""

    PUBLIC = "public"
    NAT = "nat"
    CGNAT = "cgnat"
    VPN = "vpn"


class Party(StrEnum):
    """Who must agree to a plan and sign an acceptance."""

    FACILITY = "facility"
    SO_TTTT = "so_tttt"  # the province's Department of Information and Communications
    ENTERPRISE = "enterprise"


#: Plans that connect nothing need no line.
_WITHOUT_LINE = frozenset({PlanKind.RECORD_ONLY, PlanKind.NOT_FEASIBLE})


@dataclass(frozen=True, slots=True)
class NewPlan:
    """A connection plan as the parties draw it up. It is agreed when all three are in ``agreed_by``.

    ``zones`` holds names of zones. It may be empty in a draft; acceptance then refuses the facility.
    """

    kind: PlanKind
    zones: Sequence[str] = ()
    line: Line | None = None
    addressing: Addressing | None = None
    due: date | None = None
    agreed_by: frozenset[Party] = frozenset()
    notes: str | None = None

    @property
    def agreed(self) -> bool:
        return self.agreed_by == frozenset(Party)

    def check(self) -> frozenset[Zone]:
        """The compulsory zones. Raises ZoneForbidden or Invalid.

        An agreed plan says when it is due and, if it connects anything, over which line. Several cameras may look at
        one zone, but a plan names it once.
        """
        fields = Fields()
        zones: set[Zone] = set()
        for index, name in enumerate(self.zones):
            pointer = f"/zones/{index}"
            if name in FORBIDDEN_ZONES:
                raise ZoneForbidden(pointer, FORBIDDEN_ZONE_DETAIL)
            try:
                zone = Zone(name)
            except ValueError:
                fields.fault(pointer, f"must be one of {', '.join(Zone)}")
                continue
            if zone in zones:
                fields.fault(pointer, "is named twice")
            zones.add(zone)
        if self.agreed and self.kind not in _WITHOUT_LINE and self.line is None:
            fields.fault("/line", "is required in an agreed plan that connects the facility")
        if self.agreed and self.due is None and self.kind is not PlanKind.NOT_FEASIBLE:
            fields.fault("/due", "is required in an agreed plan")
        fields.text("/notes", self.notes, 4000)
        fields.verify()
        return frozenset(zones)
