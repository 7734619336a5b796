"""The shared language of the ladder."""

import unicodedata

import pytest

from services.contracts.ladder import ADVICE, ADVISORY, Reason, Rung, deciding_first


def test_rungs_stand_in_the_order_of_the_ladder() -> None:
    assert [rung.value for rung in sorted(Rung, key=lambda rung: rung.height)] == [
        "unreachable",
        "reachable",
        "answering",
        "authorized",
        "described",
        "playing",
        "frames",
        "picture",
    ]


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_tells_in_both_languages_what_to_do(reason: Reason) -> None:
    advice = ADVICE[reason]
    for text in advice:
        assert text.endswith(".")
        assert len(text) > 20
        assert unicodedata.is_normalized("NFC", text)
    assert advice.vi != advice.en
    assert any(ord(char) > 127 for char in advice.vi), "Vietnamese without diacritics"


def test_deciding_reasons_come_first_and_none_twice() -> None:
    given = [Reason.CLOCK_SKEW, Reason.FROZEN, Reason.CLOCK_SKEW, Reason.BLACK]
    assert deciding_first(given) == (Reason.FROZEN, Reason.BLACK, Reason.CLOCK_SKEW)


def test_advisory_reasons_do_not_decide() -> None:
    assert {reason for reason in Reason if not reason.deciding} == ADVISORY
    assert Reason.AUTH_FAILED.deciding
