"""The province units of Viet Nam: 63 of 2021 and 34 of 2025, and what a code or a scope means."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from services.contracts.ids import ProvinceUnitId
from services.contracts.scope import ProvinceScope

Edition = Literal[2021, 2025]


@dataclass(frozen=True, slots=True)
class Unit:
    """One province unit. ``successor_id`` is the unit of 2025 that a unit of 2021 went into."""

    id: ProvinceUnitId
    code: str
    edition: Edition
    name_vi: str
    name_en: str
    kind: Literal["province", "municipality"]
    iso_3166_2: str | None
    successor_id: ProvinceUnitId | None


def unit_id(code: str, edition: int) -> ProvinceUnitId:
    """The id of a unit; it need not exist."""
    return f"{edition}-{code}"


@cache
def units() -> Mapping[ProvinceUnitId, Unit]:
    """All 97 units by id, those of 2021 first, each edition in the order of its codes."""
    return {unit.id: unit for unit in (*_read_2021(), *_read_2025())}


def find_unit(code: str, edition: int = 2021) -> Unit | None:
    """The unit of a code. A bare code means the edition of 2021."""
    return units().get(unit_id(code, edition))


def parse_unit(text: str) -> Unit | None:
    """The unit of ``24`` (edition 2021) or ``24@2025``."""
    code, _, edition = text.partition("@")
    return units().get(unit_id(code, int(edition) if edition.isdecimal() else 2021 if not edition else 0))


def scope_of(ids: Iterable[ProvinceUnitId] | None) -> ProvinceScope:
    """The scope that reaches these units; None reaches the whole country.

    A unit of 2025 reaches the units of 2021 that went into it. A unit of 2021 reaches its successor only where that
    was formed from it alone: otherwise it would open its neighbours.
    """
    if ids is None:
        return ProvinceScope(None)
    reached = set(ids)
    predecessors: dict[ProvinceUnitId, set[ProvinceUnitId]] = {}
    for unit in units().values():
        if unit.successor_id is not None:
            predecessors.setdefault(unit.successor_id, set()).add(unit.id)
    for successor, formed_from in predecessors.items():
        if successor in reached:
            reached |= formed_from
        elif formed_from <= reached:
            reached.add(successor)
    return ProvinceScope(frozenset(reached))


def designated_enterprise(unit: Unit) -> str:
    """Who was designated to connect a unit in 2021: VNPT from Da Nang (48) southwards, Viettel in the north.

    A default that a facility can override. Source: the two enterprises' own statements of June 2021; no
    counter-example is known. Units of 2025 follow the same line by their code.
    """
    return "vnpt" if int(unit.code) >= 48 else "viettel"


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files("services.registry.data").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _kind(text: str) -> Literal["province", "municipality"]:
    if text == "province":
        return "province"
    if text == "municipality":
        return "municipality"
    raise ValueError(f"no kind of unit: {text!r}")


def _read_2021() -> list[Unit]:
    successors = {row["name_vi"]: unit_id(row["gso_code_2025"], 2025) for row in _rows("provinces-2025.csv")}
    return [
        Unit(
            id=unit_id(row["gso_code"], 2021),
            code=row["gso_code"],
            edition=2021,
            name_vi=row["name_vi"],
            name_en=row["name_en"],
            kind=_kind(row["type"]),
            iso_3166_2=row["iso_3166_2"],
            successor_id=successors[row["merged_into_2025"]],
        )
        for row in _rows("provinces-2021.csv")
    ]


def _read_2025() -> list[Unit]:
    return [
        Unit(
            id=unit_id(row["gso_code_2025"], 2025),
            code=row["gso_code_2025"],
            edition=2025,
            name_vi=row["name_vi"],
            name_en=row["name_en"],
            kind=_kind(row["type"]),
            iso_3166_2=None,
            successor_id=None,
        )
        for row in _rows("provinces-2025.csv")
    ]
