"""The progress report as people open it: read back with the library, and once by its raw XML."""

import io
import re
import zipfile
from dataclasses import replace
from datetime import date, datetime

import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from services.contracts.ids import new_id
from services.contracts.ladder import State
from services.programme.obstacles import Level, ObstacleCode
from services.programme.report import FacilityProgress, OpenObstacle, ProgressReport, summarise
from services.programme.stages import Stage
from services.programme.workbook import render
from services.registry import provinces
from tests.doubles.programme import NOON

BLOCKED = FacilityProgress(
    new_id(),
    "HD-001",
    "Trường CĐ Hải Dương",
    "2021-30",
    "viettel",
    stage=Stage.SURVEY_BLOCKED,
    obstacles=(
        OpenObstacle(
            ObstacleCode.FACILITY_REFUSES, "UBND TP Chí Linh", NOON, date(2021, 5, 8), Level.PROVINCE_COMMITTEE
        ),
    ),
)
LIVE = replace(
    BLOCKED,
    code="HD-002",
    stage=Stage.ACCEPTED,
    obstacles=(),
    state=State.CONNECTED,
    cameras_registered=5,
    cameras_online=4,
)


def report(*facilities: FacilityProgress) -> ProgressReport:
    return summarise(facilities, provinces.units(), lambda _: True, NOON, whole_country=True)


def sheets(progress: ProgressReport) -> tuple[Worksheet, Worksheet]:
    book = load_workbook(io.BytesIO(render(progress)))
    first, second = book.worksheets
    return first, second


def column(sheet: Worksheet, english: str) -> int:
    """The number of the column whose header ends with this English name."""
    for cell in sheet[3]:
        if str(cell.value).split("\n")[-1] == english:
            return int(cell.column or 0)
    raise AssertionError(f"no column {english}")


def test_figures_stand_in_the_row_of_their_province_with_percent_formats() -> None:
    progress, _ = sheets(report(BLOCKED, LIVE, replace(LIVE, code="HD-003"), replace(LIVE, code="HD-004")))
    row = next(cells[0].row for cells in progress.iter_rows(min_row=4) if cells[0].value == "30")
    assert progress.cell(row, 2).value == "Hải Dương / Hai Duong"
    assert progress.cell(row, column(progress, "Listed")).value == 4
    share = progress.cell(row, column(progress, "Accepted, %"))
    assert (share.value, share.number_format) == (0.75, "0.0%")
    assert progress.cell(row, column(progress, "Cameras online")).value == 12
    assert progress.cell(row, column(progress, "The facility does not cooperate")).value == 1
    empty = progress.cell(4, column(progress, "Accepted, %"))
    assert empty.value is None


def test_the_last_row_is_the_country_and_headers_are_frozen_in_both_languages() -> None:
    progress, obstacles = sheets(report(LIVE))
    assert progress.max_row == 3 + 63 + 1
    assert progress.cell(progress.max_row, 2).value == "Cả nước / Whole country"
    assert progress.cell(progress.max_row, column(progress, "Live now")).value == 1
    assert progress.cell(3, 3).value == "Trong danh sách\nListed"
    assert (progress.freeze_panes, obstacles.freeze_panes) == ("C4", "A4")


def test_the_moment_is_viet_nams_and_dates_are_dates() -> None:
    progress, obstacles = sheets(report(BLOCKED))
    assert progress.cell(2, 3).value == datetime(2021, 5, 10, 12, 0)  # noqa: DTZ001 - cells know no time zones
    assert progress.cell(2, 3).number_format == "dd/mm/yyyy hh:mm"
    due = obstacles.cell(4, column(obstacles, "Due"))
    assert due.value == datetime(2021, 5, 8)  # noqa: DTZ001
    assert due.is_date
    assert obstacles.cell(4, column(obstacles, "Days overdue")).value == 2
    assert obstacles.cell(4, column(obstacles, "Who must act")).value == "UBND TP Chí Linh"
    assert (
        obstacles.cell(4, column(obstacles, "Cause")).value == "cơ sở không phối hợp / the facility does not cooperate"
    )


@pytest.mark.parametrize(
    "name", ['=HYPERLINK("http://evil")', "+1+1", "-2+3", "@SUM(A1)", "  =1+1", "\t=1+1", "=cmd|' /C calc'!A0"]
)
def test_a_name_that_looks_like_a_formula_stays_text(name: str) -> None:
    content = render(report(replace(BLOCKED, name=name, code=name)))
    _, obstacles = sheets(report(replace(BLOCKED, name=name, code=name)))
    cell = obstacles.cell(4, column(obstacles, "Facility"))
    assert (cell.value, cell.data_type, cell.quotePrefix) == (name, "s", True)
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        for part in package.namelist():
            if part.startswith("xl/worksheets/sheet"):
                assert not re.search(rb"<f[ >]", package.read(part)), part


def test_an_ordinary_name_is_not_marked() -> None:
    _, obstacles = sheets(report(BLOCKED))
    assert not obstacles.cell(4, column(obstacles, "Facility")).quotePrefix


def test_characters_that_the_format_cannot_hold_do_not_break_the_report() -> None:
    name = "Khu\x0b cách ly " + "x" * 40_000
    _, obstacles = sheets(report(replace(BLOCKED, name=name)))
    value = str(obstacles.cell(4, column(obstacles, "Facility")).value)
    assert value.startswith("Khu\ufffd cách ly xxx")
    assert len(value) == 32_767
