"""What tests of the ONVIF gateway share: asking a doubled device, and the fault that comes of it."""

import pytest

from services.contracts.camera import Credentials, Interrogation, OnvifSource
from services.ingest.faults import CameraFault
from services.ingest.onvif.gateway import ZeepOnvifGateway
from tests.doubles.onvif_device import OnvifDevice

#: Every character that URLs, XML and header fields treat in their own way.
HARD_PASSWORD = 'p@ss:w/rd?#%&<>"\\ é…'


def credentials(username: str = "admin", password: str = HARD_PASSWORD) -> Credentials:
    """Credentials of a device."""
    return Credentials(username=username, password=password, version=1)


async def ask(
    gateway: ZeepOnvifGateway, device: OnvifDevice, who: Credentials | None = None, *, profile: str | None = None
) -> Interrogation:
    """Interrogate a doubled device."""
    source = OnvifSource(address=device.address, port=device.port, profile=profile)
    return await gateway.interrogate(source, who)


async def fault_of(
    gateway: ZeepOnvifGateway, device: OnvifDevice, who: Credentials | None = None, *, profile: str | None = None
) -> CameraFault:
    """The fault in which an interrogation ends. It never shows the credentials."""
    with pytest.raises(CameraFault) as caught:
        await ask(gateway, device, who, profile=profile)
    if who is not None:
        assert who.password not in repr(caught.value)
        assert who.username not in caught.value.detail
    return caught.value
