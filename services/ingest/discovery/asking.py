"""One host: what is it, which streams has it, and does it show them? ONVIF first, then RTSP, within one budget of sign-ins."""

from collections.abc import Callable, Sequence

from services.contracts.camera import AuthOutcome, Credentials, Interrogation, OnvifSource
from services.contracts.discovery import Found, FoundChannel
from services.contracts.ladder import Reason, Rung
from services.ingest.discovery import neighbours, telling
from services.ingest.discovery.candidate import Candidate, OnvifDoor
from services.ingest.discovery.host_budget import HostBudget
from services.ingest.discovery.rtsp_look import PathProof, RtspFinding, RtspLook
from services.ingest.discovery.telling import OnvifAnswer, Telling, main_stream
from services.ingest.faults import CameraFault
from services.ingest.ports import OnvifGateway
from services.runtime.clock import Clock

_RTSP_PORT = 554
#: Doors that do not answer in time: each costs seconds, and after so many the others will not answer either.
_SILENT_DOORS_MAX = 2


class Asking:
    """Asks hosts with the sets of credentials of one order."""

    def __init__(
        self,
        onvif: OnvifGateway,
        look: RtspLook,
        sets: Sequence[Credentials],
        clock: Clock,
        mac_of: Callable[[str], str | None] = neighbours.mac_of,
    ) -> None:
        self._onvif = onvif
        self._look = look
        self._sets = sets
        self._clock = clock
        self._mac_of = mac_of

    async def ask(self, candidate: Candidate, budget: HostBudget) -> Found | None:
        """What the host is; None when it is no device: it answers neither probes nor ONVIF nor RTSP, and nobody named
        it. OSError means that this machine has no sockets left."""
        by_onvif = await self._by_onvif(candidate, budget)
        if by_onvif is not None and by_onvif.told is not None:
            channels = await self._verified(candidate, by_onvif.told, budget)
            return self._telling(candidate, budget).described(by_onvif, by_onvif.told, channels)
        # A separate user for ONVIF, or ONVIF broken: its streams may be had all the same (quirk 11).
        by_rtsp = await self._by_rtsp(candidate, budget)
        telling = self._telling(candidate, budget)
        if by_rtsp is not None and by_rtsp.channels:
            return telling.streaming(by_rtsp)
        if by_onvif is not None and by_onvif.is_onvif:
            return telling.refusing(by_onvif, by_rtsp)
        if by_rtsp is not None and by_rtsp.answers:
            return telling.streaming(by_rtsp)
        if candidate.answered_probe or candidate.named:
            return telling.unknown(by_onvif, by_rtsp)
        return None

    def _telling(self, candidate: Candidate, budget: HostBudget) -> Telling:
        return Telling(candidate, budget, self._clock.now(), candidate.mac or self._mac_of(candidate.address))

    # Asking

    async def _by_onvif(self, candidate: Candidate, budget: HostBudget) -> OnvifAnswer | None:
        """The answer of the first door that speaks ONVIF, otherwise of the one that came furthest."""
        best: OnvifAnswer | None = None
        silent = 0
        for door in candidate.onvif:
            answer = await self._at_door(candidate.address, door, budget)
            if answer.is_onvif:
                return answer
            fault = answer.fault
            if best is None or (fault and best.fault and fault.rung.height > best.fault.rung.height):
                best = answer
            if fault is not None and fault.reason is Reason.TIMEOUT:
                silent += 2 if fault.rung is Rung.REACHABLE else 1  # it took the connection and hangs
            if silent >= _SILENT_DOORS_MAX:
                break
        return best

    async def _at_door(self, address: str, door: OnvifDoor, budget: HostBudget) -> OnvifAnswer:
        """One set after another, until one is accepted or the budget is spent."""
        source = OnvifSource(address=address, port=door.port, path=door.path, tls=door.tls)
        tried: set[int] = set()
        while True:
            one = budget.next_set(self._clock.now(), tried)
            try:
                told = await self._onvif.interrogate(
                    source, None if one is None else self._sets[one], every_channel=True
                )
            except CameraFault as fault:
                if fault.auth in {AuthOutcome.REFUSED, AuthOutcome.LOCKED_OUT}:
                    if one is None:
                        budget.note_locked_out()
                    else:
                        budget.note(one, fault.auth)
                        tried.add(one)
                        if budget.next_set(self._clock.now(), tried) is not None:
                            continue
                if fault.reason is Reason.CREDENTIALS_MISSING:
                    reason = budget.obstacle(self._clock.now()) or fault.reason
                    fault = CameraFault(reason, fault.rung, fault.detail)
                return OnvifAnswer(door, fault=fault)
            if one is not None and told.device.auth_mode not in {None, "none"}:
                budget.note(one, AuthOutcome.ACCEPTED)
            return OnvifAnswer(door, told=told)

    async def _by_rtsp(self, candidate: Candidate, budget: HostBudget) -> RtspFinding | None:
        """The finding at the first port with streams, otherwise at the one that came furthest."""
        best: RtspFinding | None = None
        for port in candidate.rtsp_ports:
            finding = await self._look.find(candidate.address, port, budget, candidate.hints)
            if finding.channels:
                return finding
            if best is None or finding.rung.height > best.rung.height:
                best = finding
        return best

    async def _verified(self, candidate: Candidate, told: Interrogation, budget: HostBudget) -> list[FoundChannel]:
        """The channels with what a DESCRIBE of their main streams proved, and their RTSP port corrected."""
        channels = [telling.found_channel(channel, told) for channel in told.channels]
        verified: list[FoundChannel] = []
        for port in dict.fromkeys(main_stream(channel).port for channel in channels if channel.streams):
            at_port = [channel for channel in channels if channel.streams and main_stream(channel).port == port]
            paths = [main_stream(channel).path for channel in at_port]
            used, proofs, fault = await self._proofs(candidate, port, paths, budget)
            for channel in at_port:
                proof = proofs.get(main_stream(channel).path)
                if fault is not None:
                    proof = PathProof(Rung.AUTHORIZED, fault.reason)
                verified.append(
                    telling.with_proof(channel, port, used, proof or PathProof(Rung.AUTHORIZED, Reason.TIMEOUT))
                )
        keys = {channel.key: channel for channel in verified}
        without = {"rung": Rung.AUTHORIZED, "reasons": (Reason.NO_VIDEO,)}
        return [keys.get(channel.key) or channel.model_copy(update=without) for channel in channels]

    async def _proofs(
        self, candidate: Candidate, port: int, paths: Sequence[str], budget: HostBudget
    ) -> tuple[int, dict[str, PathProof], CameraFault | None]:
        """The port that answered, what it said of each path, and why nothing could be asked.

        Some devices name the port of their web server for a stream, or one that is not open (quirk 14; easy_onvif's
        workspace issue 39): then 554 is asked, and the ports that were found open.
        """
        ports = [port]
        if not candidate.shares_address:
            ports += [other for other in (_RTSP_PORT, *candidate.rtsp_ports) if other != port]
        failure: CameraFault | None = None
        for one in dict.fromkeys(ports):
            try:
                proofs = await self._look.verify(candidate.address, one, paths, budget)
            except CameraFault as fault:
                failure = failure or fault
                continue
            spoken = any(proof.rung.height >= Rung.ANSWERING.height for proof in proofs.values())
            if spoken or one == ports[-1]:
                return one if spoken else port, proofs, None
            failure = failure or _first_fault(proofs)
        return port, {}, failure or CameraFault(Reason.TIMEOUT, Rung.REACHABLE)


def _first_fault(proofs: dict[str, PathProof]) -> CameraFault | None:
    return next((CameraFault(one.reason, one.rung) for one in proofs.values() if one.reason is not None), None)
