"""What is taken from the objects that zeep makes of replies. Every field may be missing or hold nonsense."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from services.ingest.onvif.channels import Profile, codec_name
from services.ingest.onvif.clock import device_time
from services.ingest.onvif.uris import service_path

_MAX_TEXT = 128
_MAX_TOKEN = 256
_MAX_PROFILES = 1024
_MAX_PIXELS = 32768


def text(answer: Any, *names: str) -> str | None:
    """The text of a member of a member, on one line; None when it is missing or empty."""
    value = _member(answer, *names)
    if not isinstance(value, str):
        return None
    line = "".join(letter for letter in " ".join(value.split()) if letter.isprintable())
    return line[:_MAX_TEXT] or None


def system_time(answer: Any) -> datetime | None:
    """The device's time in a SystemDateTime."""
    date = _member(answer, "UTCDateTime", "Date")
    time = _member(answer, "UTCDateTime", "Time")
    return device_time(
        *(_member(date, name) for name in ("Year", "Month", "Day")),
        *(_member(time, name) for name in ("Hour", "Minute", "Second")),
    )


def path_in_services(answer: Any, namespace: str) -> str | None:
    """The path of a service in the answer to GetServices."""
    for service in _listed(answer, "Service"):
        if text(service, "Namespace") == namespace:
            return service_path(_member(service, "XAddr"))
    return None


def path_in_capabilities(answer: Any, category: str) -> str | None:
    """The path of a service in the answer to GetCapabilities."""
    return service_path(_member(answer, category, "XAddr"))


def profiles(answer: Any) -> list[Profile]:
    """The media profiles in the answer to GetProfiles; those without a usable token are left out."""
    found = (_profile(item) for item in _listed(answer, "Profiles")[:_MAX_PROFILES])
    return [profile for profile in found if profile is not None]


def uri(answer: Any) -> str | None:
    """The address in the answer to GetStreamUri."""
    value = _member(answer, "Uri")
    return value if isinstance(value, str) else None


def _profile(item: Any) -> Profile | None:
    token = _member(item, "token")
    if not isinstance(token, str) or not token or len(token) > _MAX_TOKEN or not token.isprintable():
        return None
    source = _member(item, "VideoSourceConfiguration")
    encoder = _member(item, "VideoEncoderConfiguration")
    return Profile(
        token=token,
        name=text(item, "Name"),
        has_source=source is not None,
        source_token=text(source, "SourceToken") or text(source, "token"),
        has_encoder=encoder is not None,
        codec=codec_name(text(encoder, "Encoding")),
        width=_pixels(encoder, "Width"),
        height=_pixels(encoder, "Height"),
    )


def _pixels(encoder: Any, name: str) -> int | None:
    value = _member(encoder, "Resolution", name)
    return value if isinstance(value, int) and 0 < value <= _MAX_PIXELS else None


def _member(answer: Any, *names: str) -> Any:
    for name in names:
        answer = getattr(answer, name, None)
    return answer


def _listed(answer: Any, name: str) -> list[Any]:
    """The items of an answer, which zeep unwraps into a list unless something else stands beside them."""
    items = answer if isinstance(answer, list) else _member(answer, name)
    return list(items) if isinstance(items, Iterable) else []
