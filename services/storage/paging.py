"""Keyset pages: the cursor names the last row seen, so nothing is lost or doubled while rows are added."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from services.contracts.errors import Fault, Invalid

T = TypeVar("T")

#: Most items in one page.
LIMIT_MAX = 500


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page: up to ``limit`` items after the one with id ``after``."""

    limit: int = 100
    after: UUID | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items and, unless they are the last, the cursor of the next page."""

    items: Sequence[T]
    next_cursor: str | None


class CursorInvalid(Invalid):
    """This cursor is not one of ours. Begin again without a cursor."""

    code = "cursor-invalid"

    def __init__(self) -> None:
        super().__init__(faults=(Fault("/cursor", "is not a cursor of this list"),))


def page_request(limit: int, cursor: str | None) -> PageRequest:
    """The request in the words of the API. Raises CursorInvalid."""
    if cursor is None:
        return PageRequest(limit)
    try:
        raw = base64.b64decode(cursor, altchars=b"-_", validate=True)
        if len(raw) != 17 or raw[0] != 1:
            raise CursorInvalid
        return PageRequest(limit, UUID(bytes=raw[1:]))
    except (binascii.Error, ValueError) as error:
        raise CursorInvalid from error


def page_of(rows: Sequence[T], request: PageRequest, key: Callable[[T], UUID]) -> Page[T]:
    """A page from rows that were fetched with ``limit + 1``, in the order of ``key``."""
    items = rows[: request.limit]
    more = len(rows) > request.limit
    return Page(items, base64.urlsafe_b64encode(b"\x01" + key(items[-1]).bytes).decode() if more else None)
