"""How to sign in, and what a reply says of our credentials."""

import pytest

from services.ingest.onvif.negotiation import Answer, Signature, Verdict, answerable, judge
from services.ingest.onvif.soap import SoapFault
from services.ingest.rtsp.auth import Challenge, parse_challenges

NOT_AUTHORIZED = SoapFault(("Sender", "NotAuthorized"), "Sender not Authorized")
MD5 = Challenge("digest", {"nonce": "n", "realm": "r", "qop": "auth"})
SHA256 = Challenge("digest", {"nonce": "n", "realm": "r", "qop": "auth", "algorithm": "SHA-256"})
SHA512 = Challenge("digest", {"nonce": "n", "realm": "r", "qop": "auth", "algorithm": "SHA-512-256"})
BASIC = Challenge("basic", {"realm": "r"})


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (Answer(200), Verdict.GRANTED),
        (Answer(200, fault=SoapFault(("Sender", "InvalidArgVal"), "no")), Verdict.GRANTED),
        (Answer(400, fault=SoapFault(("Sender", "Action"), "The configuration is locked")), Verdict.GRANTED),
        (Answer(404), Verdict.GRANTED),
        (Answer(401, (MD5,)), Verdict.WANTS_DIGEST),
        (Answer(401, (BASIC, SHA256)), Verdict.WANTS_DIGEST),
        (Answer(401, (SHA512, MD5)), Verdict.WANTS_DIGEST),
        (Answer(401, (SHA512,)), Verdict.WANTS_UNKNOWN),
        (Answer(401, (SHA512, BASIC)), Verdict.WANTS_UNKNOWN),
        (Answer(401), Verdict.WANTS_WSSE),
        # The crate onvif-server 0.1.1, as measured: no code that says so.
        (
            Answer(400, fault=SoapFault(("Sender",), "WS-Security header required but not provided")),
            Verdict.WANTS_WSSE,
        ),
        (Answer(401, (BASIC,)), Verdict.WANTS_WSSE),
        (Answer(401, fault=NOT_AUTHORIZED), Verdict.WANTS_WSSE),
        (Answer(400, fault=NOT_AUTHORIZED), Verdict.WANTS_WSSE),
        (Answer(500, fault=NOT_AUTHORIZED), Verdict.WANTS_WSSE),
        (Answer(200, fault=NOT_AUTHORIZED), Verdict.WANTS_WSSE),
        (Answer(200, fault=SoapFault(("Receiver",), "Sender not authorized")), Verdict.WANTS_WSSE),
        (Answer(400, fault=SoapFault(("Sender",), "Unauthorized")), Verdict.WANTS_WSSE),
        (Answer(403, fault=NOT_AUTHORIZED), Verdict.WANTS_WSSE),
        (Answer(403), Verdict.GRANTED),
    ],
)
def test_a_reply_to_a_request_without_credentials_tells_how_to_sign_in(answer: Answer, verdict: Verdict) -> None:
    """ONVIF Core specification, "Authentication"; ipycam 1.3.0 sends faults without a subcode; agsh/onvif issue 178."""
    assert judge(answer, Signature.NONE) is verdict


@pytest.mark.parametrize("sent", [Signature.DIGEST, Signature.WSSE])
@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (Answer(200), Verdict.GRANTED),
        (Answer(500, fault=SoapFault(("Receiver", "Action"), "broken")), Verdict.GRANTED),
        (Answer(401), Verdict.REFUSED),
        (Answer(401, (MD5,)), Verdict.REFUSED),
        (Answer(403), Verdict.REFUSED),
        (Answer(400, fault=NOT_AUTHORIZED), Verdict.REFUSED),
        (Answer(200, fault=NOT_AUTHORIZED), Verdict.REFUSED),
        (Answer(400, fault=SoapFault(("Sender", "FailedAuthentication"), "")), Verdict.REFUSED),
        (Answer(400, fault=SoapFault(("Sender", "InvalidSecurity"), "")), Verdict.REFUSED),
        (Answer(400, fault=SoapFault(("Sender",), "Wsse authorized time check failed")), Verdict.REFUSED),
        (
            Answer(400, fault=SoapFault((), "Sender not Authorized. Invalid password! You still have 22 attempt(s).")),
            Verdict.REFUSED,
        ),
    ],
)
def test_a_reply_to_a_signed_request_grants_or_refuses(answer: Answer, verdict: Verdict, sent: Signature) -> None:
    """home-assistant/core issue 93079 (InvalidSecurity), agsh/onvif issue 112 (attempts left)."""
    assert judge(answer, sent) is verdict


@pytest.mark.parametrize("sent", list(Signature))
@pytest.mark.parametrize(
    "answer",
    [
        Answer(423),
        Answer(401, text="Account Locked"),
        Answer(401, (MD5,), text="<html>The device has been locked</html>"),
        Answer(403, text="<ResponseStatus><lockStatus>lock</lockStatus><unlockTime>1800</unlockTime></ResponseStatus>"),
        Answer(403, text="your IP is blocked"),
        Answer(401, text="Too many failed attempts"),
        Answer(400, fault=SoapFault(("Sender", "NotAuthorized"), "The user is locked")),
        Answer(400, fault=SoapFault(("Sender", "AccountLocked"), "")),
    ],
)
def test_quirk_10_a_device_that_says_it_is_locked_is_believed_at_once(answer: Answer, sent: Signature) -> None:
    """home-assistant/core issue 175333 (Reolink), evercam/evercam-server issue 91 (Hikvision)."""
    assert judge(answer, sent) is Verdict.LOCKED_OUT


@pytest.mark.parametrize(
    "answer",
    [
        Answer(401, text="<lockStatus>unlock</lockStatus>"),
        Answer(401, text="unlocked"),
        Answer(401, text="<script>" + " " * 3000 + "if (user.locked) {}</script>"),
        Answer(401, text="You still have 22 attempts"),
    ],
)
def test_words_that_merely_resemble_a_lock_are_a_refusal(answer: Answer) -> None:
    assert judge(answer, Signature.WSSE) is Verdict.REFUSED


def test_a_stale_nonce_is_no_refusal() -> None:
    """RFC 7616 section 3.3."""
    stale = Challenge("digest", {**MD5.params, "stale": "TRUE"})
    assert judge(Answer(401, (stale,)), Signature.DIGEST) is Verdict.STALE
    assert judge(Answer(401, (stale,)), Signature.WSSE) is Verdict.REFUSED


def test_quirk_8_the_strongest_algorithm_is_answered_and_basic_never() -> None:
    """IOTechSystems/onvif issue 41."""
    assert answerable([MD5, SHA512, SHA256]) is SHA256
    assert answerable([BASIC]) is None
    assert answerable(parse_challenges(['Basic realm="a", Digest realm="b", nonce="c", qop="auth-int"'])) is None
