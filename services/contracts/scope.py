"""How far a principal reaches: all provinces, or some units of them."""

from dataclasses import dataclass

from services.contracts.ids import ProvinceUnitId


@dataclass(frozen=True, slots=True)
class ProvinceScope:
    """The province units within which somebody may see and act. ``units`` is None for the whole country.

    Every query that touches facilities takes a scope, so that forgetting it is a type error and not a leak.
    """

    units: frozenset[ProvinceUnitId] | None

    def covers(self, unit: ProvinceUnitId) -> bool:
        """Whether facilities of this unit are within reach."""
        return self.units is None or unit in self.units


EVERYWHERE = ProvinceScope(None)
