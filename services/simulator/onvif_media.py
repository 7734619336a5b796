"""The answers of the ONVIF media services: the old one (media.wsdl) and Media2 (ver20 media.wsdl)."""

from collections.abc import Callable

from services.simulator.channel import Channel, Stream
from services.simulator.onvif_view import SNAPSHOT_PATH, DeviceView
from services.simulator.pictures import Codec
from services.simulator.quirks import Quirk
from services.simulator.soap import Markup, SoapFault, SoapRequest, element

Operation = Callable[[DeviceView, SoapRequest], Markup]

#: Token of a profile without video.
_METADATA = "metadata"


def media_capabilities() -> Markup:
    """The typed capabilities of the old media service."""
    return element(
        "trt:Capabilities",
        element("trt:ProfileCapabilities", MaximumNumberOfProfiles=64),
        element("trt:StreamingCapabilities", RTPMulticast=False, RTP_TCP=False, RTP_RTSP_TCP=True),
        SnapshotUri=True,
    )


def media2_capabilities() -> Markup:
    """The typed capabilities of Media2."""
    kinds = "VideoSource VideoEncoder"
    return element(
        "tr2:Capabilities",
        element("tr2:ProfileCapabilities", MaximumNumberOfProfiles=64, ConfigurationsSupported=kinds),
        element("tr2:StreamingCapabilities", RTPMulticast=False, RTP_RTSP_TCP=True),
        SnapshotUri=True,
    )


def _video_sources(view: DeviceView, _: SoapRequest) -> Markup:
    sources = []
    for channel in view.channels:
        shown = channel.streams[0].mount.loop.format
        resolution = _resolution(channel.streams[0])
        sources.append(
            element("trt:VideoSources", element("tt:Framerate", shown.fps), resolution, token=channel.source_token)
        )
    return element("trt:GetVideoSourcesResponse", *sources)


def _profiles(view: DeviceView, _: SoapRequest) -> Markup:
    profiles = [
        _profile(view, "trt:Profiles", channel, stream)
        for channel in view.channels
        for stream in channel.streams
        if channel.codec is not Codec.H265 or not view.has(Quirk.H265_IN_MEDIA2_ONLY)
    ]
    if view.has(Quirk.METADATA_PROFILE):
        profiles.insert(0, element("trt:Profiles", element("tt:Name", "metadata"), token=_METADATA, fixed=True))
    return element("trt:GetProfilesResponse", *profiles)


def _one_profile(view: DeviceView, request: SoapRequest) -> Markup:
    channel, stream = view.find(request.argument("ProfileToken"))
    return element("trt:GetProfileResponse", _profile(view, "trt:Profile", channel, stream))


def _stream_uri(view: DeviceView, request: SoapRequest) -> Markup:
    _, stream = view.find(request.argument("ProfileToken"))
    return element("trt:GetStreamUriResponse", _media_uri(view.stream_uri(stream)))


def _snapshot_uri(view: DeviceView, request: SoapRequest) -> Markup:
    if view.has(Quirk.NO_SNAPSHOT):
        raise SoapFault("env:Receiver", ("ter:ActionNotSupported",), "there are no snapshots")
    _, stream = view.find(request.argument("ProfileToken"))
    return element("trt:GetSnapshotUriResponse", _media_uri(_snapshot(view, stream)))


def _media_uri(uri: str) -> Markup:
    return element(
        "trt:MediaUri",
        element("tt:Uri", uri),
        element("tt:InvalidAfterConnect", False),
        element("tt:InvalidAfterReboot", False),
        element("tt:Timeout", "PT0S"),
    )


def _snapshot(view: DeviceView, stream: Stream) -> str:
    if view.has(Quirk.SNAPSHOT_RTSP):
        return view.stream_uri(stream)
    return view.address(f"{SNAPSHOT_PATH}{stream.profile}.jpg")


def _profile(view: DeviceView, tag: str, channel: Channel, stream: Stream) -> Markup:
    return element(
        tag,
        element("tt:Name", f"{channel.name} {stream.role}"),
        _source_configuration("tt:VideoSourceConfiguration", channel),
        _encoder_configuration(view, stream),
        token=stream.profile,
        fixed=True,
    )


def _source_configuration(tag: str, channel: Channel) -> Markup:
    size = channel.streams[0].mount.loop.format.size
    return element(
        tag,
        element("tt:Name", channel.name),
        element("tt:UseCount", len(channel.streams)),
        element("tt:SourceToken", channel.source_token),
        element("tt:Bounds", x=0, y=0, width=size.width, height=size.height),
        token=f"{channel.source_token}-configuration",
    )


