"""What the ONVIF services tell about: the device as one request sees it."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from services.simulator.channel import Channel, Stream
from services.simulator.faults import Fault
from services.simulator.named_urls import service_url, stream_url
from services.simulator.quirks import Quirk
from services.simulator.soap import SoapFault
from services.simulator.state import FOREIGN_HOST, DeviceState

DEVICE_PATH = "/onvif/device_service"
MEDIA_PATH = "/onvif/media_service"
MEDIA2_PATH = "/onvif/media2_service"
SNAPSHOT_PATH = "/snapshot/"

_NAMESPACE = uuid.UUID("5b0d6e5c-5a35-4a3c-9d0e-2f6f7a0c7f11")


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device says it is. Follows from its name, so that it survives a restart."""

    name: str
    model: str
    serial: str
    mac: str
    endpoint: uuid.UUID
    manufacturer: str = "Simulated"
    firmware: str = "1.0.0"

    @classmethod
    def of(cls, site: str, name: str, model: str) -> "Identity":
        digest = hashlib.sha256(f"{site}/{name}".encode()).hexdigest()
        octets = [digest[start : start + 2] for start in range(0, 10, 2)]
        return cls(
            name=name,
            model=model,
            serial=f"SIM{digest[10:20].upper()}",
            mac=":".join(["02", *octets]),  # locally administered
            endpoint=uuid.uuid5(_NAMESPACE, f"{site}/{name}"),
        )

    def under(self, quirks: frozenset[Quirk], of_this_start: uuid.UUID) -> "Identity":
        """What the device says it is with these quirks. ``of_this_start`` is another one after each start."""
        shown = self
        if Quirk.SAME_SERIAL in quirks:
            shown = replace(shown, serial=f"{self.model}0001")
        if Quirk.SAME_ENDPOINT in quirks:
            shown = replace(shown, endpoint=uuid.uuid5(_NAMESPACE, self.model))
        if Quirk.RANDOM_ENDPOINT in quirks:
            shown = replace(shown, endpoint=of_this_start)
        return shown


@dataclass(frozen=True, slots=True)
class DeviceView:
    """Device, channels and the addresses under which they are to be found."""

    identity: Identity
    state: DeviceState
    channels: Sequence[Channel]
    has_media2: bool
    local_host: str
    onvif_port: int
    rtsp_port: int

    def has(self, quirk: Quirk) -> bool:
        """Whether the device has this habit."""
        return self.state.has(quirk)

    def address(self, path: str) -> str:
        """The address of a service or snapshot."""
        return service_url(self._own_host(self.state.fault), self.onvif_port, path, self.state.quirks)

    def stream_uri(self, stream: Stream) -> str:
        """The address of a stream, without credentials unless that is a quirk."""
        state = self.state
        host = self._own_host(state.fault, stream.mount.fault)
        login = state.username, state.account.password
        return stream_url(host, self.rtsp_port, stream.mount.path, login, state.quirks)

    @property
    def scopes(self) -> list[str]:
        """What kind of device it is, and its name, in the form of ONVIF scopes."""
        profiles = ["Profile/Streaming", *(["Profile/T"] if self.has_media2 else [])]
        names = [f"name/{quote(self.identity.name, safe='')}", f"hardware/{quote(self.identity.model, safe='')}"]
        kinds = ["type/video_encoder", "type/Network_Video_Transmitter", *profiles, *names]
        return [f"onvif://www.onvif.org/{kind}" for kind in kinds]

    def find(self, profile: str | None) -> tuple[Channel, Stream]:
        """The stream of a profile token. Raises SoapFault."""
        for channel in self.channels:
            for stream in channel.streams:
                if stream.profile == profile:
                    return channel, stream
        raise SoapFault("env:Sender", ("ter:InvalidArgVal", "ter:NoProfile"), "there is no profile with this token")

    def _own_host(self, *faults: Fault) -> str:
        return FOREIGN_HOST if Fault.ADDRESS_WRONG in faults else self.local_host
