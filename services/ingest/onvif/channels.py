"""From media profiles to channels and streams. A recorder has one profile or more for each of its channels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntFlag


class MediaService(IntFlag):
    """The media services that know a profile."""

    MEDIA1 = 1
    MEDIA2 = 2


@dataclass(frozen=True, slots=True)
class Profile:
    """One media profile. Everything but the token may be missing: metadata profiles, sparse firmware."""

    token: str
    name: str | None = None
    has_source: bool = False
    source_token: str | None = None
    has_encoder: bool = False
    codec: str | None = None
    width: int | None = None
    height: int | None = None
    services: MediaService = MediaService.MEDIA1
    #: Tokens of its configurations of video source and encoder, by which events may name it.
    configurations: tuple[str, ...] = ()

    @property
    def area(self) -> int:
        """Pixels of the picture; 0 when unknown."""
        return (self.width or 0) * (self.height or 0)


@dataclass(frozen=True, slots=True)
class VideoChannel:
    """The profiles that show one video source, in the order of the device."""

    source_token: str
    profiles: tuple[Profile, ...]

    @property
    def main(self) -> Profile:
        """The profile with the largest picture; among equals one with a video codec, then the first."""
        return max(self.profiles, key=lambda profile: (profile.area, profile.codec in VIDEO_CODECS))

    @property
    def sources(self) -> tuple[str, ...]:
        """Tokens by which events name the channel: of its video source, then of its configurations."""
        configured = (token for profile in self.profiles for token in profile.configurations)
        return tuple(dict.fromkeys(token for token in (self.source_token, *configured) if token))

    def sub(self, main: Profile) -> Profile | None:
        """The profile with the smallest picture, smaller than that of ``main``; H.264 first, since browsers play it."""
        smaller = [profile for profile in self.profiles if 0 < profile.area < main.area and profile.token != main.token]
        return min(smaller, key=lambda profile: (profile.codec != "h264", profile.area), default=None)


VIDEO_CODECS = frozenset({"h264", "h265"})

_CODECS = {"h264": "h264", "h265": "h265", "hevc": "h265", "jpeg": "mjpeg", "mjpeg": "mjpeg", "mpeg4": "mpeg4"}


def codec_name(encoding: str | None) -> str | None:
    """Our name of a codec. The SDP of the stream is believed more: Media1 cannot say H.265."""
    if not encoding:
        return None
    plain = "".join(letter for letter in encoding.lower() if letter.isalnum())
    return _CODECS.get(plain, plain or None)


def merge_profiles(first: Sequence[Profile], second: Sequence[Profile]) -> list[Profile]:
    """The profiles of Media1 and Media2 together, by token; Media1 gives the order.

    What Media2 says of the encoder holds: Media1 shows H.265 as H.264 or as nothing (agsh/onvif pull request 187,
    sr99622/libonvif issue 113). Profiles of Media2 alone come last.
    """
    newer = {profile.token: profile for profile in reversed(second)}
    merged = [_merged(profile, newer.pop(profile.token, None)) for profile in first]
    return merged + [profile for profile in second if newer.pop(profile.token, None) is not None]


def _merged(old: Profile, new: Profile | None) -> Profile:
    if new is None:
        return old
    sized = new.width is not None and new.height is not None
    return replace(
        old,
        name=old.name or new.name,
        has_source=old.has_source or new.has_source,
        source_token=old.source_token or new.source_token,
        has_encoder=old.has_encoder or new.has_encoder,
        codec=new.codec or old.codec,
        width=new.width if sized else old.width,
        height=new.height if sized else old.height,
        services=old.services | new.services,
        configurations=tuple(dict.fromkeys(old.configurations + new.configurations)),
    )


def group_channels(profiles: Iterable[Profile]) -> tuple[VideoChannel, ...]:
    """One channel for each video source, in the order in which the device first names it (agsh/onvif issue 328).

    Profiles without a video source (metadata, audio) are left out. If none has one, those with a video encoder are
    taken for the only channel.
    """
    unique = list({profile.token: profile for profile in reversed(list(profiles))}.values())[::-1]
    chosen = [profile for profile in unique if profile.has_source] or [p for p in unique if p.has_encoder]
    sources: dict[str, list[Profile]] = {}
    for profile in chosen:
        sources.setdefault(profile.source_token or "", []).append(profile)
    return tuple(VideoChannel(token, tuple(members)) for token, members in sources.items())


def find_profile(channels: Sequence[VideoChannel], token: str) -> tuple[VideoChannel, Profile] | None:
    """The channel that holds the profile with this token, and the profile."""
    for channel in channels:
        for profile in channel.profiles:
            if profile.token == token:
                return channel, profile
    return None
