"""The page on devices names all 45 habits, and only tests and quirks that exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from services.simulator.faults import Fault
from services.simulator.quirks import QUIRKS

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "devices.md").read_text(encoding="utf-8")
ROWS = {
    int(found[1]): [cell.strip() for cell in found[0].strip("|").split(" | ")]
    for found in re.finditer(r"^\| (\d+) \|.*\|$", PAGE, re.MULTILINE)
}
NAMED = sorted(set(re.findall(r"`([\w/]+\.py(?:::\w+)?)`", PAGE)))


@cache
def functions_of(path: Path) -> frozenset[str]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_each_of_the_45_has_its_row() -> None:
    assert list(ROWS) == list(range(1, 46))
    for number, cells in ROWS.items():
        assert len(cells) == 6, number
        assert cells[3] in {"handled", "partly", "not"}, number
        assert all(cells), number
        assert "`" in cells[5] or cells[3] == "not", number


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_is_named_exists(name: str) -> None:
    file, _, function = name.partition("::")
    assert (TESTS / file).is_file()
    assert not function or function in functions_of(TESTS / file)


def test_each_quirk_of_the_simulator_stands_in_its_row() -> None:
    for quirk, facts in QUIRKS.items():
        where = ROWS[facts.number][4] if facts.number else PAGE
        assert f"`{quirk.value}`" in where, quirk


def test_names_in_the_column_of_what_is_done_are_known() -> None:
    known = {*Fault, *QUIRKS}
    for number, cells in ROWS.items():
        simulator = cells[4].partition("Simulator: ")[2]
        names = [name for name in re.findall(r"`([a-z_0-9]+)`", simulator) if name not in {"move", "swap"}]
        assert set(names) <= known, number
