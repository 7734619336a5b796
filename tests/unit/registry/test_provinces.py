"""The province units, and what a scope of them reaches."""

import unicodedata
from collections import Counter

from services.registry.provinces import designated_enterprise, find_unit, parse_unit, scope_of, unit_id, units

#: Codes whose meaning changed on 1 July 2025.
CHANGED = {"15", "24", "44", "52", "80", "82", "91"}


def test_there_are_63_units_of_2021_and_34_of_2025() -> None:
    assert Counter(unit.edition for unit in units().values()) == {2021: 63, 2025: 34}
    assert Counter(unit.kind for unit in units().values() if unit.edition == 2021) == {
        "province": 58,
        "municipality": 5,
    }
    assert Counter(unit.kind for unit in units().values() if unit.edition == 2025) == {
        "province": 28,
        "municipality": 6,
    }


def test_names_are_normalised_vietnamese() -> None:
    assert all(unicodedata.is_normalized("NFC", unit.name_vi) for unit in units().values())
    assert find_unit("93").name_vi == "Hậu Giang"  # type: ignore[union-attr]


def test_every_unit_of_2021_went_into_one_of_2025() -> None:
    successors = {unit.successor_id for unit in units().values() if unit.edition == 2021}
    assert successors == {unit.id for unit in units().values() if unit.edition == 2025}


def test_a_bare_code_means_the_edition_of_2021() -> None:
    assert parse_unit("24").name_vi == "Bắc Giang"  # type: ignore[union-attr]
    assert parse_unit("24@2025").name_vi == "Bắc Ninh"  # type: ignore[union-attr]
    for code in ("", "24@1999", "@2025", "x", "24@x", "99"):
        assert parse_unit(code) is None, code


def test_seven_codes_changed_their_meaning() -> None:
    named_differently = {
        unit.code
        for unit in units().values()
        if unit.edition == 2021 and (later := find_unit(unit.code, 2025)) is not None and later.name_vi != unit.name_vi
    }
    assert named_differently == CHANGED | {"46"}, "46 is the same unit: Thừa Thiên Huế became the city of Huế"


def test_a_unit_of_2025_reaches_those_that_went_into_it() -> None:
    can_tho = scope_of([unit_id("92", 2025)])
    assert can_tho.units == frozenset({"2025-92", "2021-92", "2021-93", "2021-94"})


def test_a_unit_of_2021_does_not_reach_its_neighbours_through_its_successor() -> None:
    assert scope_of(["2021-93"]).units == frozenset({"2021-93"})
    assert scope_of(["2021-01"]).units == frozenset({"2021-01", "2025-01"}), "Hà Nội did not change"
    assert scope_of(["2021-92", "2021-93", "2021-94"]).units == frozenset({"2021-92", "2021-93", "2021-94", "2025-92"})


def test_no_units_means_the_whole_country() -> None:
    assert scope_of(None).units is None
    assert scope_of(None).covers("2021-93")


def test_the_country_was_divided_at_da_nang() -> None:
    enterprises = Counter(designated_enterprise(unit) for unit in units().values() if unit.edition == 2021)
    assert enterprises == {"vnpt": 32, "viettel": 31}
