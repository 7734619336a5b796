"""The questions put to one device, in their order, and what is made of the answers. Blocking; runs in a thread."""

import contextlib
from typing import Literal

from services.contracts.camera import Channel, DeviceFacts, DeviceStream, Interrogation, OnvifSource, RtspSource
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.onvif import answers
from services.ingest.onvif.channels import Profile, VideoChannel, find_profile, group_channels
from services.ingest.onvif.clock import offset_s
from services.ingest.onvif.conversation import Conversation, Declined, SignInWanted, Unanswered
from services.ingest.onvif.library import MEDIA_NAMESPACE, Device
from services.ingest.onvif.negotiation import Signature
from services.ingest.onvif.uris import read_stream_uri

#: Where the media service is when the device does not say, most common first.
_MEDIA_PATHS = ("/onvif/media_service", "/onvif/Media", "/onvif/media", "/onvif/device_service")
_AUTH_MODES: dict[Signature, Literal["none", "digest", "wsse"]] = {
    Signature.NONE: "none",
    Signature.DIGEST: "digest",
    Signature.WSSE: "wsse",
}


def interrogate(conversation: Conversation, source: OnvifSource) -> Interrogation:
    """Ask everything. Raises CameraFault."""
    questions = _Questions(conversation)
    try:
        questions.begin()
        information = questions.device_information()
        channels = group_channels(questions.profiles())
        conversation.reached(Rung.AUTHORIZED)
        if not channels:
            raise CameraFault(Reason.NO_VIDEO, conversation.rung, "no profile of the device has a video source")
        streams = _streams(questions, source, channels)
    except Unanswered as error:
        raise CameraFault(Reason.ONVIF_FAILED, conversation.rung, error.detail) from error
    facts = DeviceFacts(
        maker=answers.text(information, "Manufacturer"),
        model=answers.text(information, "Model"),
        firmware=answers.text(information, "FirmwareVersion"),
        serial=answers.text(information, "SerialNumber"),
        auth_mode=_AUTH_MODES[conversation.signature],
        clock_offset_s=conversation.clock_offset_s,
    )
    return Interrogation(device=facts, channels=tuple(map(_channel, channels)), streams=streams)


def _streams(
    questions: "_Questions", source: OnvifSource, channels: tuple[VideoChannel, ...]
) -> tuple[DeviceStream, ...]:
    """The streams of the channel that is meant; none when there are several and none is named."""
    if source.profile is not None:
        found = find_profile(channels, source.profile)
        if found is None:
            tokens = ", ".join(channel.main.token for channel in channels)[:500]
            raise CameraFault(
                Reason.CHANNEL_REQUIRED, Rung.AUTHORIZED, f"no profile has this token; the channels are: {tokens}"
            )
        channel, main = found
    elif len(channels) > 1:
        return ()
    else:
        channel, main = channels[0], channels[0].main
    streams = [questions.stream("main", main, source.address)]
    sub = channel.sub(main)
    if sub is not None:
        try:
            streams.append(questions.stream("sub", sub, source.address))
        except Unanswered:
            # A camera without a sub stream is whole.
            return tuple(streams)
    return tuple(streams)


def _channel(channel: VideoChannel) -> Channel:
    main = channel.main
    return Channel(
        profile=main.token,
        profiles=tuple(profile.token for profile in channel.profiles),
        name=main.name or main.token,
        codec=main.codec,
        width=main.width,
        height=main.height,
    )


class _Questions:
    """The calls to one device, by the services of onvif-zeep."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._device = Device(conversation)
        self._services = self._device.create_devicemgmt_service()

    def begin(self) -> None:
        """Read the clock, which needs no credentials, and see whether this is an ONVIF device at all."""
        try:
            self._read_clock()
        except SignInWanted:
            # Some devices guard even this (lumeohq/onvif-rs pull request 65). It proves that they are there.
            pass
        except Unanswered:
            if self._conversation.rung.height < Rung.ANSWERING.height:
                raise
        self._conversation.anonymous = False

    def device_information(self) -> object:
        """What the device says of itself, or None. The first call that needs credentials: it settles how to sign in."""
        conversation = self._conversation
        try:
            told: object = self._services.GetDeviceInformation()
            conversation.reached(Rung.AUTHORIZED)
        except Declined:
            told = None
        if conversation.clock_offset_s is None and conversation.signature is not Signature.NONE:
            # Without credentials it was not to be had, or it was nonsense.
            with contextlib.suppress(Unanswered):
                self._read_clock()
        return told

    def profiles(self) -> list[Profile]:
        """The media profiles, from wherever the media service is."""
        told = self._media_path()
        failure: Unanswered | None = None
        for path in (told,) if told else _MEDIA_PATHS:
            self._device.locate(MEDIA_NAMESPACE, path)
            try:
                return answers.profiles(self._device.create_media_service().GetProfiles())
            except Unanswered as error:
                failure = failure or error
        raise failure or Unanswered("GetProfiles: no media service")

    def stream(self, role: Literal["main", "sub"], profile: Profile, address: str) -> DeviceStream:
        """The stream of a profile, at the address we reached. Raises Unanswered if there is no usable one."""
        setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
        media = self._device.services["media"]
        uri = read_stream_uri(answers.uri(media.GetStreamUri({"StreamSetup": setup, "ProfileToken": profile.token})))
        if uri is None:
            raise Unanswered("GetStreamUri: the answer holds no RTSP address")
        return DeviceStream(
            role=role,
            profile=profile.token,
            source=RtspSource(address=address, port=uri.port, path=uri.path),
            original_uri=uri.original,
            codec=profile.codec,
            width=profile.width,
            height=profile.height,
        )

    def _read_clock(self) -> None:
        clock = self._conversation.clock
        asked = clock.now()
        told = answers.system_time(self._services.GetSystemDateAndTime())
        if told is not None:
            self._conversation.clock_offset_s = offset_s(told, asked, clock.now())

    def _media_path(self) -> str | None:
        """The path of the media service as the device tells it.

        GetServices is missing on older devices (quatanium/python-onvif pull request 30). GetCapabilities needs its
        category named (IOTechSystems/onvif issue 20).
        """
        try:
            path = answers.path_in_services(self._services.GetServices({"IncludeCapability": False}), MEDIA_NAMESPACE)
        except Unanswered:
            path = None
        if path is None:
            try:
                path = answers.path_in_capabilities(self._services.GetCapabilities({"Category": "All"}), "Media")
            except Unanswered:
                path = None
        return path
