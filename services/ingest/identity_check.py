"""Whether the device at a camera's address is still the one that was registered. It is never watched as another."""

from collections.abc import Callable

from services.contracts.camera import CameraAssignment, DeviceFacts, Evidence
from services.contracts.identity import Likeness, compare, mac_of, tells
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault

#: A stream that was lost may come back from another device: one was exchanged, or a router sends us elsewhere now.
#: Whoever has just said who it is need not say it again.
VERIFIED_FOR_S = 10.0
#: A device that does not say it now is not asked at every attempt: each would wait for it.
SILENT_FOR_S = 60.0


class IdentityCheck:
    """Of one camera, for one version of its assignment."""

    def __init__(self, known: Evidence | None, neighbour_mac: Callable[[str], str | None]) -> None:
        """``known``: what the registry knows; None: the first that is asked will be it. ``neighbour_mac`` tells the MAC
        of a host on the same link, by its address."""
        self._known = known
        self._neighbour_mac = neighbour_mac
        self._good_until = float("-inf")

    def due(self, now: float) -> bool:
        """Whether the device has to be asked who it is before its stream is opened at this monotonic time."""
        return self._known is not None and now >= self._good_until

    def silent(self, now: float) -> None:
        """The device did not say who it is."""
        self._good_until = now + SILENT_FOR_S

    def verify(self, facts: DeviceFacts, now: float) -> None:
        """Take what a device says of itself. Raises CameraFault when it is another one."""
        seen = facts.evidence
        if self._known is None:
            self._known = seen if tells(seen) else None
        if self._known is not None and compare(self._known, seen) is Likeness.DIFFERENT:
            raise _another(f"known as {_shown(self._known)}, answers as {_shown(seen)}")
        self._good_until = now + VERIFIED_FOR_S

    def verify_neighbour(self, assignment: CameraAssignment) -> None:
        """The same by what the kernel knows of the link. Raises CameraFault.

        For devices of which nothing but a MAC is known, which was learned in the same way: the one that ONVIF tells is
        of a network card that a repeater or a second card may hide.
        """
        known = assignment.identity
        if known is None or known.mac is None or known.endpoint or known.serial:
            return
        seen = mac_of(self._neighbour_mac(assignment.source.address))
        if seen is not None and mac_of(known.mac) is not None and seen != mac_of(known.mac):
            raise _another(f"known by MAC {known.mac}, answers with {seen}")


def _another(detail: str) -> CameraFault:
    return CameraFault(Reason.WRONG_DEVICE, Rung.ANSWERING, detail)


def _shown(evidence: Evidence) -> str:
    parts = (evidence.maker, evidence.model, evidence.serial, evidence.mac, evidence.endpoint)
    return " ".join(part for part in parts if part)[:200] or "nobody"
