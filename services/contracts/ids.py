"""Identifiers. Every id is a UUID of version 7 (RFC 9562), so that rows sort by the time they were made."""

from typing import TypeAlias
from uuid import UUID

import uuid_utils.compat

FacilityId: TypeAlias = UUID
DeviceId: TypeAlias = UUID
CameraId: TypeAlias = UUID
WorkerId: TypeAlias = UUID
PrincipalId: TypeAlias = UUID

#: ``<edition>-<code>``, for example ``2021-24``: a bare GSO code is ambiguous, seven changed meaning on 1 July 2025.
ProvinceUnitId: TypeAlias = str


def new_id() -> UUID:
    """A new time-ordered id."""
    return uuid_utils.compat.uuid7()
