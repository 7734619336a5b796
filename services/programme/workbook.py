"""The progress report as an XLSX file. The only file that imports openpyxl.

Two sheets: the figures by province, and every open obstacle with its owner. Text that people entered is always written
as text: a name that begins with ``=`` must never become a formula on the desk of whoever opens the report.
"""

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from services.contracts.names import Bilingual
from services.programme.local_time import VIET_NAM, local_day
from services.programme.obstacles import CAUSES, LEVEL_NAMES, ObstacleCode
from services.programme.report import BlockedFacility, Figures, ProgressReport, ProvinceRow
from services.programme.stages import STAGE_NAMES
from services.programme.surveys import Need

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Value: TypeAlias = str | int | float | date | datetime | None

_PERCENT = "0.0%"
_DAY = "dd/mm/yyyy"
_MOMENT = "dd/mm/yyyy hh:mm"

#: With these a spreadsheet begins a formula, here or after somebody saves the sheet as CSV.
_FORMULA = ("=", "+", "-", "@")

#: Characters that XML 1.0 cannot hold; openpyxl refuses the whole cell for one of them.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

#: Most characters of a cell in the file format.
_CELL_MAX = 32_767

_HEAD = PatternFill("solid", fgColor="DCE6F1")


@dataclass(frozen=True, slots=True)
class _Column:
    name: Bilingual
    width: int
    value: Callable[[Figures], Value]
    number_format: str = "0"


def _share(part: Callable[[Figures], int], whole: Callable[[Figures], int]) -> Callable[[Figures], Value]:
    return lambda figures: part(figures) / whole(figures) if whole(figures) else None


def _cause(code: ObstacleCode) -> Callable[[Figures], Value]:
    return lambda figures: figures.blocked_by_cause[code]


def _need(need: Need) -> Callable[[Figures], Value]:
    return lambda figures: figures.needs[need]


_FIGURES: Sequence[_Column] = (
    _Column(Bilingual("Listed", "Trong danh sách"), 11, lambda f: f.listed),
    _Column(Bilingual("Contact named", "Có đầu mối"), 11, lambda f: f.contact_named),
    _Column(Bilingual("Surveyed", "Đã khảo sát"), 11, lambda f: f.surveyed),
    _Column(Bilingual("Surveyed, %", "Tỷ lệ khảo sát"), 11, _share(lambda f: f.surveyed, lambda f: f.listed), _PERCENT),
    _Column(Bilingual("Survey blocked", "Khảo sát bị vướng"), 11, lambda f: f.survey_blocked),
    _Column(Bilingual("With open obstacles", "Còn vướng mắc"), 11, lambda f: f.blocked),
    _Column(Bilingual("Eligible", "Đủ điều kiện kết nối"), 12, lambda f: f.eligible),
    _Column(Bilingual("Not eligible", "Chưa đủ điều kiện"), 12, lambda f: f.not_eligible),
    _Column(Bilingual("Needs new installation", "Cần lắp mới"), 11, _need(Need.NEW)),
    _Column(Bilingual("Needs repair", "Cần sửa chữa"), 11, _need(Need.REPAIR)),
    _Column(Bilingual("Needs addition", "Cần bổ sung"), 11, _need(Need.ADDITION)),
    _Column(Bilingual("Plans agreed", "Đã thống nhất phương án"), 13, lambda f: f.plans_agreed),
    _Column(Bilingual("Accepted", "Đã nghiệm thu"), 11, lambda f: f.accepted),
    _Column(
        Bilingual("Accepted, %", "Tỷ lệ nghiệm thu"), 11, _share(lambda f: f.accepted, lambda f: f.listed), _PERCENT
    ),
    _Column(Bilingual("Live now", "Đang kết nối"), 11, lambda f: f.live),
    _Column(Bilingual("Live now, %", "Tỷ lệ đang kết nối"), 11, _share(lambda f: f.live, lambda f: f.listed), _PERCENT),
    _Column(Bilingual("Record only", "Chỉ ghi hình tại chỗ"), 11, lambda f: f.record_only),
    _Column(
        Bilingual("Receiving people, not accepted", "Đang tiếp nhận nhưng chưa nghiệm thu"),
        16,
        lambda f: f.receiving_not_accepted,
    ),
    _Column(Bilingual("Overdue", "Quá hạn"), 10, lambda f: f.overdue),
    _Column(Bilingual("Suspended", "Tạm dừng"), 10, lambda f: f.suspended),
    _Column(Bilingual("Closed", "Đã đóng"), 10, lambda f: f.closed),
    _Column(Bilingual("Cameras registered", "Camera đã đăng ký"), 12, lambda f: f.cameras_registered),
    _Column(Bilingual("Cameras online", "Camera đang hoạt động"), 12, lambda f: f.cameras_online),
    _Column(
        Bilingual("Cameras online, %", "Tỷ lệ camera hoạt động"),
        12,
        _share(lambda f: f.cameras_online, lambda f: f.cameras_registered),
        _PERCENT,
    ),
    *(_Column(name, 16, _cause(code)) for code, name in CAUSES.items()),
)

