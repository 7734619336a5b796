"""Media2 beside Media1, alone, and broken."""

import pytest

from services.contracts.ladder import Reason
from services.ingest.onvif.gateway import ZeepOnvifGateway
from tests.doubles.onvif_device import OnvifDevice, Request
from tests.doubles.onvif_messages import MEDIA2, Profile, Profile2, Response, fault, html, soap
from tests.doubles.onvif_security import HttpDigest, WsSecurity
from tests.harness.onvif import ask, credentials, fault_of

OLD = (Profile("main", encoding="H264", size=(1920, 1080)), Profile("sub", size=(640, 360)))
NEW = (Profile2("main", size=(2560, 1440)), Profile2("sub", encoding="H264", size=(640, 360)))


async def test_quirk_29_h265_in_media2_alone_is_found_and_streamed(gateway: ZeepOnvifGateway) -> None:
    """agsh/onvif pull request 187, sr99622/libonvif issue 113: Media1 shows such a profile not at all."""
    with OnvifDevice(profiles=(OLD[1],), profiles2=(Profile2("uhd", size=(3840, 2160)), NEW[1])) as device:
        told = await ask(gateway, device)
    assert [(s.role, s.profile, s.codec, s.width, s.source.path) for s in told.streams] == [
        ("main", "uhd", "h265", 3840, "/2/uhd"),
        ("sub", "sub", "h264", 640, "/2/sub"),
    ]
    (channel,) = told.channels
    assert channel.profiles == ("sub", "uhd")
    assert (channel.profile, channel.codec) == ("uhd", "h265")
    assert MEDIA2 in told.device.services


async def test_quirk_29_what_media2_says_of_the_codec_holds(gateway: ZeepOnvifGateway) -> None:
    """Jazea/Onvif.Core issue 43: Media1 shows H.265 as H264."""
    with OnvifDevice(profiles=OLD, profiles2=NEW) as device:
        told = await ask(gateway, device)
    assert [(stream.codec, stream.width) for stream in told.streams] == [("h265", 2560), ("h264", 640)]
    assert told.channels[0].name == "main"
    assert {r.text("Protocol") for r in device.requests if r.operation == "GetStreamUri"} == {"RTSP"}


async def test_a_device_of_profile_t_alone_has_no_media1(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice(profiles2=NEW, has_media1=False) as device:
        told = await ask(gateway, device)
    assert [stream.codec for stream in told.streams] == ["h265", "h264"]
    assert device.operations.count("GetProfiles") == 1


@pytest.mark.parametrize("security", [WsSecurity("admin", "pw"), HttpDigest("admin", "pw")])
async def test_media2_is_signed_like_everything_else(
    gateway: ZeepOnvifGateway, security: WsSecurity | HttpDigest
) -> None:
    with OnvifDevice(profiles=OLD, profiles2=NEW, security=security) as device:
        told = await ask(gateway, device, credentials(password="pw"))
    assert told.streams[0].codec == "h265"


@pytest.mark.parametrize(
    "answer",
    [
        html("oops", status=500),
        fault("ter:ActionNotSupported", "no"),
        soap("<tr2:GetProfilesResponse/>"),
        soap("<tr2:GetProfilesResponse><tr2:Profiles/></tr2:GetProfilesResponse>"),
        Response(raw=[b"nonsense"]),
    ],
)
async def test_quirk_29_a_media2_that_does_not_work_is_as_good_as_none(
    gateway: ZeepOnvifGateway, answer: Response
) -> None:
    """sr99622/libonvif issue 113, roflcoopter/easy_onvif_workspace issue 34."""

    def broken(request: Request) -> Response:
        return answer if request.path == device.script.media2_path else device.proper(request)

    with OnvifDevice(profiles=OLD, profiles2=NEW, answers={"GetProfiles": broken}) as device:
        told = await ask(gateway, device)
    assert [(stream.codec, stream.source.path) for stream in told.streams] == [("h264", "/main"), ("h264", "/sub")]


async def test_a_stream_that_media2_does_not_give_is_asked_of_media1(gateway: ZeepOnvifGateway) -> None:
    def broken(request: Request) -> Response:
        on_media2 = request.path == device.script.media2_path
        return fault("ter:InvalidArgVal", "no") if on_media2 else device.proper(request)

    with OnvifDevice(profiles=OLD, profiles2=NEW, answers={"GetStreamUri": broken}) as device:
        told = await ask(gateway, device)
    assert [(stream.codec, stream.source.path) for stream in told.streams] == [("h265", "/main"), ("h264", "/sub")]


async def test_a_device_that_knows_another_word_for_the_protocol_gets_it(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice(profiles2=NEW, has_media1=False, protocols2=("RtspUnicast",)) as device:
        told = await ask(gateway, device)
    assert len(told.streams) == 2
    asked = [r.text("Protocol") for r in device.requests if r.operation == "GetStreamUri"]
    assert asked == ["RTSP", "RtspUnicast", "RtspUnicast"]


async def test_a_profile_of_media2_without_an_encoder_is_read(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice(profiles2=(Profile2("bare", encoding=None),), has_media1=False) as device:
        told = await ask(gateway, device)
    assert [(stream.profile, stream.codec, stream.width) for stream in told.streams] == [("bare", None, None)]


async def test_undeclared_prefixes_in_media2_are_put_right(gateway: ZeepOnvifGateway) -> None:
    """Quirk 34: mvantellingen/python-zeep issue 1205, home-assistant/core issue 45513."""

    def bare(request: Request) -> Response:
        if request.path != device.script.media2_path:
            return device.proper(request)
        proper = device.proper(request)
        return Response(
            proper.body.replace(b' xmlns:tt="http://www.onvif.org/ver10/schema"', b"").replace(b"tr2:", b"x:")
        )

    with OnvifDevice(profiles=OLD, profiles2=NEW, answers={"GetProfiles": bare}) as device:
        told = await ask(gateway, device)
    assert [(stream.codec, stream.width) for stream in told.streams] == [("h265", 2560), ("h264", 640)]


async def test_without_either_media_service_the_fault_says_so(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice(has_media1=False) as device:
        found = await fault_of(gateway, device)
    assert found.reason is Reason.ONVIF_FAILED
    assert "GetProfiles" in found.detail
