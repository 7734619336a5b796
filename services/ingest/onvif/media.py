"""The media services of one device: Media1, and Media2 where there is one, as if they were one."""

import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

from services.ingest.onvif import answers
from services.ingest.onvif.channels import MediaService, Profile, merge_profiles
from services.ingest.onvif.conversation import Conversation, Declined, Unanswered
from services.ingest.onvif.library import MEDIA2_NAMESPACE, MEDIA_NAMESPACE, Device
from services.ingest.onvif.uris import StreamUri, read_stream_uri, snapshot_path

#: Where the media service is when the device does not say, most common first.
_MEDIA_PATHS = ("/onvif/media_service", "/onvif/Media", "/onvif/media", "/onvif/device_service")
#: Longest wait for Media2 where Media1 answers, too.
_SECOND_OPINION_S = 5.0
_SETUP = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
#: Media2 Service Specification, GetStreamUri. The first is RTP inside the RTSP connection, as we watch; the URI is the
#: same for all three, and some devices know not all of the words.
_PROTOCOLS = ("RTSP", "RtspUnicast", "RtspOverHttp")

_T = TypeVar("_T")


class Media:
    """Profiles and addresses. ``services`` are the services that the device told, with their paths."""

    def __init__(self, conversation: Conversation, device: Device, services: dict[str, str | None]) -> None:
        self._conversation = conversation
        self._device = device
        self._services = services
        self._media1: Any = None
        self._media2: Any = None
        self._protocols: tuple[str, ...] = _PROTOCOLS

    def profiles(self) -> list[Profile]:
        """The profiles of both services, by token. Where there is Media1, Media2 only adds to it. Raises Unanswered."""
        path2 = self._services.get(MEDIA2_NAMESPACE)
        if path2 is None:
            return self._profiles1()
        older: list[Profile] = []
        # A device that names its services without Media1 has none (Profile T alone).
        if MEDIA_NAMESPACE in self._services:
            with contextlib.suppress(Unanswered):
                older = self._profiles1()
        if not older:
            return self._profiles2(path2)
        with contextlib.suppress(Unanswered), self._conversation.modestly(_SECOND_OPINION_S):
            return merge_profiles(older, self._profiles2(path2))
        return older

    def stream(self, profile: Profile) -> StreamUri:
        """The stream of a profile. Raises Unanswered if there is no usable one."""
        return self._ask(profile, self._stream2, self._stream1)

    def snapshot(self, profile: Profile) -> str | None:
        """The path of a JPEG of the profile over HTTP; None for one that is nowhere, or not to be had over HTTP."""

        def ask(service: Any) -> str | None:
            return snapshot_path(answers.uri(service.GetSnapshotUri({"ProfileToken": profile.token})))

        return self._ask(profile, lambda _: ask(self._media2), lambda _: ask(self._media1))

    def _ask(self, profile: Profile, second: Callable[[str], _T], first: Callable[[str], _T]) -> _T:
        """Ask Media2 if it knows the profile, and Media1 if that fails or knows it alone."""
        if MediaService.MEDIA2 not in profile.services:
            return first(profile.token)
        if MediaService.MEDIA1 not in profile.services:
            return second(profile.token)
        with contextlib.suppress(Unanswered), self._conversation.modestly(_SECOND_OPINION_S):
            return second(profile.token)
        return first(profile.token)

    def _profiles1(self) -> list[Profile]:
        told = self._services.get(MEDIA_NAMESPACE)
        failure: Unanswered | None = None
        for path in (told,) if told else _MEDIA_PATHS:
            self._device.locate(MEDIA_NAMESPACE, path)
            self._media1 = self._device.create_media_service()
            try:
                return answers.profiles(self._media1.GetProfiles())
            except Unanswered as error:
                failure = failure or error
        raise failure or Unanswered("GetProfiles: no media service")

    def _profiles2(self, path: str) -> list[Profile]:
        self._device.locate(MEDIA2_NAMESPACE, path)
        self._media2 = self._device.create_media2_service()
        # Without a type a device gives tokens and names only.
        return answers.profiles2(self._media2.GetProfiles({"Type": ["VideoSource", "VideoEncoder"]}))

    def _stream1(self, token: str) -> StreamUri:
        return _usable(self._media1.GetStreamUri({"StreamSetup": _SETUP, "ProfileToken": token}))

    def _stream2(self, token: str) -> StreamUri:
        declined: Declined | None = None
        for protocol in self._protocols:
            try:
                found = _usable(self._media2.GetStreamUri({"Protocol": protocol, "ProfileToken": token}))
            except Declined as error:
                declined = declined or error
            else:
                self._protocols = (protocol,)
                return found
        raise declined or Unanswered("GetStreamUri: no protocol")


def _usable(answer: Any) -> StreamUri:
    uri = read_stream_uri(answers.uri(answer))
    if uri is None:
        raise Unanswered("GetStreamUri: the answer holds no RTSP address")
    return uri
