"""The talk with one device: each call signed as the device wants it, each reply judged, the highest rung remembered.

This is what zeep knows as a transport. It decides nothing by itself: ``negotiation`` judges, ``transport`` sends.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NoReturn
from urllib.parse import urlsplit

from lxml import etree  # type: ignore[import-untyped]  # lxml has no stubs of its own

from services.contracts.camera import Credentials
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.onvif.account import Account
from services.ingest.onvif.answers import READ
from services.ingest.onvif.call import Call, ZeepReply
from services.ingest.onvif.clock import http_date, offset_s
from services.ingest.onvif.memory import HostNotes
from services.ingest.onvif.negotiation import REFUSALS, WANTED, Answer, Signature, Verdict, answerable, judge
from services.ingest.onvif.redirects import REDIRECTS, moved_to
from services.ingest.onvif.soap import NotSoap, SoapFault, SoapReply, read_soap
from services.ingest.onvif.transport import Deadline, Dropped, Endpoint, HttpLimits, HttpReply, Line, WireFault
from services.ingest.rtsp.auth import Challenge, parse_challenges
from services.runtime.clock import Clock
from services.runtime.logs import redact

_TEXT_LENGTH = 4096
#: WS-Security is judged to the second: devices take a message that is a few old.
_CLOCK_MOVED_S = 2.0


class Unanswered(Exception):
    """The device did not give what was asked for, but it may give it another way. ``detail`` is fit for logs."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(detail)


class Declined(Unanswered):
    """The device answered with a SOAP fault, which has nothing to do with our right to ask."""


class SignInWanted(Exception):
    """The device wants credentials for a call that is made without."""


