"""Every input that the fuzzers kept is still read as it must be. The properties stand in ``tests/fuzz``."""

from pathlib import Path

import pytest

from tests.fuzz.targets import KEPT, TARGETS, kept_cases

#: Cases together stay small: they are read by every run of the tests, and by people.
KEPT_BYTES_MAX = 200 * 1024

CASES = [pytest.param(name, path, id=f"{name}: {path.name}") for name in TARGETS for path in kept_cases(name)]


@pytest.mark.parametrize(("name", "path"), CASES)
def test_a_kept_case_breaks_nothing(name: str, path: Path) -> None:
    TARGETS[name](path.read_bytes())


def test_every_target_has_cases_and_every_case_a_target() -> None:
    assert {path.name for path in KEPT.iterdir()} == set(TARGETS)
    assert all(kept_cases(name) for name in TARGETS)


def test_the_cases_are_small() -> None:
    assert sum(path.stat().st_size for name in TARGETS for path in kept_cases(name)) <= KEPT_BYTES_MAX
