"""The talk with one device: each call signed as the device wants it, each reply judged, the highest rung remembered.

This is what zeep knows as a transport. It decides nothing by itself: ``negotiation`` judges, ``transport`` sends.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NoReturn
from urllib.parse import urlsplit

from lxml import etree  # type: ignore[import-untyped]  # lxml has no stubs of its own

from services.contracts.camera import AuthOutcome, Credentials
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.onvif import wsse
from services.ingest.onvif.negotiation import Answer, Signature, Verdict, answerable, judge
from services.ingest.onvif.soap import NotSoap, SoapFault, SoapReply, read_soap
from services.ingest.onvif.transport import Deadline, Endpoint, HttpLimits, HttpReply, WireFault, post
from services.ingest.rtsp.auth import Challenge, digest_header, parse_challenges
from services.runtime.clock import Clock
from services.runtime.logs import redact

_SOAP_BODY = "{http://www.w3.org/2003/05/soap-envelope}Body"


class Unanswered(Exception):
    """The device did not give what was asked for, but it may give it another way. ``detail`` is fit for logs."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(detail)


class Declined(Unanswered):
    """The device answered with a SOAP fault, which has nothing to do with our right to ask."""


class SignInWanted(Exception):
    """The device wants credentials for a call that is made without."""


@dataclass(frozen=True, slots=True)
class ZeepReply:
    """A reply as zeep reads it. The headers are ours, so that a device cannot choose how its reply is taken apart."""

    content: bytes
    status_code: int = 200
    encoding: str = "utf-8"
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/soap+xml"})


