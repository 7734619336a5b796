"""Checks of single fields. All faults of a request are collected, so that one answer names them together."""

import unicodedata
from collections.abc import Collection
from datetime import UTC, datetime

from services.contracts.errors import Fault, Invalid

_FIRST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
_LAST_MOMENT = datetime(2200, 1, 1, tzinfo=UTC)

#: Line breaks are text; other control characters and lone surrogates are not, and PostgreSQL refuses some of them.
_BREAKS = frozenset("\n\r\t")


class Fields:
    """Collects what is wrong with the fields of a request."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def fault(self, pointer: str, detail: str) -> None:
        self.faults.append(Fault(pointer, detail))

    def text(self, pointer: str, value: str | None, longest: int, *, required: bool = False) -> None:
        """Text of at most ``longest`` characters; blank text counts as none."""
        if value is None or not value.strip():
            if required:
                self.fault(pointer, "is required")
            return
        if len(value) > longest:
            self.fault(pointer, f"has {len(value)} characters; at most {longest} are kept")
        elif any(unicodedata.category(sign) in {"Cc", "Cs"} and sign not in _BREAKS for sign in value):
            self.fault(pointer, "holds control characters")

    def number(self, pointer: str, value: float | None, least: float, most: float) -> None:
        """A number within bounds; NaN is in no bounds."""
        if value is not None and not least <= value <= most:
            self.fault(pointer, f"must be from {least:g} to {most:g}")

    def moment(self, pointer: str, value: datetime | None) -> None:
        """An aware moment of this programme's lifetime."""
        if value is None:
            return
        if value.tzinfo is None:
            self.fault(pointer, "needs a time zone, for example +07:00")
        elif not _FIRST_MOMENT <= value <= _LAST_MOMENT:
            self.fault(pointer, "lies outside the years 2000 to 2199")

    def past(self, pointer: str, value: datetime | None, now: datetime) -> None:
        """A moment that has been."""
        before = len(self.faults)
        self.moment(pointer, value)
        if value is not None and len(self.faults) == before and value > now:
            self.fault(pointer, "lies in the future")

    def one_of(self, pointer: str, value: object, allowed: Collection[object], because: str) -> None:
        if value not in allowed:
            self.fault(pointer, because)

    def verify(self, detail: str = "Some values cannot be accepted.") -> None:
        """Raises Invalid with all faults found, if any."""
        if self.faults:
            raise Invalid(detail, faults=self.faults)