def _encoder_configuration(view: DeviceView, stream: Stream) -> Markup:
    """The old schema has no H.265, so an H.265 camera calls its streams H.264 there, as real ones do."""
    shown = stream.mount.loop.format
    if view.has(Quirk.ENCODER_WITHOUT_FACTS):
        return element("tt:VideoEncoderConfiguration", *_encoder_head(stream), token=_encoder_token(stream))
    address = element("tt:Address", element("tt:Type", "IPv4"), element("tt:IPv4Address", "0.0.0.0"))  # noqa: S104
    return element(
        "tt:VideoEncoderConfiguration",
        *_encoder_head(stream),
        element("tt:Encoding", "H264"),
        _resolution(stream),
        element("tt:Quality", 4),
        element(
            "tt:RateControl",
            element("tt:FrameRateLimit", shown.fps),
            element("tt:EncodingInterval", 1),
            element("tt:BitrateLimit", shown.kbps),
        ),
        element("tt:H264", element("tt:GovLength", shown.fps), element("tt:H264Profile", "High")),
        element("tt:Multicast", address, element("tt:Port", 0), element("tt:TTL", 0), element("tt:AutoStart", False)),
        element("tt:SessionTimeout", "PT60S"),
        token=_encoder_token(stream),
    )


def _service_capabilities(_: DeviceView, __: SoapRequest) -> Markup:
    return element("trt:GetServiceCapabilitiesResponse", media_capabilities())


def _profiles2(view: DeviceView, request: SoapRequest) -> Markup:
    token = request.argument("Token")
    kinds = set(request.arguments("Type"))
    listed = [(channel, stream) for channel in view.channels for stream in channel.streams]
    wanted = [view.find(token)] if token else listed
    profiles = [_profile2(view, channel, stream, kinds) for channel, stream in wanted]
    if view.has(Quirk.METADATA_PROFILE) and not token:
        profiles.insert(0, element("tr2:Profiles", element("tr2:Name", "metadata"), token=_METADATA, fixed=True))
    return element("tr2:GetProfilesResponse", *profiles)


def _profile2(view: DeviceView, channel: Channel, stream: Stream, kinds: set[str]) -> Markup:
    shown = stream.mount.loop.format
    configurations = []
    if kinds & {"All", "VideoSource"}:
        configurations.append(_source_configuration("tr2:VideoSource", channel))
    if kinds & {"All", "VideoEncoder"} and view.has(Quirk.ENCODER_WITHOUT_FACTS):
        configurations.append(element("tr2:VideoEncoder", *_encoder_head(stream), token=_encoder_token(stream)))
    elif kinds & {"All", "VideoEncoder"}:
        rate = element(
            "tt:RateControl",
            element("tt:FrameRateLimit", shown.fps),
            element("tt:BitrateLimit", shown.kbps),
            ConstantBitRate=False,
        )
        configurations.append(
            element(
                "tr2:VideoEncoder",
                *_encoder_head(stream),
                element("tt:Encoding", channel.codec.value.upper()),
                _resolution(stream),
                rate,
                element("tt:Quality", 4),
                token=_encoder_token(stream),
                GovLength=shown.fps,
                Profile="High" if channel.codec is Codec.H264 else "Main",
            )
        )
    name = element("tr2:Name", f"{channel.name} {stream.role}")
    shown_configurations = [element("tr2:Configurations", *configurations)] if configurations else []
    return element("tr2:Profiles", name, *shown_configurations, token=stream.profile, fixed=True)


def _stream_uri2(view: DeviceView, request: SoapRequest) -> Markup:
    _, stream = view.find(request.argument("ProfileToken"))
    return element("tr2:GetStreamUriResponse", element("tr2:Uri", view.stream_uri(stream)))


def _snapshot_uri2(view: DeviceView, request: SoapRequest) -> Markup:
    if view.has(Quirk.NO_SNAPSHOT):
        raise SoapFault("env:Receiver", ("ter:ActionNotSupported",), "there are no snapshots")
    _, stream = view.find(request.argument("ProfileToken"))
    return element("tr2:GetSnapshotUriResponse", element("tr2:Uri", _snapshot(view, stream)))


def _service_capabilities2(_: DeviceView, __: SoapRequest) -> Markup:
    return element("tr2:GetServiceCapabilitiesResponse", media2_capabilities())


def _encoder_token(stream: Stream) -> str:
    return f"{stream.profile}-encoder"


def _encoder_head(stream: Stream) -> tuple[Markup, Markup]:
    return element("tt:Name", _encoder_token(stream)), element("tt:UseCount", 1)


def _resolution(stream: Stream) -> Markup:
    size = stream.mount.loop.format.size
    return element("tt:Resolution", element("tt:Width", size.width), element("tt:Height", size.height))


MEDIA_OPERATIONS: dict[str, Operation] = {
    "trt:GetVideoSources": _video_sources,
    "trt:GetProfiles": _profiles,
    "trt:GetProfile": _one_profile,
    "trt:GetStreamUri": _stream_uri,
    "trt:GetSnapshotUri": _snapshot_uri,
    "trt:GetServiceCapabilities": _service_capabilities,
}
MEDIA2_OPERATIONS: dict[str, Operation] = {
    "tr2:GetProfiles": _profiles2,
    "tr2:GetStreamUri": _stream_uri2,
    "tr2:GetSnapshotUri": _snapshot_uri2,
    "tr2:GetServiceCapabilities": _service_capabilities2,
}
