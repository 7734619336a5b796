"""Findings of searches: made fit for a row, and matched with registered devices."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from services.contracts.discovery import Found
from services.registry.identity import KnownDevice, recognise
from services.registry.tables import Device

FoundList: TypeAdapter[list[Found]] = TypeAdapter(list[Found])

#: Longer texts, and longer lists within one finding, are cut: devices say anything.
_TEXT_MAX = 2048
_LIST_MAX = 512


def as_json(found: Sequence[Found]) -> list[dict[str, Any]]:
    """Findings for a row, without control characters, which PostgreSQL's JSON does not take."""
    cleaned: list[dict[str, Any]] = [_clean(finding.model_dump(mode="json")) for finding in found]
    return cleaned


def recognised(found: Sequence[Found], devices: Sequence[Device]) -> tuple[list[Found], Mapping[int, UUID]]:
    """The findings with ``known_device_id``, and the same by index. What a finding said of it before is not believed."""
    known = recognise(found, [KnownDevice.of(device) for device in devices])
    told = [finding.model_copy(update={"known_device_id": known.get(place)}) for place, finding in enumerate(found)]
    return told, known


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(char for char in value[:_TEXT_MAX] if char.isprintable())
    if isinstance(value, list):
        return [_clean(item) for item in value[:_LIST_MAX]]
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    return value
