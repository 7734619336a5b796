"""Against ipycam 1.3.0, an ONVIF stack that none of us wrote."""

from collections.abc import Iterator

import pytest

from services.contracts.camera import AuthOutcome, OnvifSource, RtspSource
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.onvif.gateway import ZeepOnvifGateway
from tests.harness.ipycam import IpycamPeer
from tests.harness.onvif import HARD_PASSWORD, credentials


@pytest.fixture(scope="module")
def guarded() -> Iterator[IpycamPeer]:
    """With user and password, and naming an inner address for itself, as behind NAT."""
    options = ["--username", "admin", "--password", HARD_PASSWORD, "--named-address", "10.1.2.3", "--rtsp-port", "9554"]
    with IpycamPeer(*options) as peer:
        yield peer


def source(peer: IpycamPeer, profile: str | None = None) -> OnvifSource:
    return OnvifSource(address="127.0.0.1", port=peer.port, profile=profile)


async def test_it_tells_itself_and_its_streams(gateway: ZeepOnvifGateway, guarded: IpycamPeer) -> None:
    told = await gateway.interrogate(source(guarded), credentials())
    facts = told.device
    assert (facts.maker, facts.model, facts.firmware, facts.serial) == (
        "PythonCam",
        "VirtualCam-1",
        "1.3.0",
        "PY-000001",
    )
    assert facts.auth_mode == "wsse"
    assert facts.clock_offset_s == pytest.approx(0, abs=2)
    (channel,) = told.channels
    assert (channel.profile, channel.profiles) == ("Profile_Main", ("Profile_Main", "Profile_Sub"))
    assert (channel.name, channel.codec, channel.width, channel.height) == ("MainStream", "h264", 1920, 1080)
    assert [(s.role, s.profile, s.source, s.original_uri) for s in told.streams] == [
        (
            "main",
            "Profile_Main",
            RtspSource(address="127.0.0.1", port=9554, path="/video_main"),
            "rtsp://10.1.2.3:9554/video_main",
        ),
        (
            "sub",
            "Profile_Sub",
            RtspSource(address="127.0.0.1", port=9554, path="/video_sub"),
            "rtsp://10.1.2.3:9554/video_sub",
        ),
    ]


async def test_it_refuses_a_wrong_password_and_wants_one(gateway: ZeepOnvifGateway, guarded: IpycamPeer) -> None:
    with pytest.raises(CameraFault) as wrong:
        await gateway.interrogate(source(guarded), credentials(password="wrong"))
    assert (wrong.value.reason, wrong.value.rung, wrong.value.auth) == (
        Reason.AUTH_FAILED,
        Rung.ANSWERING,
        AuthOutcome.REFUSED,
    )
    with pytest.raises(CameraFault) as missing:
        await gateway.interrogate(source(guarded), None)
    assert (missing.value.reason, missing.value.rung) == (Reason.CREDENTIALS_MISSING, Rung.ANSWERING)


async def test_a_profile_may_be_named(gateway: ZeepOnvifGateway, guarded: IpycamPeer) -> None:
    told = await gateway.interrogate(source(guarded, "Profile_Sub"), credentials())
    assert [(stream.role, stream.profile) for stream in told.streams] == [("main", "Profile_Sub")]
    with pytest.raises(CameraFault) as unknown:
        await gateway.interrogate(source(guarded, "Profile_9"), credentials())
    assert unknown.value.reason is Reason.CHANNEL_REQUIRED
    assert "Profile_Main" in unknown.value.detail


async def test_without_a_password_it_is_open(gateway: ZeepOnvifGateway) -> None:
    with IpycamPeer() as peer:
        told = await gateway.interrogate(source(peer), credentials())
    assert told.device.auth_mode == "none"
    assert len(told.streams) == 2