class Conversation:
    """One device, one interrogation, one thread."""

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Credentials | None,
        *,
        limits: HttpLimits,
        deadline: Deadline,
        clock: Clock,
    ) -> None:
        self.endpoint = endpoint
        #: Device time minus ours, in seconds; None while unknown.
        self.clock_offset_s: float | None = None
        #: How far up the ladder the device was proved to work.
        self.rung = Rung.UNREACHABLE
        #: How requests were signed, once one had to be.
        self.signature = Signature.NONE
        #: While True, no request carries credentials.
        self.anonymous = True
        #: How many replies zeep was given to read.
        self.delivered = 0
        self._credentials = credentials
        self._limits = limits
        self._deadline = deadline
        self.clock = clock

    def reached(self, rung: Rung) -> None:
        """Note that the device was proved to work up to this rung."""
        if rung.height > self.rung.height:
            self.rung = rung

    def post_xml(self, address: str, envelope: etree._Element, headers: Mapping[str, str]) -> ZeepReply:
        """Called by zeep: carry a request to the device. Only path and query of ``address`` count.

        Raises CameraFault, Unanswered, or SignInWanted while ``anonymous``.
        """
        target = urlsplit(address)._replace(scheme="", netloc="", fragment="").geturl() or "/"
        call = _Call(target, envelope, headers)
        # A device with WS-Security gets a token in every message. HTTP Digest is asked for anew in every call, since
        # some devices bind a nonce to one URL or one request (IOTechSystems/onvif issue 41), and then a refusal of a
        # fresh nonce can only mean the credentials.
        sent: Signature = Signature.NONE if self.anonymous or self.signature is Signature.DIGEST else self.signature
        answer, soap = self._exchange(call, sent, None)
        verdict = judge(answer, sent)
        if verdict in _WANTED:
            sent = self._agree(_WANTED[verdict])
            answer, soap = self._exchange(call, sent, answerable(answer.challenges))
            verdict = judge(answer, sent)
        if verdict is Verdict.STALE:
            # RFC 7616 section 3.3: only the nonce is refused, so this is no attempt.
            answer, soap = self._exchange(call, sent, answerable(answer.challenges))
            verdict = judge(answer, sent)
        if verdict is not Verdict.GRANTED:
            raise self._refusal(verdict)
        return self._reply_for_zeep(call, answer, soap)

    def load(self, _url: str) -> NoReturn:
        """Called by zeep if a reply asked for another document."""
        raise Unanswered("the reply refers to another document")

    def _agree(self, signature: Signature) -> Signature:
        """Sign from now on, if we can."""
        if self.anonymous:
            raise SignInWanted
        if self._credentials is None:
            raise CameraFault(Reason.CREDENTIALS_MISSING, Rung.ANSWERING, "the device wants credentials")
        if not self._credentials.username.isprintable():
            raise CameraFault(Reason.AUTH_FAILED, Rung.ANSWERING, "the user name holds characters that cannot be sent")
        self.signature = signature
        return signature

    def _exchange(self, call: "_Call", sent: Signature, challenge: Challenge | None) -> tuple[Answer, SoapReply | None]:
        """Send the call once and read what comes back."""
        headers = [(name, value.encode("ascii")) for name, value in call.headers.items()]
        envelope = call.envelope
        who = self._credentials
        if sent is Signature.WSSE and who is not None:
            envelope = wsse.signed(
                envelope,
                username=who.username,
                password=who.password,
                created=self.clock.now() + timedelta(seconds=self.clock_offset_s or 0.0),
                nonce=os.urandom(16),
            )
        elif challenge is not None and who is not None:
            value = digest_header(challenge, who, method="POST", uri=call.target, cnonce=os.urandom(8).hex(), count=1)
            headers.append(("Authorization", value.encode("latin-1")))
        body = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        try:
            reply = post(self.endpoint, call.target, headers, body, limits=self._limits, deadline=self._deadline)
        except WireFault as fault:
            if fault.proved is not None:
                self.reached(fault.proved)
            rung = Rung.UNREACHABLE if fault.proved is Rung.UNREACHABLE else self.rung
            raise CameraFault(fault.reason, rung, f"{call.operation}: {fault.detail}") from fault
        self.reached(Rung.REACHABLE)
        return self._read(call, reply)

    def _read(self, call: "_Call", reply: HttpReply) -> tuple[Answer, SoapReply | None]:
        challenges = tuple(parse_challenges(reply.challenges))
        try:
            soap = read_soap(reply.body, service=call.service, charset=reply.charset)
        except NotSoap as error:
            if reply.status == 401:
                self.reached(Rung.ANSWERING)
            text = reply.body[:_TEXT_LENGTH].decode("utf-8", "replace")
            return Answer(reply.status, challenges, text=text, not_soap=str(error)), None
        self.reached(Rung.ANSWERING)
        return Answer(reply.status, challenges, soap.fault), soap

    def _refusal(self, verdict: Verdict) -> CameraFault:
        reason, detail, outcome = _REFUSALS[verdict]
        return CameraFault(reason, Rung.ANSWERING, detail, auth=outcome)

    def _reply_for_zeep(self, call: "_Call", answer: Answer, soap: SoapReply | None) -> ZeepReply:
        if soap is None:
            raise Unanswered(f"{call.operation}: HTTP status {answer.status}, {answer.not_soap}")
        if soap.fault is not None:
            raise Declined(f"{call.operation}: {self._printable(soap.fault)}")
        if soap.element != f"{call.operation}Response":
            raise Unanswered(f"{call.operation}: the device answered something else")
        self.delivered += 1
        return ZeepReply(soap.document)

    def _printable(self, fault: SoapFault) -> str:
        """A fault in words for a log, on one line and without credentials, which devices may echo."""
        who = self._credentials
        text = " ".join(f"{'/'.join(fault.codes)} {fault.reason}".split())
        if who is not None and any(secret and secret in text for secret in (who.username, who.password)):
            return "a fault that repeats the credentials"
        return redact("".join(letter for letter in text if letter.isprintable()))[:200]


@dataclass(frozen=True, slots=True)
class _Call:
    """One request as zeep made it."""

    target: str
    envelope: etree._Element
    headers: Mapping[str, str]

    @property
    def operation(self) -> str:
        return str(etree.QName(self._content()).localname)

    @property
    def service(self) -> str:
        return str(etree.QName(self._content()).namespace)

    def _content(self) -> etree._Element:
        return self.envelope.find(_SOAP_BODY)[0]


_TEXT_LENGTH = 4096
_WANTED = {Verdict.WANTS_DIGEST: Signature.DIGEST, Verdict.WANTS_WSSE: Signature.WSSE}
_REFUSALS = {
    Verdict.REFUSED: (Reason.AUTH_FAILED, "the device refused the credentials", AuthOutcome.REFUSED),
    Verdict.LOCKED_OUT: (Reason.AUTH_LOCKED_OUT, "the device says it is locked", AuthOutcome.LOCKED_OUT),
    Verdict.WANTS_UNKNOWN: (
        Reason.AUTH_ALGORITHM_UNSUPPORTED,
        "the device wants HTTP Digest by an algorithm other than MD5 and SHA-256",
        None,
    ),
    Verdict.STALE: (Reason.ONVIF_FAILED, "the device calls each nonce of its own stale", None),
}
