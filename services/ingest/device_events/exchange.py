"""One request to one device, signed as it wants it, and what it answered.

Credentials come here only after the device accepted them elsewhere, so a refusal means that they changed: it is told
once, and nothing is asked again. A wrong clock and a nonce that was used up are no refusals, and are mended first.
"""

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import uuid4

from lxml import etree  # type: ignore[import-untyped]  # lxml has no stubs of its own

from services.contracts.camera import AuthOutcome, Credentials
from services.ingest.device_events import messages
from services.ingest.device_events.http import HostConnection, Reply
from services.ingest.device_events.messages import Operation
from services.ingest.device_events.pull_point import MESSAGES_MAX, Ask
from services.ingest.onvif import wsse
from services.ingest.onvif.clock import offset_s
from services.ingest.onvif.negotiation import Answer, Signature, Verdict, answerable, judge
from services.ingest.onvif.soap import NotSoap, SoapFault, read_body
from services.ingest.rtsp.auth import Challenge, digest_header, parse_challenges
from services.runtime.clock import Clock

AuthMode = Literal["none", "digest", "wsse"]

_TEXT_LENGTH = 4096
#: A device tells whole seconds: a clock that is off by no more is not what it refused.
_CLOCK_MOVED_S = 2.0
#: Nonces that are answered for one request: the first, and one more if that was stale (RFC 7616 section 3.3).
_NONCES_MAX = 2


class SignInRefused(Exception):
    """The device does not let us ask. ``outcome`` is what it said of credentials, None when there were none to judge."""

    def __init__(self, outcome: AuthOutcome | None) -> None:
        self.outcome = outcome
        super().__init__(outcome.value if outcome is not None else "wants credentials")


@dataclass(frozen=True, slots=True)
class SignInFacts:
    """How a device is signed in to, as its interrogation found out."""

    credentials: Credentials | None
    mode: AuthMode
    #: Device time minus ours, in seconds.
    clock_offset_s: float
    #: It wants "wsse:" before the names of a WS-Security header (IOTechSystems/onvif issue 28).
    prefixed: bool = False


@dataclass(frozen=True, slots=True)
class _Heard:
    answer: Answer
    content: etree._Element | None


class Exchange:
    """The talk with one device about its events."""

    def __init__(self, connection: HostConnection, device_path: str, facts: SignInFacts, clock: Clock) -> None:
        self._connection = connection
        self._device_path = device_path
        self._facts = facts
        self._offset_s = facts.clock_offset_s
        self._clock = clock
        #: Requests sent.
        self.requests = 0

    async def ask(self, ask: Ask) -> etree._Element | SoapFault | None:
        """What the device answered: the content of the body, a fault, or nothing that could be read (None).

        Raises SignInRefused, WireFault or Cut.
        """
        signature = self._signature()
        # What needs no right is asked without. So is what brings a challenge: a fresh nonce for each request, as some
        # devices bind one to a URL or a request (IOTechSystems/onvif issue 41), and a refusal of a former one could
        # mean either. It costs a second request in half a minute, where the other way may cost a second attempt.
        sent = Signature.WSSE if signature is Signature.WSSE and ask.operation.addressed else Signature.NONE
        heard = await self._send(ask, sent)
        verdict = judge(heard.answer, sent)
        if verdict is Verdict.WANTS_WSSE and signature is Signature.WSSE:
            sent = Signature.WSSE
            heard = await self._send(ask, sent)
            verdict = judge(heard.answer, sent)
        for _ in range(_NONCES_MAX):
            if signature is not Signature.DIGEST or verdict not in {Verdict.WANTS_DIGEST, Verdict.STALE}:
                break
            sent = Signature.DIGEST
            heard = await self._send(ask, sent, answerable(heard.answer.challenges))
            verdict = judge(heard.answer, sent)
        if verdict is Verdict.REFUSED and sent is Signature.WSSE and await self._clock_moved():
            # Devices forget the time when they lose power, and refuse what is signed by the right one
            # (home-assistant/core issues 121952, 91587).
            heard = await self._send(ask, sent)
            verdict = judge(heard.answer, sent)
        if verdict is not Verdict.GRANTED:
            raise _refusal(verdict)
        return heard.answer.fault if heard.answer.fault is not None else heard.content

    def _signature(self) -> Signature:
        if self._facts.credentials is None:
            return Signature.NONE
        return {"none": Signature.NONE, "digest": Signature.DIGEST, "wsse": Signature.WSSE}[self._facts.mode]

    async def _clock_moved(self) -> bool:
        """Read the device's clock, which needs no credentials; whether it is not where we thought."""
        asked = self._clock.now()
        heard = await self._send(Ask(Operation.GET_TIME, self._device_path), Signature.NONE)
        told = messages.system_time(heard.content) if heard.content is not None else None
        if told is None:
            return False
        before, self._offset_s = self._offset_s, offset_s(told, asked, self._clock.now())
        return abs(self._offset_s - before) > _CLOCK_MOVED_S

    async def _send(self, ask: Ask, signature: Signature, challenge: Challenge | None = None) -> _Heard:
        envelope = messages.request(
            ask.operation,
            message_id=f"urn:uuid:{uuid4()}",
            address=self._connection.url(ask.path),
            reference=ask.reference,
            termination=ask.termination,
            timeout_s=ask.timeout_s,
            limit=MESSAGES_MAX,
        )
        headers = [("Content-Type", f'application/soap+xml; charset=utf-8; action="{ask.operation.action}"'.encode())]
        who = self._facts.credentials
        if signature is Signature.WSSE and who is not None:
            envelope = wsse.signed(
                envelope,
                username=who.username,
                password=who.password,
                created=self._clock.now() + timedelta(seconds=self._offset_s),
                nonce=os.urandom(16),
                prefixed=self._facts.prefixed,
            )
        elif challenge is not None and who is not None:
            value = digest_header(challenge, who, method="POST", uri=ask.path, cnonce=os.urandom(8).hex(), count=1)
            headers.append(("Authorization", value.encode("latin-1")))
        body = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        self.requests += 1
        return _read(await self._connection.post(ask.path, headers, body, answer_within_s=ask.answer_within_s))


def _read(reply: Reply) -> _Heard:
    challenges = tuple(parse_challenges(reply.challenges))
    try:
        content, fault = read_body(reply.body, charset=reply.charset)
    except NotSoap as error:
        text = reply.body[:_TEXT_LENGTH].decode("utf-8", "replace")
        return _Heard(Answer(reply.status, challenges, text=text, not_soap=str(error)), None)
    return _Heard(Answer(reply.status, challenges, fault), content if fault is None else None)


def _refusal(verdict: Verdict) -> SignInRefused:
    if verdict is Verdict.REFUSED:
        return SignInRefused(AuthOutcome.REFUSED)
    if verdict is Verdict.LOCKED_OUT:
        return SignInRefused(AuthOutcome.LOCKED_OUT)
    # It wants credentials that nobody has seen accepted, or in another way than it accepted them.
    return SignInRefused(None)
