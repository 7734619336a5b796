"""The table of quirks."""

import re

import pytest

from services.simulator.quirks import QUIRKS, Quirk, UnknownQuirk, read_quirks

SOURCE = re.compile(r"[\w.-]+/[\w.-]+#\d+(, [\w.-]+/[\w.-]+#\d+)?|ipycam 1\.3\.0, as measured|RFC \d+")


@pytest.mark.parametrize("quirk", list(Quirk))
def test_each_quirk_says_what_it_is_and_who_reported_it(quirk: Quirk) -> None:
    facts = QUIRKS[quirk]
    assert 0 <= facts.number <= 45
    assert facts.what
    assert SOURCE.fullmatch(facts.source)


def test_quirks_are_read_by_name() -> None:
    assert read_quirks(["html", "hangs"]) == {Quirk.HTML, Quirk.HANGS}
    with pytest.raises(UnknownQuirk, match="one_at_a_time"):
        read_quirks(["tired"])
