"""What a device tells, over a real connection: itself, its channels, its streams."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from services.contracts.camera import Channel, DeviceStream, RtspSource
from services.contracts.ladder import Reason, Rung
from services.ingest.onvif.gateway import ZeepOnvifGateway
from tests.doubles.onvif_device import MAIN, SUB, OnvifDevice, Request
from tests.doubles.onvif_messages import Profile, Response, fault, html, soap, stream_uri, system_time
from tests.harness.onvif import ask, fault_of

RECORDER = tuple(
    Profile(f"{channel}-{kind}", source=f"source{channel}", size=size, name=f"Channel {channel} {kind}")
    for channel in (1, 2, 3)
    for kind, size in (("main", (1920, 1080)), ("sub", (704, 576)))
)


async def test_a_camera_tells_itself_its_channel_and_two_streams(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice() as device:
        told = await ask(gateway, device)
    facts = told.device
    assert (facts.maker, facts.model, facts.firmware, facts.serial) == ("Maker", "Model 1", "1.2.3", "SN-1")
    assert facts.auth_mode == "none"
    assert facts.clock_offset_s is not None
    assert abs(facts.clock_offset_s) < 2
    assert told.channels == (
        Channel(
            profile="main",
            profiles=("main", "sub"),
            sources=("source0", "vsc", "vec"),
            name="Main stream",
            codec="h264",
            width=1920,
            height=1080,
        ),
    )
    assert told.streams == (
        DeviceStream(
            role="main",
            profile="main",
            source=RtspSource(address="127.0.0.1", port=554, path="/main"),
            original_uri="rtsp://127.0.0.1:554/main",
            codec="h264",
            width=1920,
            height=1080,
        ),
        DeviceStream(
            role="sub",
            profile="sub",
            source=RtspSource(address="127.0.0.1", port=554, path="/sub"),
            original_uri="rtsp://127.0.0.1:554/sub",
            codec="h264",
            width=640,
            height=360,
        ),
    )


async def test_streams_are_asked_for_by_unicast_over_rtsp(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice() as device:
        await ask(gateway, device)
    request = next(request for request in device.requests if request.operation == "GetStreamUri")
    assert request.text("Stream") == "RTP-Unicast"
    assert request.text("Protocol") == "RTSP"
    assert request.headers["content-type"].startswith("application/soap+xml")


async def test_quirk_31_a_recorder_without_a_named_profile_tells_its_channels_and_no_streams(
    gateway: ZeepOnvifGateway,
) -> None:
    """agsh/onvif issues 328 and 369."""
    with OnvifDevice(profiles=RECORDER) as device:
        told = await ask(gateway, device)
    assert [(channel.profile, channel.profiles) for channel in told.channels] == [
        ("1-main", ("1-main", "1-sub")),
        ("2-main", ("2-main", "2-sub")),
        ("3-main", ("3-main", "3-sub")),
    ]
    assert told.streams == ()
    assert "GetStreamUri" not in device.operations


async def test_a_named_profile_is_the_main_stream_and_its_channel_gives_the_sub_stream(
    gateway: ZeepOnvifGateway,
) -> None:
    with OnvifDevice(profiles=RECORDER) as device:
        told = await ask(gateway, device, profile="2-main")
        lesser = await ask(gateway, device, profile="2-sub")
    assert [(stream.role, stream.profile) for stream in told.streams] == [("main", "2-main"), ("sub", "2-sub")]
    assert [(stream.role, stream.profile) for stream in lesser.streams] == [("main", "2-sub")]
    assert len(told.channels) == 3


async def test_an_unknown_profile_is_answered_with_the_tokens_of_the_channels(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice(profiles=RECORDER) as device:
        fault_ = await fault_of(gateway, device, profile="9-main")
    assert (fault_.reason, fault_.rung, fault_.auth) == (Reason.CHANNEL_REQUIRED, Rung.AUTHORIZED, None)
    assert "1-main, 2-main, 3-main" in fault_.detail


async def test_a_device_without_video_says_so(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice(profiles=(Profile("metadata", source=None, encoding=None, size=None),)) as device:
        fault_ = await fault_of(gateway, device)
    assert (fault_.reason, fault_.rung) == (Reason.NO_VIDEO, Rung.AUTHORIZED)


async def test_a_sub_stream_that_the_device_does_not_give_is_left_out(gateway: ZeepOnvifGateway) -> None:
    def only_main(request: Request) -> Response:
        if request.text("ProfileToken") == "sub":
            return fault("ter:IncompleteConfiguration", "not configured", status=500)
        return soap(stream_uri("rtsp://127.0.0.1/main"))

    with OnvifDevice(answers={"GetStreamUri": only_main}) as device:
        told = await ask(gateway, device)
    assert [stream.role for stream in told.streams] == ["main"]


async def test_a_main_stream_that_the_device_does_not_give_is_a_fault(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice(answers={"GetStreamUri": lambda _: soap(stream_uri("udp://nowhere"))}) as device:
        fault_ = await fault_of(gateway, device)
    assert (fault_.reason, fault_.rung) == (Reason.ONVIF_FAILED, Rung.AUTHORIZED)
    assert "RTSP" in fault_.detail


@pytest.mark.parametrize("missing", [fault("ter:ActionNotSupported", "no"), html("Not Found", status=404)])
async def test_quirk_27_without_get_services_the_capabilities_say_where_media_is(
    gateway: ZeepOnvifGateway, missing: Response
) -> None:
    """quatanium/python-onvif pull request 30 (old Axis). Quirk 28, IOTechSystems/onvif issue 20: the category is named."""

    def capabilities(request: Request) -> Response:
        if request.text("Category") != "All":
            return fault("ter:InvalidArgVal", "a category is needed")
        return device.proper(request)

    answers = {"GetServices": lambda _: missing, "GetCapabilities": capabilities}
    with OnvifDevice(answers=answers, media_path="/odd/media?service=1") as device:
        told = await ask(gateway, device)
    assert len(told.streams) == 2
    assert {r.path for r in device.requests if r.operation == "GetProfiles"} == {"/odd/media?service=1"}


@pytest.mark.parametrize("path", ["/onvif/media_service", "/onvif/Media", "/onvif/device_service"])
async def test_quirk_27_without_either_the_usual_paths_are_tried(gateway: ZeepOnvifGateway, path: str) -> None:
    """agsh/onvif issue 207."""
    empty = soap("<tds:GetCapabilitiesResponse><tds:Capabilities/></tds:GetCapabilitiesResponse>")
    answers = {"GetServices": lambda _: fault("ter:ActionNotSupported", "no"), "GetCapabilities": lambda _: empty}
    with OnvifDevice(answers=answers, media_path=path) as device:
        told = await ask(gateway, device)
    assert len(told.streams) == 2


@pytest.mark.parametrize(
    "told_time",
    [
        "<tds:GetSystemDateAndTimeResponse/>",
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime/></tds:GetSystemDateAndTimeResponse>",
        re.sub(r"<tt:Minute>\d+", "<tt:Minute>61", system_time(datetime.now(UTC))),
        re.sub(r"<tt:(Year|Month|Day)>\d+", r"<tt:\1>0", system_time(datetime.now(UTC))),
        re.sub(r"<tt:Hour>\d+", "<tt:Hour>noon", system_time(datetime.now(UTC))),
    ],
)
async def test_quirk_3_nonsense_in_the_date_is_no_obstacle(gateway: ZeepOnvifGateway, told_time: str) -> None:
    """agsh/onvif pull request 65, home-assistant/core issue 124086 and pull request 66357."""
    with OnvifDevice(answers={"GetSystemDateAndTime": lambda _: soap(told_time)}) as device:
        told = await ask(gateway, device)
    assert told.device.clock_offset_s is None
    assert len(told.streams) == 2


@pytest.mark.parametrize("offset", [timedelta(hours=1), -timedelta(days=365 * 26)])
async def test_the_offset_of_the_devices_clock_is_told(gateway: ZeepOnvifGateway, offset: timedelta) -> None:
    with OnvifDevice(clock_offset=offset) as device:
        told = await ask(gateway, device)
    assert told.device.clock_offset_s == pytest.approx(offset.total_seconds(), abs=2)


async def test_quirk_30_profiles_with_holes_are_read(gateway: ZeepOnvifGateway) -> None:
    """easy_onvif_workspace issue 20: an encoder without Encoding; a metadata profile."""
    profiles = (
        Profile("metadata", source=None, encoding=None, size=None),
        Profile("bare", encoding=None, size=None),
        Profile("sized", encoding=None, size=(800, 600)),
    )
    with OnvifDevice(profiles=profiles) as device:
        told = await ask(gateway, device)
    assert [channel.profiles for channel in told.channels] == [("bare", "sized")]
    assert [(stream.profile, stream.codec, stream.width) for stream in told.streams] == [("sized", None, 800)]


async def test_elements_in_the_wrong_order_are_read(gateway: ZeepOnvifGateway) -> None:
    def reversed_(_request: Request) -> Response:
        return soap(
            '<trt:GetProfilesResponse><trt:Profiles token="a"><tt:VideoEncoderConfiguration><tt:Resolution>'
            "<tt:Height>360</tt:Height><tt:Width>640</tt:Width></tt:Resolution><tt:Encoding>H264</tt:Encoding>"
            "</tt:VideoEncoderConfiguration><tt:VideoSourceConfiguration><tt:SourceToken>s</tt:SourceToken>"
            "</tt:VideoSourceConfiguration><tt:Name>n</tt:Name></trt:Profiles></trt:GetProfilesResponse>"
        )

    with OnvifDevice(
        answers={"GetProfiles": reversed_, "GetStreamUri": lambda _: soap(stream_uri("rtsp://x/"))}
    ) as device:
        told = await ask(gateway, device)
    assert told.channels[0].name == "n"
    assert (told.streams[0].codec, told.streams[0].width, told.streams[0].height) == ("h264", 640, 360)


async def test_a_device_without_device_information_is_still_read(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice(answers={"GetDeviceInformation": lambda _: fault("ter:ActionNotSupported", "no")}) as device:
        told = await ask(gateway, device)
    assert told.device.maker is None
    assert len(told.streams) == 2


@pytest.mark.parametrize(
    ("uri", "port", "path"),
    [
        ("\n rtsp://10.9.8.7:8554/a \n rtsp://10.9.8.7/b", 8554, "/a"),
        ("rtsp://admin:p@ss/w?rd@10.9.8.7:8106:8106/a?x=1&y=2", 8106, "/a?x=1&y=2"),
        ("rtsp://127.0.1.1/a", 554, "/a"),
    ],
)
async def test_quirks_13_15_17_18_a_stream_is_sought_at_the_address_that_we_reached(
    gateway: ZeepOnvifGateway, uri: str, port: int, path: str
) -> None:
    """home-assistant/core issues 163938, 41815 and 92603; AlexxIT/go2rtc issue 638."""
    with OnvifDevice(profiles=(MAIN,), answers={"GetStreamUri": lambda _: soap(stream_uri(uri))}) as device:
        told = await ask(gateway, device)
    (stream,) = told.streams
    assert stream.source == RtspSource(address="127.0.0.1", port=port, path=path)
    assert "p@ss" not in stream.original_uri


async def test_a_named_profile_needs_no_other_profile(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice(profiles=(MAIN, SUB)) as device:
        told = await ask(gateway, device, profile="main")
    assert [stream.role for stream in told.streams] == ["main", "sub"]


async def test_a_device_is_reached_over_ipv6(gateway: ZeepOnvifGateway) -> None:
    with OnvifDevice(address="::1") as device:
        told = await ask(gateway, device)
    assert told.streams[0].source.address == "::1"
    assert device.requests[0].headers["host"] == f"[::1]:{device.port}"
