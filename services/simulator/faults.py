"""What can be wrong with a simulated device or one of its channels."""

from enum import StrEnum


class Fault(StrEnum):
    """One thing that is wrong, as it shows from outside."""

    NONE = "none"
    OFF = "off"  # ports closed, connections cut; a single channel answers 404
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - another password is expected from now on; running sessions are cut
    SILENT = "silent"  # sessions stay and keep-alives are answered, no media
    FROZEN = "frozen"  # the same picture for ever
    BLACK = "black"
    SLOW = "slow"  # media arrives at a twentieth of real time, dripping byte by byte
    GARBAGE = "garbage"  # RTP payloads and the framing between them are junk
    CLOCK_WRONG = "clock_wrong"  # the device's clock is an hour behind
    ADDRESS_WRONG = "address_wrong"  # the device names a foreign address as its own, as behind NAT
    END = "end"  # the server says goodbye and closes, and does so again a second after each new PLAY


#: Faults that a recorder has as a whole or not at all.
DEVICE_ONLY = frozenset({Fault.CLOCK_WRONG})


class FaultNotPossible(ValueError):
    """This fault cannot happen to a single channel."""


def prevailing(device: Fault, channel: Fault) -> Fault:
    """What a channel suffers from: the device's fault, or its own when the device has none that media could show."""
    return channel if device in {Fault.NONE, Fault.CLOCK_WRONG, Fault.ADDRESS_WRONG} else device
