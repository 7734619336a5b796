"""Which registered device is which finding, and what becomes of a device's identity. Decisions: docs/decisions/0026."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.contracts.camera import Evidence
from services.contracts.discovery import Found
from services.contracts.identity import Comparison, Likeness, compare, endpoint_of, mac_of, serial_of, tells, weigh
from services.registry.readable import readable
from services.registry.tables import Device


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A registered device, as far as it matters for being recognised."""

    id: UUID
    address: str
    port: int
    evidence: Evidence

    @classmethod
    def of(cls, device: Device) -> "KnownDevice":
        return cls(device.id, device.address, device.port, evidence_of(device))

    def stands_at(self, found: Found) -> bool:
        """Whether the finding is at this device's address and on a port of it."""
        return self.address == found.address and self.port in ports_of(found)


def evidence_of(device: Device) -> Evidence:
    """What is known of a device's identity."""
    return Evidence(
        mac=device.mac, endpoint=device.endpoint, maker=device.maker, model=device.model, serial=device.serial
    )


def evidence_of_finding(found: Found) -> Evidence:
    """What a finding tells of a device's identity."""
    return Evidence(
        mac=found.mac, endpoint=found.endpoint, maker=found.manufacturer, model=found.model, serial=found.serial
    )


def ports_of(found: Found) -> frozenset[int]:
    """The ports on which a device may have been registered: behind one address may be several devices."""
    return frozenset({found.port, *(stream.port for channel in found.channels for stream in channel.streams)})


def recognise(found: Sequence[Found], known: Sequence[KnownDevice]) -> dict[int, UUID]:
    """By index of the finding: the registered device that it is. Findings that are nobody known are left out.

    A device is taken for one found elsewhere only if the evidence says so of exactly one finding. Where a device
    stands, evidence is asked for contradiction only: most devices tell little before somebody signs in.
    """
    index = _Index(known)
    likely = {
        place: device for place, finding in enumerate(found) if (device := _candidate(finding, index)) is not None
    }
    at_home = {place: device.id for place, device in likely.items() if device.stands_at(found[place])}
    settled = set(at_home.values())
    away = Counter(device.id for device in likely.values() if device.id not in settled)
    return at_home | {place: device.id for place, device in likely.items() if away[device.id] == 1}


class _Index:
    """Devices by each of their marks, so that thousands of findings are not each compared with every device."""

    def __init__(self, known: Sequence[KnownDevice]) -> None:
        self._marked: dict[tuple[str, str], list[KnownDevice]] = {}
        for device in known:
            for mark in _marks(device.address, device.evidence):
                self._marked.setdefault(mark, []).append(device)

    def alike(self, finding: Found, evidence: Evidence) -> list[tuple[KnownDevice, Comparison]]:
        """Devices that share a mark with the finding, and how they compare."""
        shared = {
            device.id: device for mark in _marks(finding.address, evidence) for device in self._marked.get(mark, ())
        }
        return [(device, weigh(device.evidence, evidence)) for device in shared.values()]


def _marks(address: str, evidence: Evidence) -> list[tuple[str, str]]:
    marks = {
        "address": address,
        "mac": mac_of(evidence.mac),
        "endpoint": endpoint_of(evidence.endpoint),
        "serial": serial_of(evidence.serial),
    }
    return [(kind, mark) for kind, mark in marks.items() if mark is not None]


def _candidate(finding: Found, index: _Index) -> KnownDevice | None:
    weighed = index.alike(finding, evidence_of_finding(finding))
    here = [(device, comparison) for device, comparison in weighed if device.stands_at(finding)]
    for device, comparison in here:
        if comparison.likeness is Likeness.SAME:
            return device
    same = [(device, comparison) for device, comparison in weighed if comparison.likeness is Likeness.SAME]
    if len(same) > 1:  # one serial, one reference on several devices: the address of the network card decides
        same = [(device, comparison) for device, comparison in same if "mac" in comparison.agree]
    if len(same) == 1:
        return same[0][0]
    return next((device for device, comparison in here if not comparison.differ), None)


def learn(device: Device, seen: Evidence, now: datetime) -> None:
    """Take over what is seen of a device that is the known one, or of which nothing was known.

    A reference that is another one by now is replaced; an address of a network card is not.
    """
    was_known = tells(evidence_of(device))
    device.mac = device.mac or mac_of(seen.mac)
    device.endpoint = readable(seen.endpoint, 255) or device.endpoint
    device.maker = readable(seen.maker, 200) or device.maker
    device.model = readable(seen.model, 200) or device.model
    device.serial = readable(seen.serial, 200) or device.serial
    device.conflict = None
    device.missing_at = None
    if not was_known and tells(evidence_of(device)):
        device.identity_at = now


def contradict(device: Device, seen: Evidence, comparison: Comparison, now: datetime) -> None:
    """Note for a human that something else answers where this device should be."""
    device.conflict = {
        "kind": "other_device" if comparison.likeness is Likeness.DIFFERENT else "unclear",
        "at": now.isoformat(),
        "address": device.address,
        "port": device.port,
        "seen": seen.model_dump(mode="json"),
        "agree": sorted(comparison.agree),
        "differ": sorted(comparison.differ),
    }


def note_address_taken(device: Device, address: str, port: int, other: UUID, now: datetime) -> None:
    """Note for a human that a device was found at an address that another registered device has."""
    device.conflict = {
        "kind": "address_taken",
        "at": now.isoformat(),
        "address": address,
        "port": port,
        "device_id": str(other),
    }


def become(device: Device, seen: Evidence | None, now: datetime) -> tuple[str, str]:
    """Whatever stands there now is this device from now on; with None it is learned when it is next asked.

    Returns what it was and what it is, for people. All that was told by the other device is forgotten.
    """
    was = describe(evidence_of(device))
    new = seen or Evidence()
    device.mac, device.endpoint = mac_of(new.mac), readable(new.endpoint, 255)
    device.maker, device.model = readable(new.maker, 200), readable(new.model, 200)
    device.serial = readable(new.serial, 200)
    device.identity_at = now if tells(evidence_of(device)) else None
    device.conflict = device.missing_at = None
    device.firmware = device.auth_mode = device.clock_offset_s = device.name = None
    device.channels = device.services = None
    device.certificate = device.service_certificate = None
    device.factory_password = device.factory_password_at = None
    return was, describe(evidence_of(device))


def describe(evidence: Evidence) -> str:
    """An identity in one line."""
    parts = (evidence.maker, evidence.model, evidence.serial, evidence.mac, evidence.endpoint)
    return " ".join(part for part in parts if part)[:500] or "unknown"


def same_device(one: Found, other: Found) -> bool:
    """Whether two findings are one device seen at two addresses."""
    return compare(evidence_of_finding(one), evidence_of_finding(other)) is Likeness.SAME
