"""Passwords that devices leave the factory with, as their makers printed them. Pure.

Tried only at a registered device, one or two of its own maker, when its owner asks for that; never in a search.
Devices of today make their owner set a password first: what is found here is old, and still hangs in corridors.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FactoryPassword:
    """What a maker ships with, and where that stands."""

    username: str
    password: str = field(repr=False)
    source: str = ""


_DAHUA = FactoryPassword("admin", "admin", "Dahua HDCVI Standalone DVR User's Manual V1.6.1, page 216")

#: By maker, as its devices call it. Two each at most, the likelier first.
_BY_MAKER: dict[str, tuple[FactoryPassword, ...]] = {
    "axis": (FactoryPassword("root", "pass", "AXIS 2120 User's Manual, page 25, System Security"),),
    "hikvision": (FactoryPassword("admin", "12345", "Rapid7 advisory R7-2014-18; firmware before 5.3.0"),),
    "dahua": (_DAHUA, FactoryPassword("888888", "888888", _DAHUA.source)),
    "amcrest": (FactoryPassword("admin", "admin", "Amcrest NV21 Series User Manual 1.0.4, section 4.11"),),
    "uniview": (FactoryPassword("admin", "123456", "support.camerasecuritynow.com, Creating a New User"),),
    "lorex": (FactoryPassword("admin", "000000", "Lorex NVR Owner's Manual, Managing Passwords, page 33"),),
    "siqura": (FactoryPassword("Admin", "1234", "Siqura PD1103 User Manual, section 5.4"),),
}

MOST_TRIED = 2


def factory_passwords(maker: str | None) -> tuple[FactoryPassword, ...]:
    """Those of a maker, two at most; none for one that is not known."""
    name = (maker or "").casefold()
    for known, passwords in _BY_MAKER.items():
        if known in name:
            return passwords[:MOST_TRIED]
    return ()
