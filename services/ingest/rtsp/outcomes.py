"""From what went wrong to a reason of the ladder. Pure: one place for the judgement of every reply and error."""

import errno
import re

from services.contracts.camera import AuthOutcome
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.rtsp.messages import Response

#: How devices say that they shut us out: Hikvision and Dahua firmware put it into the phrase or the body.
_LOCKED = re.compile(
    r"lock(ed)?[ -]?(out|ed)|\blocked\b|too many (failed |login |wrong )?(attempts|logins)|\bbanned\b", re.I
)
_PRINTABLE = re.compile(r"[^ -~]")

_BY_STATUS: dict[int, Reason] = {
    404: Reason.NOT_FOUND,
    410: Reason.NOT_FOUND,
    453: Reason.SESSION_LIMIT,
    461: Reason.TRANSPORT_UNSUPPORTED,
    503: Reason.SESSION_LIMIT,
}

_NO_ROUTE = frozenset(
    {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EACCES, errno.EPERM}
)
_REFUSED = frozenset({errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED})


def higher(one: Rung, other: Rung) -> Rung:
    """The higher of two rungs."""
    return one if one.height >= other.height else other


def reply_fault(response: Response, rung: Rung, *, answered: bool, has_credentials: bool) -> CameraFault:
    """The fault that a reply of 400 or more means.

    ``answered``: the request that got this reply carried our credentials, so that the camera judged them.
    """
    detail = f"{response.status} {_PRINTABLE.sub('', response.reason)[:60]}".strip()
    if response.status in {401, 403} and _says_locked(response):
        outcome = AuthOutcome.LOCKED_OUT if has_credentials else None
        return CameraFault(Reason.AUTH_LOCKED_OUT, Rung.ANSWERING, detail, auth=outcome)
    if response.status in {401, 403}:
        if not has_credentials:
            return CameraFault(Reason.CREDENTIALS_MISSING, Rung.ANSWERING, detail)
        # A 403 before any challenge is no judgement of credentials that were never sent.
        outcome = AuthOutcome.REFUSED if answered else None
        return CameraFault(Reason.AUTH_FAILED, Rung.ANSWERING, detail, auth=outcome)
    reason = _BY_STATUS.get(response.status, Reason.PROTOCOL_ERROR)
    floor = Rung.AUTHORIZED if reason is Reason.NOT_FOUND else Rung.ANSWERING
    return CameraFault(reason, higher(rung, floor), detail)


def _says_locked(response: Response) -> bool:
    return bool(_LOCKED.search(response.reason) or _LOCKED.search(response.body[:4096].decode("latin-1")))


def connect_fault(error: OSError) -> CameraFault | None:
    """The fault that a failed TCP connect means; None when the failure is our own (no descriptors, no memory …)."""
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return CameraFault(Reason.TIMEOUT, Rung.UNREACHABLE, "no TCP connection in time")
    detail = errno.errorcode.get(error.errno or 0, type(error).__name__)
    if error.errno in _REFUSED:
        return CameraFault(Reason.REFUSED, Rung.UNREACHABLE, detail)
    if error.errno in _NO_ROUTE:
        return CameraFault(Reason.NO_ROUTE, Rung.UNREACHABLE, detail)
    return None


def lost_fault(rung: Rung, error: BaseException | None) -> CameraFault:
    """The fault that the loss of an open connection means."""
    if isinstance(error, TimeoutError):
        return CameraFault(Reason.TIMEOUT, rung, "the connection timed out")
    if rung is Rung.REACHABLE:
        # Something listens there and hangs up on RTSP without a word.
        return CameraFault(Reason.PROTOCOL_ERROR, rung, "closed before any reply")
    return CameraFault(Reason.ENDED, rung, "closed by the camera")
