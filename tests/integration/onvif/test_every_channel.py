"""A recorder asked for everything: the streams and the snapshot of each of its channels."""

import time
from collections.abc import Iterator

import pytest

from services.contracts.camera import Interrogation, OnvifSource, RtspSource
from services.ingest.onvif import interrogation
from services.ingest.onvif.gateway import ZeepOnvifGateway
from services.ingest.onvif.transport import HttpLimits
from tests.doubles.onvif_device import OnvifDevice, Request
from tests.doubles.onvif_messages import Profile, Response, fault, soap, stream_uri
from tests.harness.onvif import ask, credentials


def recorder(channels: int) -> tuple[Profile, ...]:
    return tuple(
        Profile(f"{channel}-{kind}", source=f"source{channel}", size=size, name=f"Channel {channel}")
        for channel in range(1, channels + 1)
        for kind, size in (("main", (1920, 1080)), ("sub", (704, 576)))
    )


async def ask_all(gateway: ZeepOnvifGateway, device: OnvifDevice, profile: str | None = None) -> Interrogation:
    source = OnvifSource(address=device.address, port=device.port, profile=profile)
    return await gateway.interrogate(source, None, every_channel=True)


async def test_quirk_31_each_channel_of_a_recorder_has_its_streams_asked_one_at_a_time(
    gateway: ZeepOnvifGateway,
) -> None:
    """agsh/onvif issues 328, 279 and 117."""
    with OnvifDevice(profiles=recorder(8), snapshot="http://10.0.0.9:8080/snap?ch={token}") as device:
        told = await ask_all(gateway, device)
    assert device.most_busy == 1
    assert told.streams == ()
    assert [channel.profile for channel in told.channels] == [f"{number}-main" for number in range(1, 9)]
    third = told.channels[2]
    assert [(stream.role, stream.profile, stream.source) for stream in third.streams] == [
        ("main", "3-main", RtspSource(address="127.0.0.1", port=554, path="/3-main")),
        ("sub", "3-sub", RtspSource(address="127.0.0.1", port=554, path="/3-sub")),
    ]
    assert third.snapshot_path == "/snap?ch=3-main"
    assert device.operations.count("GetStreamUri") == 16
    assert device.operations.count("GetSnapshotUri") == 8


async def test_the_streams_of_a_single_channel_are_asked_for_once(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice(snapshot="http://127.0.0.1/snap") as device:
        told = await ask_all(gateway, device)
    assert device.operations.count("GetStreamUri") == 2
    assert told.channels[0].streams == told.streams
    assert told.channels[0].snapshot_path == "/snap"


@pytest.mark.parametrize(
    "answer", [fault("ter:IncompleteConfiguration", "empty"), fault("ter:NotAuthorized", "no"), soap(stream_uri("x"))]
)
async def test_a_channel_without_a_stream_is_kept_without(gateway: ZeepOnvifGateway, answer: Response) -> None:
    def no_second(request: Request) -> Response:
        return answer if request.text("ProfileToken").startswith("2-") else device.proper(request)

    with OnvifDevice(profiles=recorder(3), answers={"GetStreamUri": no_second}) as device:
        told = await ask_all(gateway, device)
    assert [len(channel.streams) for channel in told.channels] == [2, 0, 2]


async def test_a_recorder_that_falls_silent_keeps_what_it_told() -> None:
    def silent_after_two(request: Request) -> Response:
        if request.text("ProfileToken").startswith("3-"):
            return Response(raw=_silence())
        return device.proper(request)

    gateway = ZeepOnvifGateway(limits=HttpLimits(call_s=0.6))
    with OnvifDevice(profiles=recorder(5), answers={"GetStreamUri": silent_after_two}) as device:
        told = await ask_all(gateway, device)
        await gateway.close()
    assert [len(channel.streams) for channel in told.channels] == [2, 2, 0, 0, 0]
    assert len(told.channels) == 5


def _silence() -> Iterator[bytes]:
    time.sleep(1.2)
    yield b""


async def test_the_number_of_channels_asked_is_bounded(
    gateway: ZeepOnvifGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrogation, "CHANNELS_MAX", 3)
    with OnvifDevice(profiles=recorder(5)) as device:
        told = await ask_all(gateway, device)
    assert [len(channel.streams) for channel in told.channels] == [2, 2, 2, 0, 0]


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("http://10.0.0.9/cgi-bin/snapshot.cgi?channel=1", "/cgi-bin/snapshot.cgi?channel=1"),
        ("https://10.0.0.9:8443/s", "/s"),
        ("rtsp://10.0.0.9/s", None),
        ("", None),
        ("http://10.0.0.9/s?user=admin&amp;pwd=secret", None),
    ],
)
async def test_quirk_45_a_snapshot_is_optional_and_only_over_http(
    gateway: ZeepOnvifGateway, uri: str, path: str | None
) -> None:
    """home-assistant/core issue 66554 (rtsp:// in it), edgexfoundry/device-onvif-camera issue 132 (missing)."""
    with OnvifDevice(snapshot=uri) as device:
        assert (await ask_all(gateway, device)).channels[0].snapshot_path == path
    with OnvifDevice() as without:
        assert (await ask_all(gateway, without)).channels[0].snapshot_path is None


async def test_quirk_14_a_stream_at_the_port_of_the_web_pages_is_sought_at_the_port_of_rtsp(
    gateway: ZeepOnvifGateway,
) -> None:
    """roflcoopter/easy_onvif_workspace issue 39; the device says itself where its RTSP is."""
    protocols = soap(
        "<tds:GetNetworkProtocolsResponse>"
        "<tds:NetworkProtocols><tt:Name>HTTP</tt:Name><tt:Enabled>true</tt:Enabled><tt:Port>80</tt:Port>"
        "</tds:NetworkProtocols><tds:NetworkProtocols><tt:Name>RTSP</tt:Name><tt:Enabled>true</tt:Enabled>"
        "<tt:Port>8554</tt:Port></tds:NetworkProtocols></tds:GetNetworkProtocolsResponse>"
    )
    profiles = (
        Profile("main", uri="rtsp://{address}:80/main"),
        Profile("sub", size=(1, 1), uri="rtsp://{address}:80/s"),
    )
    with OnvifDevice(profiles=profiles, answers={"GetNetworkProtocols": lambda _: protocols}) as device:
        told = await ask(gateway, device)
    assert [stream.source.port for stream in told.streams] == [8554, 8554]
    assert device.operations.count("GetNetworkProtocols") == 1
    with OnvifDevice(profiles=profiles) as silent_about_it:
        told = await ask(gateway, silent_about_it, credentials())
    assert [stream.source.port for stream in told.streams] == [80, 80]


async def test_quirk_32_a_recorder_that_no_search_finds_is_registered_by_its_address(gateway: ZeepOnvifGateway) -> None:
    """edgexfoundry/device-onvif-camera issue 412. Nothing in an interrogation needs a discovery before it."""
    with OnvifDevice(profiles=recorder(2)) as device:
        told = await ask(gateway, device, profile="2-main")
    assert [stream.profile for stream in told.streams] == ["2-main", "2-sub"]
