"""One device or two."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.camera import Evidence
from services.contracts.identity import Likeness, compare, endpoint_of, mac_of, serial_of, tells, weigh

MAC, OTHER_MAC = "44:19:b6:00:00:01", "44:19:b6:00:00:02"
EPR, OTHER_EPR = "urn:uuid:1419d68a-1dd2-11b2-a105-000000000001", "urn:uuid:1419d68a-1dd2-11b2-a105-000000000002"


def evidence(text: str) -> tuple[Evidence, Evidence]:
    """Two lots of evidence; ``text`` says + (equal), - (other) or ? (unknown) of MAC, endpoint and serial."""
    known = {"mac": MAC, "endpoint": EPR, "serial": "DS-1"}
    others = {"mac": OTHER_MAC, "endpoint": OTHER_EPR, "serial": "DS-2"}
    seen = {
        name: {"+": known[name], "-": others[name], "?": None}[sign] for name, sign in zip(known, text, strict=True)
    }
    return Evidence(maker="Hãng", model="M", **known), Evidence(maker="Hãng", model="M", **seen)


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("???", Likeness.UNCLEAR),
        ("+??", Likeness.SAME),
        ("?+?", Likeness.SAME),
        ("??+", Likeness.SAME),
        ("+++", Likeness.SAME),
        # A reference that is made anew at each start.
        ("+-+", Likeness.SAME),
        ("?-?", Likeness.UNCLEAR),
        ("?-+", Likeness.UNCLEAR),
        ("+-?", Likeness.UNCLEAR),
        # MAC addresses that a maker of clones used twice.
        ("+?-", Likeness.UNCLEAR),
        ("++-", Likeness.UNCLEAR),
        ("+--", Likeness.DIFFERENT),
        # One serial, one reference on many cameras.
        ("-?+", Likeness.UNCLEAR),
        ("-+?", Likeness.UNCLEAR),
        ("-++", Likeness.UNCLEAR),
        ("--+", Likeness.DIFFERENT),
        ("-+-", Likeness.DIFFERENT),
        ("?+-", Likeness.UNCLEAR),
        ("-??", Likeness.DIFFERENT),
        ("??-", Likeness.DIFFERENT),
        ("--?", Likeness.DIFFERENT),
        ("---", Likeness.DIFFERENT),
        ("-?-", Likeness.DIFFERENT),
        ("?--", Likeness.DIFFERENT),
    ],
)
def test_no_evidence_is_believed_alone_against_other_evidence(says: str, expected: Likeness) -> None:
    assert compare(*evidence(says)) is expected


TEXTS = st.one_of(st.none(), st.sampled_from(["a", "A ", "ab", "", "00", "none", MAC, OTHER_MAC, EPR, OTHER_EPR]))
ANY = st.builds(Evidence, mac=TEXTS, endpoint=TEXTS, maker=TEXTS, model=TEXTS, serial=TEXTS)


@given(ANY, ANY)
def test_it_makes_no_difference_which_was_known_first(one: Evidence, other: Evidence) -> None:
    assert weigh(one, other) == weigh(other, one)


@given(ANY)
def test_nothing_is_different_from_itself(one: Evidence) -> None:
    assert compare(one, one) is (Likeness.SAME if tells(one) else Likeness.UNCLEAR)


@given(ANY, ANY)
def test_what_tells_nothing_is_never_the_same_as_anything(one: Evidence, other: Evidence) -> None:
    if not tells(one):
        assert compare(one, other) is not Likeness.SAME


def test_placeholders_are_no_evidence() -> None:
    for serial in ("0", "000000", " ", "None", "1234567890", None):
        assert serial_of(serial) is None
    for mac in ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "00:11:22:33:44:55", "4419b6", "", None):
        assert mac_of(mac) is None
    for endpoint in ("", "urn:uuid:", "urn:uuid:00000000-0000-0000-0000-000000000000", None):
        assert endpoint_of(endpoint) is None


def test_what_is_written_otherwise_is_the_same() -> None:
    one = Evidence(mac="44-19-B6-00-00-01", endpoint="uuid:1419D68A-1DD2-11B2-A105-000000000001", serial=" ds-1 ")
    assert weigh(one, Evidence(mac=MAC, endpoint=EPR, serial="DS-1")).agree == {"mac", "endpoint", "serial"}


def test_another_model_is_another_device_unless_one_name_holds_the_other() -> None:
    known = Evidence(maker="HIKVISION", model="DS-2CD2042WD-I", serial="A1")
    assert compare(known, Evidence(maker="Dahua", model="DS-2CD2042WD-I")) is Likeness.DIFFERENT
    assert compare(known, Evidence(maker="HIKVISION DS-2CD2042WD-I", serial="A1")) is Likeness.SAME
    assert compare(known, Evidence(maker="HIKVISION", model="DS-2CD2042WD-I")) is Likeness.UNCLEAR
