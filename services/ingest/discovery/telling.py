"""What is told of a host after it was asked. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from services.contracts.camera import Channel, DeviceStream, Interrogation
from services.contracts.discovery import Found, FoundChannel, FoundStream
from services.contracts.ladder import Reason, Rung, deciding_first
from services.ingest.discovery.candidate import Candidate, OnvifDoor
from services.ingest.discovery.host_budget import HostBudget
from services.ingest.discovery.rtsp_look import PathProof, RtspFinding
from services.ingest.faults import CameraFault
from services.ingest.rtsp.outcomes import higher

_CLOCK_SKEW_S = 5.0
_NAMED_MAX = 8


@dataclass(frozen=True, slots=True)
class OnvifAnswer:
    """What came of asking by ONVIF: the interrogation, or why there is none."""

    door: OnvifDoor
    told: Interrogation | None = None
    fault: CameraFault | None = None

    @property
    def is_onvif(self) -> bool:
        """Whether ONVIF is spoken there at all."""
        return self.told is not None or (self.fault is not None and self.fault.rung.height >= Rung.ANSWERING.height)


@dataclass(frozen=True, slots=True)
class Telling:
    """One host, after it was asked. ``mac`` is what is known of it without ONVIF."""

    candidate: Candidate
    budget: HostBudget
    now: datetime
    mac: str | None

    def described(self, answer: OnvifAnswer, told: Interrogation, channels: Sequence[FoundChannel]) -> Found:
        """A device that told by ONVIF what it is; ``channels`` with what was proved of their streams."""
        candidate, device = self.candidate, told.device
        streams = [*told.streams, *(stream for channel in told.channels for stream in channel.streams)]
        hosts = [host for host in map(_host_of, streams) if host is not None and host != candidate.address]
        reasons = _reasons_of(channels)
        if device.clock_offset_s is not None and abs(device.clock_offset_s) > _CLOCK_SKEW_S:
            reasons.append(Reason.CLOCK_SKEW)
        if hosts:
            reasons.append(Reason.ADDRESS_REWRITTEN)
        return self._base().model_copy(
            update={
                "port": answer.door.port,
                "protocol": "onvif",
                "tls": answer.door.tls,
                "service_path": answer.door.path,
                "certificate": device.certificate,
                "named_addresses": tuple(dict.fromkeys((*candidate.named_addresses, *hosts)))[:_NAMED_MAX],
                "endpoint": device.endpoint or candidate.endpoint,
                "manufacturer": device.maker,
                "model": device.model or candidate.hardware,
                "firmware": device.firmware,
                "serial": device.serial,
                "mac": device.mac or self.mac,
                "name": device.name or candidate.name,
                "auth_mode": device.auth_mode,
                "clock_offset_s": device.clock_offset_s,
                "services": device.services,
                "channels": tuple(channels),
                "rung": _highest((channel.rung or Rung.AUTHORIZED for channel in channels), Rung.AUTHORIZED),
                "reasons": deciding_first(reasons),
            }
        )

    def streaming(self, by_rtsp: RtspFinding) -> Found:
        """A device that speaks RTSP, with its streams or the reason why none is had."""
        reasons = [by_rtsp.reason] if by_rtsp.reason is not None else []
        return self._base().model_copy(
            update={
                "port": by_rtsp.port,
                "protocol": "rtsp",
                "channels": tuple(by_rtsp.channels),
                "rung": by_rtsp.rung,
                "reasons": deciding_first(reasons),
            }
        )

    def refusing(self, by_onvif: OnvifAnswer, by_rtsp: RtspFinding | None) -> Found:
        """A device that speaks ONVIF and does not let us in, or does not do what we ask."""
        fault = by_onvif.fault
        assert fault is not None  # noqa: S101 - or it would have told us everything
        reason = fault.reason
        if reason is Reason.CREDENTIALS_MISSING or fault.auth is not None:
            reason = self.budget.obstacle(self.now) or reason  # RTSP may have said more, such as a lock-out
        return self._base().model_copy(
            update={
                "port": by_onvif.door.port,
                "protocol": "onvif",
                "tls": by_onvif.door.tls,
                "service_path": by_onvif.door.path,
                "rung": higher(fault.rung, by_rtsp.rung) if by_rtsp is not None else fault.rung,
                "reasons": (reason,),
            }
        )

    def unknown(self, by_onvif: OnvifAnswer | None, by_rtsp: RtspFinding | None) -> Found:
        """A host that answered a probe, or that somebody named, and is not understood any further."""
        fault = by_onvif.fault if by_onvif is not None else None
        rungs = [one.rung for one in (fault, by_rtsp) if one is not None]
        reason = (fault.reason if fault is not None else None) or (by_rtsp.reason if by_rtsp is not None else None)
        if by_rtsp is not None and (fault is None or by_rtsp.rung.height > fault.rung.height):
            reason = by_rtsp.reason
        return self._base().model_copy(
            update={
                "rung": _highest(rungs, Rung.UNREACHABLE),
                "reasons": (reason or (Reason.ONVIF_FAILED if self.candidate.answered_probe else Reason.REFUSED),),
            }
        )

    def _base(self) -> Found:
        """What is known without asking."""
        candidate = self.candidate
        ports = [door.port for door in candidate.onvif] + list(candidate.rtsp_ports)
        return Found(
            address=candidate.address,
            port=candidate.named_port or next(iter(ports), 80),
            seen_by=candidate.seen_by,
            named_addresses=candidate.named_addresses,
            endpoint=candidate.endpoint,
            model=candidate.hardware,
            mac=self.mac,
            name=candidate.name,
            credential=self.budget.accepted,
            refusals=self.budget.refusals,
        )


def found_channel(channel: Channel, told: Interrogation) -> FoundChannel:
    """The channel with its streams. A device with one channel has them beside it, if not in it."""
    streams = channel.streams or (told.streams if len(told.channels) == 1 else ())
    return FoundChannel(
        key=channel.profile,
        name=channel.name,
        profiles=channel.profiles or (channel.profile,),
        streams=tuple(FoundStream.of(stream) for stream in streams),
        snapshot_path=channel.snapshot_path,
    )


def main_stream(channel: FoundChannel) -> FoundStream:
    """The stream that the channel is judged by. It has one."""
    return next((stream for stream in channel.streams if stream.role == "main"), channel.streams[0])


def with_proof(channel: FoundChannel, port: int, used: int, proof: PathProof) -> FoundChannel:
    """The channel with what was proved. The codec in a description is believed before what ONVIF says (quirk 29)."""
    main = main_stream(channel)
    streams = tuple(
        stream.model_copy(
            update={
                "port": used if stream.port == port else stream.port,
                "codec": (proof.codec or stream.codec) if stream == main else stream.codec,
            }
        )
        for stream in channel.streams
    )
    reasons = (proof.reason,) if proof.reason is not None else ()
    rung = higher(proof.rung, Rung.AUTHORIZED)  # ONVIF let us in
    return channel.model_copy(update={"streams": streams, "rung": rung, "reasons": reasons})


def _reasons_of(channels: Sequence[FoundChannel]) -> list[Reason]:
    """Why the device was not understood further: nothing once any of its channels was described."""
    if any(channel.rung is Rung.DESCRIBED and not channel.reasons for channel in channels):
        return []
    return list(dict.fromkeys(reason for channel in channels for reason in channel.reasons))


def _highest(rungs: Iterable[Rung], floor: Rung) -> Rung:
    return max((*rungs, floor), key=lambda rung: rung.height)


def _host_of(stream: DeviceStream) -> str | None:
    """The host that the device named for a stream, in the form in which addresses are compared."""
    try:
        host = urlsplit(stream.original_uri).hostname or ""
    except ValueError:
        return None
    try:
        return str(ip_address(host))
    except ValueError:
        return host or None
