"""Which findings become devices and cameras, under which names, and which not and why. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from services.contracts.camera import Interrogation
from services.contracts.discovery import Found, FoundChannel, FoundStream
from services.contracts.errors import Fault
from services.contracts.ladder import Advice, Reason, Rung
from services.registry.errors import NotAmongFindings
from services.registry.identity import same_device
from services.registry.locator import NewCredentials
from services.registry.readable import readable

#: Of what the ladder has no word for.
_OTHER_ADVICE = {
    "registered_elsewhere": Advice(
        "Another facility has registered this camera in the same network. Remove it there, or give this site a reach of "
        "its own.",
        "Camera này đã được đăng ký ở cơ sở khác trong cùng vùng mạng. Hãy xóa ở cơ sở đó hoặc đặt vùng mạng riêng cho cơ sở này.",
    ),
    "seen_twice": Advice(
        "The same device was found at another address too, and is adopted from there. Adopt this one by its address if it "
        "is a device of its own.",
        "Thiết bị này cũng được tìm thấy ở một địa chỉ khác và đã được nhận từ địa chỉ đó. Nếu đây là thiết bị riêng, hãy "
        "nhận nó theo địa chỉ.",
    ),
}


@dataclass(frozen=True, slots=True)
class WantedChannel:
    """One channel as somebody wants it. None: as usual."""

    key: str
    name: str | None = None
    zone: str | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class WantedDevice:
    """One finding as somebody wants it. ``channels`` None: all that were proved."""

    address: str
    port: int
    name: str | None = None
    channels: Sequence[WantedChannel] | None = None
    credentials: NewCredentials | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Wish:
    """What to adopt. ``devices`` None: everything that can be."""

    devices: Sequence[WantedDevice] | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What does not become a camera. ``channel`` None: the whole device."""

    address: str
    port: int
    reason: str
    channel: str | None = None
    pointer: str = ""

    @property
    def advice(self) -> Advice:
        return _OTHER_ADVICE[self.reason] if self.reason in _OTHER_ADVICE else Reason(self.reason).advice


@dataclass(frozen=True, slots=True)
class Chosen:
    """A finding that becomes a device, with the channels that become cameras."""

    finding: Found
    channels: Sequence[tuple[FoundChannel, WantedChannel]]
    wanted: WantedDevice
    pointer: str = ""


def choose(found: Sequence[Found], wish: Wish) -> tuple[list[Chosen], list[LeftOut]]:
    """Raises NotAmongFindings, naming devices and channels that are not there."""
    return _everything(found) if wish.devices is None else _named(found, wish.devices)


def _everything(found: Sequence[Found]) -> tuple[list[Chosen], list[LeftOut]]:
    chosen: list[Chosen] = []
    left_out: list[LeftOut] = []
    by_address: dict[str, Found] = {}
    for finding in found:
        twins = (by_address[address] for address in finding.same_as if address in by_address)
        if any(same_device(finding, twin) for twin in twins):
            left_out.append(LeftOut(finding.address, finding.port, "seen_twice"))
            continue
        wanted = WantedDevice(finding.address, finding.port)
        channels, without = _proved(finding)
        left_out += without
        if channels:
            by_address[finding.address] = finding
            chosen.append(Chosen(finding, channels, wanted))
    return chosen, left_out


def _named(found: Sequence[Found], devices: Sequence[WantedDevice]) -> tuple[list[Chosen], list[LeftOut]]:
    chosen: list[Chosen] = []
    left_out: list[LeftOut] = []
    faults: list[Fault] = []
    there = {(finding.address, finding.port): finding for finding in found}
    for place, wanted in enumerate(devices):
        pointer = f"/devices/{place}"
        finding = there.pop((wanted.address, wanted.port), None)
        if finding is None:
            detail = f"{wanted.address} port {wanted.port} was not found by this search, or is named twice"
            faults.append(Fault(f"{pointer}/address", detail))
            continue
        if wanted.channels is None or not finding.channels:
            channels, without = _proved(finding)
            left_out += [LeftOut(one.address, one.port, one.reason, one.channel, pointer) for one in without]
        else:
            channels = []
            listed = {channel.key: channel for channel in finding.channels}
            for number, one in enumerate(wanted.channels):
                channel = listed.pop(one.key, None)
                if channel is None:
                    detail = "is not a channel of this device, or is named twice"
                    faults.append(Fault(f"{pointer}/channels/{number}/key", detail))
                else:
                    channels.append((channel, one))
        if channels:
            chosen.append(Chosen(finding, channels, wanted, pointer))
    if faults:
        raise NotAmongFindings(faults)
    return chosen, left_out


def _proved(finding: Found) -> tuple[list[tuple[FoundChannel, WantedChannel]], list[LeftOut]]:
    """The channels that are worth a camera, and why the others are not."""
    if not finding.channels:
        return [], [LeftOut(finding.address, finding.port, why_not(finding))]
    channels, left_out = [], []
    for channel in finding.channels:
        deciding = [reason for reason in channel.reasons if reason.deciding]
        if channel.rung is not None and channel.rung.height < Rung.DESCRIBED.height and deciding:
            left_out.append(LeftOut(finding.address, finding.port, deciding[0], channel.key))
        else:
            channels.append((channel, WantedChannel(channel.key)))
    return channels, left_out


def why_not(finding: Found) -> str:
    """Why nothing of a finding can become a camera."""
    if finding.reasons:
        return finding.reasons[0]
    return Reason.ONVIF_FAILED if finding.protocol == "onvif" else Reason.NOT_FOUND


def name_of(chosen: Chosen, channel: FoundChannel, wanted: WantedChannel) -> str:
    """What a camera is called when nobody has another of that name: by wish, channel, device, or address."""
    finding = chosen.finding
    own = readable(wanted.name) or readable(channel.name)
    device = readable(chosen.wanted.name)
    if wanted.name is None and device is not None:
        own = device if len(finding.channels) == 1 or own is None else f"{device} {own}"
    model = " ".join(part for part in (finding.manufacturer, finding.model) if part)
    return own or readable(finding.name) or readable(model) or finding.address


def unused_name(name: str, taken: Collection[str]) -> str:
    """The name, numbered if another camera of the facility has it. ``taken`` in lower case."""
    candidates: Iterable[str] = (
        name[:200] if number == 1 else f"{name[:194]} {number}" for number in range(1, 100_000)
    )
    return next(candidate for candidate in candidates if candidate.casefold() not in taken)


def looked_closer(finding: Found, told: Interrogation) -> Found:
    """A finding after its device was asked with the right credentials."""
    facts = told.device
    channels = tuple(
        FoundChannel(
            key=channel.profile,
            name=channel.name,
            profiles=channel.profiles,
            streams=tuple(map(FoundStream.of, channel.streams or (told.streams if len(told.channels) == 1 else ()))),
            snapshot_path=channel.snapshot_path,
        )
        for channel in told.channels
    )
    return finding.model_copy(
        update={
            "channels": channels,
            "reasons": (),
            "rung": Rung.AUTHORIZED,
            "manufacturer": facts.maker or finding.manufacturer,
            "model": facts.model or finding.model,
            "firmware": facts.firmware or finding.firmware,
            "serial": facts.serial or finding.serial,
            "mac": facts.mac or finding.mac,
            "endpoint": finding.endpoint or facts.endpoint,
            "auth_mode": facts.auth_mode or finding.auth_mode,
            "clock_offset_s": facts.clock_offset_s,
            "services": facts.services or finding.services,
            "credential": None,
        }
    )
