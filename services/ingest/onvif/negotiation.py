"""Which way a device wants us to sign in, learned without spending an attempt, and what it said to our credentials.

ONVIF Core specification, "Authentication": a device that knows HTTP Digest answers a request without credentials with
401 and a challenge; one that knows WS-Security only answers with a fault NotAuthorized. A client sends never both.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum

from services.contracts.camera import AuthOutcome
from services.contracts.ladder import Reason
from services.ingest.onvif.soap import SoapFault
from services.ingest.rtsp.auth import AuthUnsupported, Challenge, strongest


class Signature(StrEnum):
    """What a request carries to prove who sends it."""

    NONE = "none"
    DIGEST = "digest"
    WSSE = "wsse"


class Verdict(Enum):
    """What a reply says about the request's right to be answered."""

    GRANTED = "granted"  # or at least not refused for want of credentials
    WANTS_DIGEST = "wants_digest"
    WANTS_WSSE = "wants_wsse"
    WANTS_UNKNOWN = "wants_unknown"  # HTTP Digest by algorithms that we do not have
    STALE = "stale"  # the nonce is too old, the credentials are not judged
    REFUSED = "refused"
    LOCKED_OUT = "locked_out"


#: Ways of signing that a reply to a request without credentials may ask for.
WANTED = {Verdict.WANTS_DIGEST: Signature.DIGEST, Verdict.WANTS_WSSE: Signature.WSSE}
#: What each verdict other than GRANTED comes to, in the end: reason, words for a log, and what counts in the budget.
REFUSALS: dict[Verdict, tuple[Reason, str, AuthOutcome | None]] = {
    Verdict.REFUSED: (Reason.AUTH_FAILED, "the device refused the credentials", AuthOutcome.REFUSED),
    Verdict.LOCKED_OUT: (Reason.AUTH_LOCKED_OUT, "the device says it is locked", AuthOutcome.LOCKED_OUT),
    Verdict.WANTS_UNKNOWN: (
        Reason.AUTH_ALGORITHM_UNSUPPORTED,
        "the device wants HTTP Digest by an algorithm other than MD5 and SHA-256",
        None,
    ),
    Verdict.STALE: (Reason.ONVIF_FAILED, "the device calls each nonce of its own stale", None),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What matters of a reply here. When it is no SOAP, ``text`` is the beginning of its body, ``not_soap`` says why."""

    status: int
    challenges: tuple[Challenge, ...] = ()
    fault: SoapFault | None = None
    text: str = ""
    not_soap: str = ""


#: Subcodes of the ONVIF Core specification and fault codes of WS-Security 1.0 section 12. Hikvision says InvalidSecurity
#: (home-assistant/core issue 93079).
_NOT_AUTHORIZED_CODES = frozenset(
    {"notauthorized", "failedauthentication", "invalidsecurity", "invalidsecuritytoken", "failedcheck"}
)
#: Faults without a subcode: ipycam 1.3.0 "Sender not authorized"; Hikvision "Unauthorized" (agsh/onvif issue 178);
#: the crate onvif-server 0.1.1 "WS-Security header required but not provided".
_NOT_AUTHORIZED_TEXT = re.compile(
    r"not\s*authori[sz]ed|unauthori[sz]ed|requires\s+authori[sz]ation|authentication\s+(?:failed|failure|error)|"
    r"wsse\s+authorized\s+time\s+check\s+failed|ws-security\s+header\s+(?:is\s+)?(?:required|missing)",
    re.IGNORECASE,
)
#: Reolink, Hikvision and others lock for minutes after wrong passwords (home-assistant/core issue 175333).
_LOCKED_TEXT = re.compile(
    r"(?<!un)(?<!not )locked|lock[\s-]?out|<lockstatus>\s*lock\s*<|too many (?:failed|invalid|wrong|login|attempts|tries)",
    re.IGNORECASE,
)
#: In a fault that does not speak of authorization, a lock may be of anything.
_ACCOUNT_TEXT = re.compile(r"user|account|login|password", re.IGNORECASE)
#: A notice is short. A whole login page may hold any word in its scripts.
_NOTICE_LENGTH = 2000


def answerable(challenges: Iterable[Challenge]) -> Challenge | None:
    """The strongest HTTP Digest challenge that we can answer. Basic is never answered: it shows the password."""
    digests = [challenge for challenge in challenges if challenge.scheme == "digest"]
    try:
        return strongest(digests, allow_basic=False)
    except AuthUnsupported:
        return None


def judge(answer: Answer, sent: Signature) -> Verdict:
    """What the reply to a request with this signature says."""
    unauthorized = answer.status == 401 or _says_not_authorized(answer.fault)
    if _says_locked(answer, unauthorized=unauthorized):
        return Verdict.LOCKED_OUT
    challenge = answerable(answer.challenges)
    if sent is Signature.NONE:
        if not unauthorized:
            return Verdict.GRANTED
        if challenge is not None:
            return Verdict.WANTS_DIGEST
        has_digest = any(offered.scheme == "digest" for offered in answer.challenges)
        return Verdict.WANTS_UNKNOWN if has_digest else Verdict.WANTS_WSSE
    if sent is Signature.DIGEST and answer.status == 401 and challenge is not None and challenge.stale:
        return Verdict.STALE
    return Verdict.REFUSED if unauthorized or answer.status == 403 else Verdict.GRANTED


def _says_not_authorized(fault: SoapFault | None) -> bool:
    return fault is not None and (
        any(code.lower() in _NOT_AUTHORIZED_CODES for code in fault.codes)
        or _NOT_AUTHORIZED_TEXT.search(fault.reason) is not None
    )


def _says_locked(answer: Answer, *, unauthorized: bool) -> bool:
    if answer.status == 423:
        return True
    fault = answer.fault
    notice = " ".join((*fault.codes, fault.reason)) if fault is not None else answer.text
    if len(notice) > _NOTICE_LENGTH or _LOCKED_TEXT.search(notice) is None:
        return False
    of_an_account = fault is not None and _ACCOUNT_TEXT.search(notice) is not None
    return unauthorized or answer.status == 403 or of_an_account