_OBSTACLE_COLUMNS: Sequence[tuple[Bilingual, int]] = (
    (Bilingual("Province", "Tỉnh, thành phố"), 22),
    (Bilingual("Code", "Mã cơ sở"), 16),
    (Bilingual("Facility", "Cơ sở"), 36),
    (Bilingual("Enterprise", "Doanh nghiệp"), 14),
    (Bilingual("Stage", "Bước"), 24),
    (Bilingual("Cause", "Vướng mắc"), 44),
    (Bilingual("Level", "Cấp xử lý"), 24),
    (Bilingual("Who must act", "Người phải xử lý"), 28),
    (Bilingual("Opened on", "Ngày phát sinh"), 13),
    (Bilingual("Due", "Hạn xử lý"), 13),
    (Bilingual("Days overdue", "Số ngày quá hạn"), 12),
)


def render(report: ProgressReport) -> bytes:
    """The XLSX file. Takes up to 0.2 s of CPU for a thousand open obstacles: call it in a thread."""
    book = Workbook()
    first = book.active
    if not isinstance(first, Worksheet):
        raise TypeError("a new workbook begins with a worksheet")
    _progress_sheet(first, report)
    _obstacle_sheet(book.create_sheet(), report)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _progress_sheet(sheet: Worksheet, report: ProgressReport) -> None:
    sheet.title = "Tiến độ - Progress"
    _title(sheet, Bilingual("Progress by province", "Tiến độ theo tỉnh, thành phố"), report)
    names = [Bilingual("Code", "Mã"), Bilingual("Province", "Tỉnh, thành phố")]
    _header(sheet, [(names[0], 10), (names[1], 26), *((column.name, column.width) for column in _FIGURES)])
    for number, row in enumerate(report.provinces, start=4):
        _figures_row(sheet, number, _code(row), row.name, row.figures)
    last = len(report.provinces) + 4
    _figures_row(sheet, last, "", report.total_name, report.total)
    for cell in sheet[last]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = "C4"


def _obstacle_sheet(sheet: Worksheet, report: ProgressReport) -> None:
    sheet.title = "Vướng mắc - Obstacles"
    _title(sheet, Bilingual("Open obstacles", "Vướng mắc chưa xử lý"), report)
    _header(sheet, _OBSTACLE_COLUMNS)
    for number, blocked in enumerate(report.obstacles, start=4):
        for column, (value, number_format) in enumerate(_obstacle_cells(blocked), start=1):
            _write(_cell(sheet, number, column), value, number_format)
    sheet.freeze_panes = "A4"


def _obstacle_cells(blocked: BlockedFacility) -> Sequence[tuple[Value, str]]:
    facility, obstacle = blocked.facility, blocked.obstacle
    return (
        (_both(blocked.province), "@"),
        (facility.code, "@"),
        (facility.name, "@"),
        (facility.enterprise, "@"),
        (_both(STAGE_NAMES[facility.stage]), "@"),
        (_both(CAUSES[obstacle.code]), "@"),
        (_both(LEVEL_NAMES[obstacle.level]), "@"),
        (obstacle.owner, "@"),
        (local_day(obstacle.opened_at), _DAY),
        (obstacle.due, _DAY),
        (blocked.days_overdue, "0"),
    )


def _title(sheet: Worksheet, title: Bilingual, report: ProgressReport) -> None:
    _write(_cell(sheet, 1, 1), _both(title), "@")
    _cell(sheet, 1, 1).font = Font(bold=True, size=14)
    _write(_cell(sheet, 2, 1), "Thời điểm (UTC+7) / As of (UTC+7)", "@")
    # The file format knows no time zones.
    _write(_cell(sheet, 2, 3), report.as_of.astimezone(VIET_NAM).replace(tzinfo=None, microsecond=0), _MOMENT)


def _header(sheet: Worksheet, columns: Sequence[tuple[Bilingual, int]]) -> None:
    for number, (name, width) in enumerate(columns, start=1):
        cell = _cell(sheet, 3, number)
        _write(cell, f"{_capital(name.vi)}\n{_capital(name.en)}", "@")
        cell.font = Font(bold=True)
        cell.fill = _HEAD
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.column_dimensions[get_column_letter(number)].width = width


def _figures_row(sheet: Worksheet, number: int, code: str, name: Bilingual, figures: Figures) -> None:
    _write(_cell(sheet, number, 1), code, "@")
    _write(_cell(sheet, number, 2), _both(name), "@")
    for column, of in enumerate(_FIGURES, start=3):
        _write(_cell(sheet, number, column), of.value(figures), of.number_format)


def _cell(sheet: Worksheet, row: int, column: int) -> Cell:
    cell = sheet.cell(row=row, column=column)
    if not isinstance(cell, Cell):
        raise TypeError("this report merges no cells")
    return cell


def _write(cell: Cell, value: Value, number_format: str) -> None:
    if isinstance(value, str):
        value = _NOT_XML.sub("\ufffd", value)[:_CELL_MAX]
    cell.value = value
    cell.number_format = number_format
    if isinstance(value, str):
        # openpyxl takes text that begins with "=" for a formula; the quote prefix keeps it text when it is edited.
        cell.data_type = "s"
        cell.quotePrefix = value.lstrip().startswith(_FORMULA)


def _both(text: Bilingual) -> str:
    return text.vi if text.vi == text.en else f"{text.vi} / {text.en}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _code(row: ProvinceRow) -> str:
    """A bare code means the edition of 2021."""
    return row.code if row.edition == 2021 else f"{row.code}@{row.edition}"