class Conversation:
    """One device, one visit, one thread. ``notes`` are what earlier visits learned, and learn from this one.

    ``certificate``: the SHA-256 that must be shown inside TLS. ``signs_again``: see ``Account``. ``baton``: see ``Line``.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Credentials | None,
        *,
        limits: HttpLimits,
        deadline: Deadline,
        clock: Clock,
        notes: HostNotes | None = None,
        certificate: str | None = None,
        signs_again: bool = True,
        baton: "threading.Lock | None" = None,
    ) -> None:
        self.endpoint = endpoint
        self._notes = notes or HostNotes()
        #: Ours at this device.
        self.account = Account(credentials, self._notes, signs_again=signs_again)
        #: Device time minus ours, in seconds; None while unknown.
        self.clock_offset_s: float | None = None
        #: Reads the clock anew; called when WS-Security was refused. Set by whoever asks the questions.
        self.reread_clock: Callable[[], None] | None = None
        #: How far up the ladder the device was proved to work.
        self.rung = Rung.UNREACHABLE
        #: While True, no request carries credentials.
        self.anonymous = True
        #: How many replies zeep was given to read.
        self.delivered = 0
        self.clock = clock
        self.deadline = deadline
        self._limits = limits
        self._date_offset_s: float | None = None
        self._modest = self._was_silent = False
        self._paths: dict[str, str] = {}
        self._line = Line(
            self._notes.moved or endpoint,
            deadline,
            certificate=certificate,
            legacy=self._notes.legacy_tls,
            baton=baton,
        )

    @property
    def certificate(self) -> str | None:
        """SHA-256 of the certificate that the device showed; None outside TLS."""
        return self._line.certificate if self._line.endpoint.tls else None

    def close(self) -> None:
        """End the connection."""
        self._notes.legacy_tls = self._line.legacy
        self._line.close()

    def reached(self, rung: Rung) -> None:
        """Note that the device was proved to work up to this rung."""
        if rung.height > self.rung.height:
            self.rung = rung

    @contextlib.contextmanager
    def modestly(self, within_s: float) -> Iterator[None]:
        """While inside, what is asked for is not needed: credentials are shown only if they were accepted before, and
        no refusal, silence or nonsense is more than an Unanswered. After a silence nothing more is asked this way."""
        before = self._limits, self._modest
        self._limits, self._modest = self._limits.within(within_s), True
        try:
            yield
        finally:
            self._limits, self._modest = before

    def post_xml(self, address: str, envelope: etree._Element, headers: Mapping[str, str]) -> ZeepReply:
        """Called by zeep: carry a request to the device. Only path and query of ``address`` count.

        Raises CameraFault, Unanswered, or SignInWanted while ``anonymous``.
        """
        target = urlsplit(address)._replace(scheme="", netloc="", fragment="").geturl() or "/"
        call = Call(target, envelope, headers)
        if self._modest and self._was_silent:
            raise Unanswered(f"{call.operation}: not asked after a silence")
        try:
            return self._carry(call)
        except WireFault as fault:
            if fault.proved is not None:
                self.reached(fault.proved)
            if self._modest and fault.reason is not Reason.CERTIFICATE_CHANGED:
                self._was_silent = True
                raise Unanswered(f"{call.operation}: {fault.detail}") from fault
            if self._line.endpoint == self._notes.moved:
                self._notes.moved = None  # perhaps it is back where it was
            rung = Rung.UNREACHABLE if fault.proved is Rung.UNREACHABLE else self.rung
            raise CameraFault(fault.reason, rung, f"{call.operation}: {fault.detail}") from fault

    def load(self, _url: str) -> NoReturn:
        """Called by zeep if a reply asked for another document."""
        raise Unanswered("the reply refers to another document")

    def _carry(self, call: Call) -> ZeepReply:
        """Make the call; again after a redirect, and after a connection that was closed meanwhile."""
        dropped = moved = False
        while True:
            try:
                return self._call(call)
            except Dropped:
                if dropped or (self.account.exposed and not self.account.may_sign_again()):
                    raise
                dropped = True
            except _Moved as to:
                if moved or (self.account.exposed and not self.account.may_sign_again()):
                    raise WireFault(Reason.REDIRECTED, "redirected again") from None
                moved = True
                self._move(to, call)

    def _call(self, call: Call) -> ZeepReply:
        account = self.account
        # A device with WS-Security gets a token in every message. HTTP Digest is asked for anew in every call, since
        # some devices bind a nonce to one URL or one request (IOTechSystems/onvif issue 41), and then a refusal of a
        # fresh nonce can only mean the credentials.
        signs = account.signature is Signature.WSSE and not self.anonymous and (account.accepted or not self._modest)
        sent: Signature = Signature.WSSE if signs else Signature.NONE
        answer, soap = self._exchange(call, sent, None)
        verdict = judge(answer, sent)
        wanted = verdict in WANTED
        if wanted:
            sent = self._agree(WANTED[verdict])
            answer, soap = self._exchange(call, sent, answerable(answer.challenges))
            verdict = judge(answer, sent)
        # RFC 7616 section 3.3: only the nonce is refused, so this is no attempt. A wrong time is none either.
        if (verdict is Verdict.STALE and account.may_sign_again()) or (
            verdict is Verdict.REFUSED and sent is Signature.WSSE and self._clock_was_wrong()
        ):
            answer, soap = self._exchange(call, sent, answerable(answer.challenges))
            verdict = judge(answer, sent)
        if verdict is not Verdict.GRANTED or (soap is not None and (soap.fault is None or wanted)):
            account.note(verdict, sent)
        if verdict is Verdict.REFUSED and self._modest:
            raise Declined(f"{call.operation}: not for this account")
        if verdict is not Verdict.GRANTED:
            reason, detail, outcome = REFUSALS[verdict]
            raise CameraFault(reason, Rung.ANSWERING, detail, auth=outcome)
        return self._reply_for_zeep(call, answer, soap)

    def _agree(self, signature: Signature) -> Signature:
        """Sign from now on, if we may and can."""
        if self.anonymous:
            raise SignInWanted
        if self._modest and not self.account.accepted:
            raise Unanswered("it wants credentials, and none were accepted yet")
        return self.account.agree(signature)

    def _clock_was_wrong(self) -> bool:
        """Whether the refused message was signed with a time that is not the device's: then it said nothing about the
        password (quirk 1: home-assistant/core issue 121952, lumeohq/onvif-rs issue 79)."""
        if self.reread_clock is None or not self.account.may_sign_again():
            return False
        signed_with = self._signing_offset_s
        anonymous, self.anonymous = self.anonymous, True
        try:
            self.reread_clock()
        except (Unanswered, SignInWanted):
            pass
        except CameraFault as fault:
            if fault.auth is not None:
                raise
        finally:
            self.anonymous = anonymous
        return abs(self._signing_offset_s - signed_with) > _CLOCK_MOVED_S

    @property
    def _signing_offset_s(self) -> float:
        """Device time minus ours: as the device told it, else as its HTTP server dates its replies."""
        told = self.clock_offset_s if self.clock_offset_s is not None else self._date_offset_s
        return told or 0.0

    def _exchange(self, call: Call, sent: Signature, challenge: Challenge | None) -> tuple[Answer, SoapReply | None]:
        """Send the call once and read what comes back."""
        headers = [(name, value.encode("ascii")) for name, value in call.headers.items()]
        envelope, target = call.envelope, self._paths.get(call.target, call.target)
        if sent is Signature.WSSE:
            envelope = self.account.token(envelope, self.clock.now() + timedelta(seconds=self._signing_offset_s))
        elif sent is Signature.DIGEST and challenge is not None:
            headers.append(("Authorization", self.account.digest(challenge, target)))
        body = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        asked = self.clock.now()
        reply = self._line.post(target, headers, body, self._limits)
        self.reached(Rung.REACHABLE)
        if reply.status in REDIRECTS:
            to = moved_to(self._line.endpoint, reply.location)
            raise _Moved(*to) if to else WireFault(Reason.REDIRECTED, f"HTTP status {reply.status}, a redirect")
        if self.clock_offset_s is None:
            self._read_date(reply.date, asked)
        return self._read(call, reply)

    def _read(self, call: Call, reply: HttpReply) -> tuple[Answer, SoapReply | None]:
        challenges = tuple(parse_challenges(reply.challenges))
        try:
            soap = read_soap(reply.body, service=call.service, charset=reply.charset, read=READ)
        except NotSoap as error:
            if reply.status == 401:
                self.reached(Rung.ANSWERING)
            text = reply.body[:_TEXT_LENGTH].decode("utf-8", "replace")
            return Answer(reply.status, challenges, text=text, not_soap=str(error)), None
        self.reached(Rung.ANSWERING)
        return Answer(reply.status, challenges, soap.fault), soap

    def _read_date(self, date: str | None, asked: datetime) -> None:
        told = http_date(date)
        if told is not None:
            self._date_offset_s = offset_s(told, asked, self.clock.now())

    def _move(self, to: "_Moved", call: Call) -> None:
        """Talk to where the device sent us, which is the device itself, from now on and at later visits."""
        self._line = self._line.again_at(to.endpoint)
        self._paths[call.target] = to.target or call.target
        if to.endpoint.tls:
            self._notes.moved = to.endpoint

    def _reply_for_zeep(self, call: Call, answer: Answer, soap: SoapReply | None) -> ZeepReply:
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
        text = " ".join(f"{'/'.join(fault.codes)} {fault.reason}".split())
        if self.account.stands_in(text):
            return "a fault that repeats the credentials"
        return redact("".join(letter for letter in text if letter.isprintable()))[:200]


class _Moved(Exception):
    """The device sends us to another door of its own."""

    def __init__(self, endpoint: Endpoint, target: str | None) -> None:
        self.endpoint = endpoint
        self.target = target
        super().__init__(endpoint)
