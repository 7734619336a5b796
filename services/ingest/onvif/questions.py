"""The questions that can be put to one device, by the services of onvif-zeep. Blocking; runs in a thread."""

import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from services.contracts.camera import DeviceFacts, DeviceStream, RtspSource
from services.contracts.ladder import Rung
from services.ingest.onvif import answers
from services.ingest.onvif.channels import Profile
from services.ingest.onvif.clock import offset_s
from services.ingest.onvif.conversation import Conversation, Declined, SignInWanted, Unanswered
from services.ingest.onvif.identity import endpoint_reference, mac_reached
from services.ingest.onvif.library import Device
from services.ingest.onvif.media import Media
from services.ingest.onvif.negotiation import Signature

#: Longest wait for what is good to know and not needed.
_ASIDE_S = 3.0
#: Names that firmware gives when nobody gave one.
_NO_NAME = frozenset({"localhost", "(none)", "none"})
_AUTH_MODES: dict[Signature, Literal["none", "digest", "wsse"]] = {
    Signature.NONE: "none",
    Signature.DIGEST: "digest",
    Signature.WSSE: "wsse",
}


class Questions:
    """Of one visit. ``path`` is that of the device service."""

    def __init__(self, conversation: Conversation, path: str) -> None:
        self._conversation = conversation
        self._library = Device(conversation, path)
        self._device = self._library.create_devicemgmt_service()
        self._media: Media | None = None
        self._rtsp_port: int | None = None
        self._asked_rtsp_port = False
        #: What GetSystemDateAndTime told last.
        self.clock_answer: Any = None
        #: Paths of services by namespace.
        self.services: dict[str, str | None] = {}
        conversation.reread_clock = self.read_clock

    def begin(self) -> None:
        """Read the clock, which needs no credentials, and see whether this is an ONVIF device at all."""
        try:
            self.read_clock()
        except SignInWanted:
            # Some devices guard even this (lumeohq/onvif-rs pull request 65). It proves that they are there.
            pass
        except Unanswered:
            if self._conversation.rung.height < Rung.ANSWERING.height:
                raise
        self._conversation.anonymous = False

    def read_clock(self) -> None:
        """Ask the time, and keep by how much it differs from ours."""
        clock = self._conversation.clock
        asked = clock.now()
        self.clock_answer = self._device.GetSystemDateAndTime()
        told = answers.system_time(self.clock_answer)
        if told is not None:
            self._conversation.clock_offset_s = offset_s(told, asked, clock.now())

    def information(self) -> DeviceFacts:
        """What the device says of itself. The first call that needs credentials: it settles how to sign in."""
        conversation = self._conversation
        try:
            told: object = self._device.GetDeviceInformation()
            conversation.reached(Rung.AUTHORIZED)
        except Declined:
            told = None
        if conversation.clock_offset_s is None and conversation.account.accepted:
            # Without credentials it was not to be had, or it was nonsense.
            with contextlib.suppress(Unanswered):
                self.read_clock()
        return DeviceFacts(
            maker=answers.text(told, "Manufacturer"),
            model=answers.text(told, "Model"),
            firmware=answers.text(told, "FirmwareVersion"),
            serial=answers.text(told, "SerialNumber"),
        )

    def identified(self, facts: DeviceFacts) -> DeviceFacts:
        """The facts with MAC and endpoint reference, where they are to be had."""
        conversation = self._conversation
        interfaces = self._aside(self._device.GetNetworkInterfaces)
        reference = self._aside(self._device.GetEndpointReference)
        told = reference if isinstance(reference, str) else answers.text(reference, "GUID")
        return facts.model_copy(
            update={
                "mac": mac_reached(answers.interfaces(interfaces), conversation.endpoint.address),
                "endpoint": endpoint_reference(answers.one_line(told) if told else None),
            }
        )

    def name(self) -> str | None:
        """The host name, or else the name in the scopes."""
        name = answers.text(self._aside(self._device.GetHostname), "Name")
        if name is not None and name.lower() not in _NO_NAME:
            return name
        return answers.name_in_scopes(self._aside(self._device.GetScopes))

    def talked(self, facts: DeviceFacts) -> DeviceFacts:
        """The facts with what the conversation itself showed."""
        conversation = self._conversation
        return facts.model_copy(
            update={
                "auth_mode": _AUTH_MODES[conversation.account.signature],
                "clock_offset_s": conversation.clock_offset_s,
                "certificate": conversation.certificate,
                "services": tuple(self.services),
            }
        )

    def find_services(self) -> None:
        """Which services there are, and where.

        GetServices is missing on older devices (quatanium/python-onvif pull request 30). GetCapabilities needs its
        category named (IOTechSystems/onvif issue 20).
        """
        with contextlib.suppress(Unanswered):
            self.services = answers.services(self._device.GetServices({"IncludeCapability": False}))
        if not any("/media/" in namespace and path for namespace, path in self.services.items()):
            with contextlib.suppress(Unanswered):
                told = answers.services_in_capabilities(self._device.GetCapabilities({"Category": "All"}))
                self.services = self.services | {name: path for name, path in told.items() if path}

    def profiles(self) -> list[Profile]:
        """The media profiles, from wherever the media services are. Raises Unanswered."""
        self._media = Media(self._conversation, self._library, self.services)
        return self._media.profiles()

    def stream(self, role: Literal["main", "sub"], profile: Profile) -> DeviceStream:
        """The stream of a profile, at the address we reached. Raises Unanswered if there is no usable one."""
        uri = self._asked_media.stream(profile)
        port = uri.port
        if port in {self._conversation.endpoint.port, 80, 443}:
            # The port of its web pages, in a stream address (roflcoopter/easy_onvif_workspace issue 39).
            port = self._told_rtsp_port() or port
        return DeviceStream(
            role=role,
            profile=profile.token,
            source=RtspSource(address=self._conversation.endpoint.address, port=port, path=uri.path),
            original_uri=uri.original,
            codec=profile.codec,
            width=profile.width,
            height=profile.height,
        )

    def snapshot(self, profile: Profile) -> str | None:
        """The path of a JPEG of a profile; None if there is none."""
        with contextlib.suppress(Unanswered):
            return self._asked_media.snapshot(profile)
        return None

    def set_clock(self, to: datetime) -> None:
        """Set the clock by hand to this time. The time zone stays what the device said it is. Raises Unanswered."""
        zone, saving = answers.time_zone(self.clock_answer)
        self._device.SetSystemDateAndTime(
            {
                "DateTimeType": "Manual",
                "DaylightSavings": saving,
                **({"TimeZone": {"TZ": zone}} if zone else {}),
                "UTCDateTime": {
                    "Time": {"Hour": to.hour, "Minute": to.minute, "Second": to.second},
                    "Date": {"Year": to.year, "Month": to.month, "Day": to.day},
                },
            }
        )

    @property
    def _asked_media(self) -> Media:
        if self._media is None:
            raise Unanswered("the profiles were not asked for")
        return self._media

    def _told_rtsp_port(self) -> int | None:
        if not self._asked_rtsp_port:
            self._asked_rtsp_port = True
            self._rtsp_port = answers.rtsp_port(self._aside(self._device.GetNetworkProtocols))
        return self._rtsp_port

    def _aside(self, call: Callable[[], Any]) -> Any:
        """The answer to a question that can do without one; None then."""
        with contextlib.suppress(Unanswered), self._conversation.modestly(_ASIDE_S):
            return call()
        return None
