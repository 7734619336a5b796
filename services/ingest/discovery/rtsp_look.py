"""Whether a host has streams at RTSP, and under which paths, without being fooled.

A path that nobody can have is asked for first. A host that does not know it (404) tells by 200 or 401 which paths it
has. One that answers 401 to anything proves a path only by a signed 200. One that has a stream there too does not look
at paths: it has one stream.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.contracts.camera import AuthOutcome, Credentials
from services.contracts.discovery import FoundChannel, FoundStream
from services.contracts.ladder import Reason, Rung
from services.ingest.discovery.describing import Describing, LookLimits, SignedDescribing
from services.ingest.discovery.host_budget import HostBudget
from services.ingest.discovery.rtsp_paths import CHANNELS_MAX, Family, choose
from services.ingest.faults import CameraFault
from services.ingest.rtsp import sdp
from services.ingest.rtsp.auth import parse_challenges
from services.ingest.rtsp.errors import RtspProtocolError
from services.ingest.rtsp.messages import Response
from services.ingest.rtsp.outcomes import higher, reply_fault
from services.runtime.clock import Clock

#: A channel beyond any recorder's: where it has a stream too, the number of the channel is not looked at.
_NO_CHANNEL = 97
#: A recorder's input may be empty. So many in a row are, and the next are not looked at.
_EMPTY_CHANNELS_MAX = 2


@dataclass(frozen=True, slots=True)
class PathProof:
    """What a host said of one path. ``exists``: it knows the path, even if it does not show it to us."""

    rung: Rung
    reason: Reason | None = None
    codec: str | None = None
    exists: bool = False


@dataclass(slots=True)
class RtspFinding:
    """What was found at one port."""

    port: int
    rung: Rung = Rung.UNREACHABLE
    #: Why not further; None when a stream was described.
    reason: Reason | None = None
    channels: list[FoundChannel] = field(default_factory=list)
    #: The Server header and the realm of the challenge.
    hints: str = ""

    @property
    def answers(self) -> bool:
        """Whether RTSP is spoken there."""
        return self.rung.height >= Rung.ANSWERING.height


class RtspLook:
    """Looks at hosts with the sets of credentials of one order."""

    def __init__(self, sets: Sequence[Credentials], clock: Clock, limits: LookLimits | None = None) -> None:
        self._sets = sets
        self._clock = clock
        self._limits = limits or LookLimits()

    async def find(self, address: str, port: int, budget: HostBudget, hints: str = "") -> RtspFinding:
        """Look for streams by the paths of brands. Never raises for what a host does."""
        finding = RtspFinding(port)
        async with Describing(address, port, self._limits) as line:
            door = _Door(line, self._sets, budget, self._clock)
            try:
                async with asyncio.timeout(self._limits.host_s):
                    await _Search(door, finding, hints).run()
            except CameraFault as fault:
                finding.rung = higher(finding.rung, fault.rung)
                if not finding.channels:
                    finding.reason = fault.reason
            except TimeoutError:
                finding.rung = higher(finding.rung, line.rung)
                if not finding.channels:
                    finding.reason = Reason.TIMEOUT
        return finding

    async def verify(self, address: str, port: int, paths: Sequence[str], budget: HostBudget) -> dict[str, PathProof]:
        """Describe paths that a device named. Paths that the time did not suffice for are left out.

        Raises CameraFault when nothing can be connected to at the port.
        """
        proofs: dict[str, PathProof] = {}
        silent = 0
        async with Describing(address, port, self._limits) as line:
            door = _Door(line, self._sets, budget, self._clock)
            try:
                async with asyncio.timeout(self._limits.host_s):
                    for path in paths:
                        try:
                            proofs[path] = await door.prove(path)
                        except CameraFault as fault:
                            if fault.rung is Rung.UNREACHABLE:
                                raise
                            proofs[path] = PathProof(fault.rung, fault.reason)
                            silent += fault.reason is Reason.TIMEOUT
                        if silent > 1:  # two channels that do not answer: the others will not either
                            break
            except TimeoutError:
                pass
        return proofs


class _Door:
    """One port of one host: paths with and without our credentials, within the budget of the host."""

    def __init__(self, line: Describing, sets: Sequence[Credentials], budget: HostBudget, clock: Clock) -> None:
        self.line = line
        self._sets = sets
        self._budget = budget
        self._clock = clock
        self._tried: set[int] = set()
        self._signed: tuple[int, SignedDescribing] | None = None

    async def prove(self, path: str, *, challenged: Response | None = None) -> PathProof:
        """Describe a path, signed if the host wants it. Raises CameraFault when no answer comes."""
        if challenged is None and self._signed is None:
            answer = await self.line.describe(path)
            if answer.status != 401:
                return _proof(answer, signed=False)
            challenged = answer
        return await self._prove_signed(path, challenged)

    async def _prove_signed(self, path: str, challenged: Response | None) -> PathProof:
        """One set after another, until one is accepted or the budget is spent."""
        if challenged is not None:
            locked = reply_fault(challenged, Rung.ANSWERING, answered=False, has_credentials=False)
            if locked.reason is Reason.AUTH_LOCKED_OUT:
                self._budget.note_locked_out()
        while True:
            now = self._clock.now()
            if self._signed is None:
                one = self._budget.next_set(now, self._tried)
                if one is None:
                    reason = self._budget.obstacle(now) or Reason.AUTH_FAILED
                    return PathProof(Rung.ANSWERING, reason, exists=True)
                self._signed = one, SignedDescribing(self.line, self._sets[one])
            one, signed = self._signed
            if self._budget.next_set(now) is None:
                return PathProof(Rung.ANSWERING, self._budget.obstacle(now) or Reason.AUTH_FAILED, exists=True)
            answer, judged = await signed.describe(path, challenged)
            challenged = None
            if judged and answer.status in {401, 403}:
                fault = reply_fault(answer, Rung.ANSWERING, answered=True, has_credentials=True)
                self._budget.note(one, fault.auth or AuthOutcome.REFUSED)
                # What was refused once is refused for the next sixty paths too.
                self._tried.add(one)
                self._signed = None
                continue
            if judged and answer.status in {200, 404}:
                self._budget.note(one, AuthOutcome.ACCEPTED)
            return _proof(answer, signed=judged)


def _proof(answer: Response, *, signed: bool) -> PathProof:
    """What an answer other than a refusal of our credentials says of its path."""
    if 300 <= answer.status < 400:
        return PathProof(Rung.ANSWERING, Reason.REDIRECTED)
    if answer.status >= 400:
        fault = reply_fault(answer, Rung.ANSWERING, answered=signed, has_credentials=False)
        rung = Rung.AUTHORIZED if signed else Rung.ANSWERING
        return PathProof(rung, fault.reason, exists=fault.reason is Reason.SESSION_LIMIT)
    try:
        described = sdp.parse(answer.body)
    except RtspProtocolError:
        return PathProof(Rung.AUTHORIZED, Reason.PROTOCOL_ERROR)
    if described.video is None:
        return PathProof(Rung.AUTHORIZED, Reason.NO_VIDEO)
    if described.video.codec is None:
        return PathProof(Rung.DESCRIBED, Reason.CODEC_UNSUPPORTED, exists=True)
    return PathProof(Rung.DESCRIBED, codec=described.video.codec, exists=True)


class _Search:
    """The look at one port of a host of which nothing is known."""

    def __init__(self, door: _Door, finding: RtspFinding, hints: str) -> None:
        self._door = door
        self._finding = finding
        self._hints = hints

    async def run(self) -> None:
        finding = self._finding
        nowhere = f"/{secrets.token_hex(8)}"
        answer = await self._door.line.describe(nowhere)
        finding.rung = Rung.ANSWERING
        finding.hints = _told(answer)
        if answer.status == 401:
            proof = await self._door.prove(nowhere, challenged=answer)
            if proof.rung is Rung.ANSWERING:  # not let in, so that no path can be proved
                finding.reason = proof.reason
                return
        else:
            proof = _proof(answer, signed=False)
        finding.rung = higher(finding.rung, proof.rung)
        if proof.rung is Rung.DESCRIBED:  # a stream where none can be: paths are not looked at here
            root = await self._door.prove("/")
            shown = ("/", root) if root.rung is Rung.DESCRIBED else (nowhere, proof)
            self._keep(_channel("Stream", [_stream("main", finding.port, *shown)], shown[1]), shown[1])
            return
        if proof.reason in {Reason.REDIRECTED, Reason.SESSION_LIMIT, Reason.CREDENTIALS_MISSING, Reason.NO_VIDEO}:
            finding.reason = proof.reason
            return
        if proof.reason is Reason.AUTH_LOCKED_OUT:
            finding.reason = proof.reason
            return
        await self._by_families()

    async def _by_families(self) -> None:
        noted: Reason | None = None
        for family in choose(f"{self._hints} {self._finding.hints}"):
            proof = await self._door.prove(family.main_path(1))
            self._finding.rung = higher(self._finding.rung, proof.rung)
            if proof.exists:
                await self._channels(family, proof)
                return
            if proof.reason is not Reason.NOT_FOUND and proof.reason is not Reason.PROTOCOL_ERROR:
                noted = noted or proof.reason
        self._finding.reason = noted or Reason.NOT_FOUND

    async def _channels(self, family: Family, first: PathProof) -> None:
        """The first channel, which is there, and those of a recorder behind it."""
        await self._channel(family, 1, first)
        if not family.has_channels or first.reason is Reason.SESSION_LIMIT:
            return
        if (await self._door.prove(family.main_path(_NO_CHANNEL))).exists:
            return
        empty = 0
        for number in range(2, CHANNELS_MAX + 1):
            proof = await self._door.prove(family.main_path(number))
            if proof.exists:
                empty = 0
                await self._channel(family, number, proof)
            else:
                empty += 1
            if empty > _EMPTY_CHANNELS_MAX or proof.reason in {Reason.SESSION_LIMIT, Reason.AUTH_LOCKED_OUT}:
                return

    async def _channel(self, family: Family, number: int, main: PathProof) -> None:
        port = self._finding.port
        streams = [_stream("main", port, family.main_path(number), main)]
        path = family.sub_path(number)
        channel = _channel(f"CH{number}", streams, main)
        if path is not None and main.reason is not Reason.SESSION_LIMIT:
            try:
                sub = await self._door.prove(path)
            except (CameraFault, TimeoutError):
                self._keep(channel, main)
                raise
            if sub.exists:
                channel = _channel(f"CH{number}", [*streams, _stream("sub", port, path, sub)], main)
        self._keep(channel, main)

    def _keep(self, channel: FoundChannel, proof: PathProof) -> None:
        finding = self._finding
        finding.channels.append(channel)
        finding.rung = higher(finding.rung, proof.rung)
        best = any(one.rung is Rung.DESCRIBED and not one.reasons for one in finding.channels)
        finding.reason = None if best else finding.reason or proof.reason


def _stream(role: str, port: int, path: str, proof: PathProof) -> FoundStream:
    return FoundStream.model_validate({"role": role, "port": port, "path": path, "codec": proof.codec})


def _channel(name: str, streams: Sequence[FoundStream], proof: PathProof) -> FoundChannel:
    reasons = (proof.reason,) if proof.reason is not None else ()
    return FoundChannel(key=streams[0].path, name=name, streams=tuple(streams), rung=proof.rung, reasons=reasons)


def _told(answer: Response) -> str:
    """What an answer tells of the maker."""
    realms = (one.params.get("realm", "") for one in parse_challenges(answer.headers.all("WWW-Authenticate")))
    return " ".join(dict.fromkeys([answer.headers.get("Server") or "", *realms]))[:200]
