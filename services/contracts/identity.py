"""Whether two lots of evidence tell of one device. Pure; used by the registry and by workers alike.

No single kind of evidence is trusted against another: cheap cameras share serials, MAC addresses and even endpoint
references, and some references change at each start (quirk 25 of docs/devices.md). Why so: docs/decisions/0026.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from services.contracts.camera import Evidence

#: What a maker leaves in when nobody wrote a number.
_NO_SERIAL = frozenset({"none", "null", "unknown", "default", "n/a", "123456", "12345678", "123456789", "1234567890"})
#: Written into firmware images by their makers, and so the same on every device.
_NO_MAC = frozenset({"00:11:22:33:44:55", "12:34:56:78:9a:bc", "01:23:45:67:89:ab", "aa:bb:cc:dd:ee:ff"})
_HEX = re.compile(r"[^0-9a-f]")

Kind: TypeAlias = Literal["mac", "endpoint", "serial"]


class Likeness(StrEnum):
    """What two lots of evidence say together."""

    SAME = "same"
    DIFFERENT = "different"
    #: Too little is known, or one kind of evidence says yes and another no.
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Kinds of evidence known on both sides, by what they say. ``serial`` means maker, model and serial together."""

    agree: frozenset[Kind]
    differ: frozenset[Kind]

    @property
    def likeness(self) -> Likeness:
        if not self.agree:
            # A reference alone proves nothing by being another: some are made anew at each start.
            return Likeness.DIFFERENT if self.differ - {"endpoint"} else Likeness.UNCLEAR
        if not self.differ:
            return Likeness.SAME
        if self.differ == {"endpoint"} and len(self.agree) == 2:
            return Likeness.SAME
        return Likeness.DIFFERENT if len(self.differ) == 2 else Likeness.UNCLEAR

    @property
    def contradicted(self) -> bool:
        """Some evidence speaks against it, and what speaks for it is not enough."""
        return bool(self.differ) and self.likeness is not Likeness.SAME


def weigh(known: Evidence, seen: Evidence) -> Comparison:
    """What each kind of evidence says. Symmetric."""
    says: dict[Kind, bool | None] = {
        "mac": _equal(mac_of(known.mac), mac_of(seen.mac)),
        "endpoint": _equal(endpoint_of(known.endpoint), endpoint_of(seen.endpoint)),
        "serial": _same_make(known, seen),
    }
    return Comparison(
        agree=frozenset(kind for kind, equal in says.items() if equal),
        differ=frozenset(kind for kind, equal in says.items() if equal is False),
    )


def compare(known: Evidence, seen: Evidence) -> Likeness:
    """Whether what is seen now is the device that is known. Symmetric."""
    return weigh(known, seen).likeness


def tells(evidence: Evidence) -> bool:
    """Whether there is anything in it by which a device could be told from others."""
    return any((mac_of(evidence.mac), endpoint_of(evidence.endpoint), serial_of(evidence.serial)))


def mac_of(text: str | None) -> str | None:
    """A MAC address, lower case with colons; None for one that no single device has."""
    digits = _HEX.sub("", (text or "").lower())
    if len(digits) != 12 or int(digits[:2], 16) & 1 or not int(digits, 16):  # group addresses and nothing at all
        return None
    mac = ":".join(digits[place : place + 2] for place in range(0, 12, 2))
    return None if mac in _NO_MAC else mac


def endpoint_of(text: str | None) -> str | None:
    """An endpoint reference without its prefixes, for comparing; None for an empty or nil one."""
    bare = (text or "").strip().lower().removeprefix("urn:").removeprefix("uuid:")
    return bare if bare.strip("0-") else None


def serial_of(text: str | None) -> str | None:
    """A serial number, for comparing; None for what is none: a placeholder, or one digit again and again."""
    bare = (text or "").strip().casefold()
    return None if bare in _NO_SERIAL or len(set(bare)) < 2 else bare


def _equal(one: str | None, other: str | None) -> bool | None:
    return None if one is None or other is None else one == other


def _same_make(known: Evidence, seen: Evidence) -> bool | None:
    """Maker, model and serial. Devices of one model without serials are neither the same nor different.

    Names count as one when one holds the other: a scope of WS-Discovery says more or less than the device itself.
    """
    for one, other in ((known.maker, seen.maker), (known.model, seen.model)):
        a, b = (one or "").strip().casefold(), (other or "").strip().casefold()
        if a and b and a not in b and b not in a:
            return False
    return _equal(serial_of(known.serial), serial_of(seen.serial))
