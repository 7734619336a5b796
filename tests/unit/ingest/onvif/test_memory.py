"""What is remembered of hosts between visits."""

from services.contracts.camera import Credentials
from services.ingest.onvif.memory import HostMemory, HostNotes, mark_of
from services.ingest.onvif.negotiation import Signature
from services.ingest.onvif.transport import Endpoint


def credentials(password: str, username: str = "admin") -> Credentials:
    return Credentials(username=username, password=password, version=1)


MINE, OTHER = mark_of(credentials("a")), mark_of(credentials("b"))


def test_marks_tell_credentials_apart_and_nothing_else() -> None:
    assert mark_of(credentials("a")) == MINE
    assert mark_of(Credentials(username="admin", password="a", version=9)) == MINE
    assert mark_of(credentials("min", "ad")) != mark_of(credentials("in", "adm"))
    assert len(MINE) == 12


def test_the_way_to_sign_in_is_known_for_the_credentials_that_were_accepted() -> None:
    notes = HostNotes()
    assert notes.signature_for(MINE) is Signature.NONE
    notes.note_accepted(MINE, Signature.WSSE, prefixed=False)
    assert notes.signature_for(MINE) is Signature.WSSE
    assert notes.signature_for(OTHER) is Signature.NONE


def test_a_refusal_makes_it_unknown_again_unless_it_was_of_others() -> None:
    notes = HostNotes()
    notes.note_accepted(MINE, Signature.WSSE, prefixed=False)
    notes.note_refused(OTHER, Signature.WSSE, prefixed=False)
    assert notes.signature_for(MINE) is Signature.WSSE
    notes.note_refused(MINE, Signature.WSSE, prefixed=False)
    assert notes.signature_for(MINE) is Signature.NONE


def test_quirk_9_after_a_refusal_it_is_the_turn_of_the_other_form() -> None:
    """IOTechSystems/onvif issue 28."""
    notes = HostNotes()
    assert notes.prefixed_for(MINE) is False
    notes.note_refused(MINE, Signature.WSSE, prefixed=False)
    assert notes.prefixed_for(MINE) is True
    assert notes.prefixed_for(OTHER) is False
    notes.note_refused(MINE, Signature.WSSE, prefixed=True)
    assert notes.prefixed_for(MINE) is False


def test_quirk_9_the_form_that_was_accepted_is_used_for_all() -> None:
    notes = HostNotes()
    notes.note_accepted(MINE, Signature.WSSE, prefixed=True)
    assert notes.prefixed_for(OTHER) is True
    notes.note_accepted(OTHER, Signature.DIGEST, prefixed=False)
    assert notes.prefixed_for(OTHER) is True


def test_a_refusal_by_digest_says_nothing_of_the_form() -> None:
    notes = HostNotes()
    notes.note_refused(MINE, Signature.DIGEST, prefixed=False)
    assert notes.prefixed_for(MINE) is False


def test_the_hosts_asked_for_last_are_remembered() -> None:
    memory = HostMemory(hosts=2)
    one, two, three = (Endpoint("127.0.0.1", port) for port in (1, 2, 3))
    memory.of(one).legacy_tls = True
    memory.of(two).legacy_tls = True
    assert memory.of(one).legacy_tls
    memory.of(three)
    assert memory.of(one).legacy_tls
    assert not memory.of(two).legacy_tls
