"""Searching, ordering and paging facilities; counts and bars."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from starlette.datastructures import QueryParams

from services.console import counts
from services.console.facilities import (
    Chosen,
    folded,
    matching,
    page_of,
    read_choice,
    read_cursor,
    sort_key,
    write_cursor,
)
from services.console.overview import silent_units
from services.console.queries import CameraGroup, FacilityGroup, FacilityLine
from services.contracts.ladder import Condition, State
from services.contracts.scope import EVERYWHERE, ProvinceScope
from services.programme.stages import Stage


def line(code: str, state: State = State.CONNECTED, name: str = "Khu cách ly") -> FacilityLine:
    return FacilityLine(UUID(int=abs(hash(code))), code, name, "2021-93", state, datetime(2021, 5, 3, tzinfo=UTC))


@pytest.mark.parametrize(
    "search", ["hau giang", "HẬU GIANG", "hậu", "giang hau", "hg-001", "  Đẳng  ", "dang", "Ha\u0302\u0323u"]
)
def test_a_search_finds_with_and_without_diacritics(search: str) -> None:
    sought = line("HG-001", name="Trường Cao đẳng Hậu Giang")
    assert matching([line("HD-014", name="Trường Quân sự Hải Dương"), sought], search) == [sought]


def test_an_empty_search_finds_everything() -> None:
    lines = [line("A"), line("B")]
    assert matching(lines, "") == lines


def test_folding_keeps_what_is_no_diacritic() -> None:
    assert folded("Đường số 5, Q.3 — ĐẮK LẮK") == "duong so 5, q.3 — dak lak"


def test_those_in_trouble_come_first_and_each_is_on_exactly_one_page() -> None:
    states = list(State)
    lines = [line(f"F-{index:03}", states[index % len(states)]) for index in range(47)]
    seen: list[FacilityLine] = []
    after = None
    for _ in range(10):
        shown, following = page_of(lines, Chosen(after=after), 10)
        seen += shown
        if following is None:
            break
        after = read_cursor(write_cursor(sort_key(following)))
    assert sorted(seen) == sorted(lines)
    assert [one.state for one in seen] == sorted((one.state for one in lines), key=counts.STATES.index)


def test_a_full_last_page_has_no_next_one() -> None:
    lines = [line(f"F-{index}") for index in range(10)]
    assert page_of(lines, Chosen(), 10)[1] is None
    assert page_of(lines, Chosen(), 9)[1] == lines[8]


def test_only_the_chosen_state_is_listed() -> None:
    lines = [line("A"), line("B", State.UNKNOWN), line("C", State.UNKNOWN)]
    shown, _ = page_of(lines, Chosen(state=State.UNKNOWN), 10)
    assert [one.code for one in shown] == ["B", "C"]


@pytest.mark.parametrize("code", ["HG-001", "Cơ sở 1.2", "x" * 64])
def test_a_cursor_is_read_as_it_was_written(code: str) -> None:
    assert read_cursor(write_cursor((3, code))) == (3, code)


@pytest.mark.parametrize("text", [None, "", "!", "====", "aaaa", "MS4", "x" * 1000, "ẫ", "/w"])
def test_a_cursor_that_is_none_of_ours_begins_anew(text: str | None) -> None:
    assert read_cursor(text) is None


def test_what_an_address_says_wrongly_is_left_out() -> None:
    assert read_choice(QueryParams("state=broken&after=!&q=%20a%20%20b%20")) == Chosen(search="a b")
    assert read_choice(QueryParams("state=degraded")).state is State.DEGRADED
    assert len(read_choice(QueryParams({"q": "x" * 5000})).search) == 100


def test_the_address_of_a_list_keeps_the_search_and_escapes_it() -> None:
    assert Chosen(search="a&b=c").url("/facilities", state=State.UNKNOWN) == "/facilities?q=a%26b%3Dc&state=unknown"
    assert Chosen().url("/facilities") == "/facilities"


def group(
    state: State, stage: Stage, facilities: int, *, has_cameras: bool = True, unit: str = "2021-93"
) -> FacilityGroup:
    return FacilityGroup(unit, state, stage, has_cameras, facilities)


def test_live_is_accepted_and_connected_or_degraded() -> None:
    total, _ = counts.tally(
        [
            group(State.CONNECTED, Stage.ACCEPTED, 3),
            group(State.DEGRADED, Stage.ACCEPTED, 2),
            group(State.DISCONNECTED, Stage.ACCEPTED, 5),
            group(State.CONNECTED, Stage.TRIAL, 7),
        ]
    )
    assert (total.live, total.accepted, total.total) == (5, 10, 17)


def test_only_unknown_facilities_are_told_to_lack_cameras() -> None:
    total, _ = counts.tally(
        [
            group(State.UNKNOWN, Stage.LISTED, 4, has_cameras=False),
            group(State.UNKNOWN, Stage.LISTED, 2),
            group(State.CONNECTED, Stage.LISTED, 1, has_cameras=False),
        ]
    )
    assert total.without_cameras == 4


def test_the_province_with_most_disconnected_sites_is_the_most_urgent() -> None:
    _, units = counts.tally(
        [
            group(State.DEGRADED, Stage.LISTED, 9, unit="2021-01"),
            group(State.DISCONNECTED, Stage.LISTED, 1, unit="2021-02"),
            group(State.CONNECTED, Stage.LISTED, 99, unit="2021-04"),
        ]
    )
    assert sorted(units, key=lambda unit: units[unit].urgency) == ["2021-02", "2021-01", "2021-04"]


def test_cameras_in_maintenance_or_without_a_line_are_not_counted_as_watched() -> None:
    count = counts.count_cameras(
        [
            CameraGroup(None, False, False, Condition.ONLINE, 5),
            CameraGroup(None, False, False, Condition.OFFLINE, 2),
            CameraGroup(None, False, False, None, 1),
            CameraGroup(None, True, False, Condition.ONLINE, 9),
            CameraGroup(None, False, True, None, 9),
        ]
    )
    assert (count.online, count.total) == (5, 8)


def test_a_bar_is_full_and_shows_even_one_site_among_many() -> None:
    slices = counts.bar({State.CONNECTED: 499, State.DISCONNECTED: 1})
    assert [one.state for one in slices] == [State.DISCONNECTED, State.CONNECTED]
    assert slices[0].width > 1.5
    assert slices[-1].x + slices[-1].width == pytest.approx(100, abs=0.05)
    assert counts.bar({}) == []


def test_provinces_without_a_facility_are_named_within_the_scope_only() -> None:
    assert len(silent_units(EVERYWHERE, {})) == 63
    scope = ProvinceScope(frozenset({"2021-93", "2021-30"}))
    assert [unit.id for unit in silent_units(scope, {"2021-93": counts.Tally()})] == ["2021-30"]
