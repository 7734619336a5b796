"""Categories of failure. The API maps categories, never single errors, to HTTP statuses.

The docstring of a concrete error is its default sentence; its ``code`` is the stable last part of the problem type.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One field at fault. ``pointer`` is an RFC 6901 JSON pointer into the request body; "" means the whole body."""

    pointer: str
    detail: str


class ServiceError(Exception):
    """The request could not be carried out."""

    code: ClassVar[str] = "error"

    def __init__(self, detail: str | None = None, *, faults: Sequence[Fault] = (), **extra: Any) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip().splitlines()[0]
        self.faults = tuple(faults)
        #: Members added to the problem document, for example the channels of a recorder. Never a secret.
        self.extra = extra
        super().__init__(self.detail)


class NotFound(ServiceError):
    """Nothing with this id exists within your provinces."""

    code = "not-found"


class Conflict(ServiceError):
    """The present state of the resource does not allow this."""

    code = "conflict"


class Invalid(ServiceError):
    """The request was understood but one of its values cannot be accepted."""

    code = "invalid"


class Unauthenticated(ServiceError):
    """A valid key is needed. Send it as `Authorization: Bearer vg_…`."""

    code = "unauthenticated"


class Forbidden(ServiceError):
    """Your key does not have the role this needs."""

    code = "forbidden"


class PreconditionFailed(ServiceError):
    """The resource changed since you read it. Read it again and repeat your change."""

    code = "precondition-failed"


class Unavailable(ServiceError):
    """A part of the system that this needs does not answer now. Try again shortly."""

    code = "unavailable"
