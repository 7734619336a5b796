"""A video source of a device with its streams: what a camera has one of and a recorder several."""

from dataclasses import dataclass
from typing import Literal

from services.simulator.faults import Fault, prevailing
from services.simulator.mount import Mount
from services.simulator.pictures import Codec

Role = Literal["main", "sub"]


@dataclass(frozen=True, slots=True)
class Stream:
    """One encoded picture of a channel and the token of the ONVIF profile that names it."""

    role: Role
    profile: str
    mount: Mount


@dataclass(slots=True)
class Channel:
    """``name`` is unique in a site, ``source_token`` in the device. ``fault`` is the channel's own."""

    name: str
    source_token: str
    codec: Codec
    streams: tuple[Stream, ...]
    fault: Fault = Fault.NONE

    def switch(self, own: Fault, device: Fault) -> None:
        """Suffer from a fault of its own and from one of the device."""
        self.fault = own
        for stream in self.streams:
            stream.mount.switch(prevailing(device, own))

    @property
    def viewers(self) -> int:
        return sum(stream.mount.viewers for stream in self.streams)
