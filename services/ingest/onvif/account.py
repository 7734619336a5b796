"""Our account at one device during one visit: how it signs, how often it may, and what became of it."""

import os
from datetime import datetime

from lxml import etree  # type: ignore[import-untyped]  # lxml has no stubs of its own

from services.contracts.camera import Credentials
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.onvif import wsse
from services.ingest.onvif.memory import HostNotes, mark_of
from services.ingest.onvif.negotiation import Signature, Verdict
from services.ingest.rtsp.auth import Challenge, digest_header


class Account:
    """Credentials, if there are any, with the notes of earlier visits.

    ``signs_again``: whether one more request may carry credentials that were not accepted yet, when the device did not
    judge the first: its nonce was stale, its clock was another, the connection was gone.
    """

    def __init__(self, credentials: Credentials | None, notes: HostNotes, *, signs_again: bool) -> None:
        self._credentials = credentials
        self._notes = notes
        self._mark = mark_of(credentials) if credentials is not None else b""
        # A device with HTTP Digest is asked for a challenge each time; there is nothing to be saved by knowing.
        knows = credentials is not None and notes.signature_for(self._mark) is Signature.WSSE
        #: How requests are signed, once one has to be.
        self.signature = Signature.WSSE if knows else Signature.NONE
        self._prefixed = notes.prefixed_for(self._mark)
        self._signs_again = signs_again
        #: The device accepted the credentials in this visit.
        self.accepted = False
        #: A request with credentials was sent and not accepted.
        self.exposed = False

    def agree(self, signature: Signature) -> Signature:
        """Sign this way from now on. Raises CameraFault if we cannot."""
        if self._credentials is None:
            raise CameraFault(Reason.CREDENTIALS_MISSING, Rung.ANSWERING, "the device wants credentials")
        if not self._credentials.username.isprintable():
            raise CameraFault(Reason.AUTH_FAILED, Rung.ANSWERING, "the user name holds characters that cannot be sent")
        self.signature = signature
        return signature

    def may_sign_again(self) -> bool:
        """Whether the same call may be signed once more. Granted once, until the credentials are accepted."""
        may, self._signs_again = self.accepted or self._signs_again, False
        return may

    def token(self, envelope: etree._Element, created: datetime) -> etree._Element:
        """The envelope with a WS-Security header; ``created`` is the device's time."""
        who = self._showing()
        return wsse.signed(
            envelope,
            username=who.username,
            password=who.password,
            created=created,
            nonce=os.urandom(16),
            prefixed=self._prefixed,
        )

    def digest(self, challenge: Challenge, target: str) -> bytes:
        """The value of an Authorization header."""
        value = digest_header(
            challenge, self._showing(), method="POST", uri=target, cnonce=os.urandom(8).hex(), count=1
        )
        return value.encode("latin-1")

    def note(self, verdict: Verdict, sent: Signature) -> None:
        """Remember what the device said to the credentials, here and for the next visit."""
        if sent is Signature.NONE or self.accepted:
            return
        if verdict is Verdict.GRANTED:
            self.accepted, self.exposed = True, False
            self._notes.note_accepted(self._mark, sent, prefixed=self._prefixed)
        elif verdict is Verdict.REFUSED:
            self._notes.note_refused(self._mark, sent, prefixed=self._prefixed)

    def stands_in(self, text: str) -> bool:
        """Whether the user name or the password occurs in a text, which devices may echo."""
        who = self._credentials
        return who is not None and any(secret and secret in text for secret in (who.username, who.password))

    def _showing(self) -> Credentials:
        if self._credentials is None:
            raise CameraFault(Reason.CREDENTIALS_MISSING, Rung.ANSWERING, "the device wants credentials")
        self.exposed = not self.accepted
        return self._credentials
