"""Messages on the bus. Each is a repeatable snapshot or a nudge: the database is the truth.

On the wire a message is a CloudEvents 1.0 event in structured JSON (`application/cloudevents+json`).
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from pydantic import Field, ValidationError

from services.contracts.camera import CameraReport, Value
from services.contracts.errors import Invalid
from services.contracts.ids import CameraId, FacilityId, WorkerId, new_id
from services.contracts.ladder import Reason, State


class Message(Value):
    """What all messages share. ``facility_id`` is the key by which messages keep their order."""

    #: CloudEvents ``type``.
    kind: ClassVar[str]
    #: Topic on the bus; integrators bind to it.
    topic: ClassVar[str]

    message_id: UUID = Field(default_factory=new_id)
    sent_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    facility_id: FacilityId


class RosterChange(StrEnum):
    """What happened to a facility's list of cameras."""

    CAMERA_REGISTERED = "camera_registered"
    CAMERA_CHANGED = "camera_changed"
    CAMERA_RETIRED = "camera_retired"
    CREDENTIALS_CHANGED = "credentials_changed"
    FACILITY_CHANGED = "facility_changed"


class RosterChanged(Message):
    """A nudge only: workers claim and renew at once, the aggregator derives the facility anew.

    Published by: registry, programme (a plan names other zones). Consumed by: ingest (each worker), aggregator.
    Repeated: no; whoever misses it finds out at its next round.
    """

    kind = "vn.vonggac.facility.roster.changed.v1"
    topic = "facility.roster"

    change: RosterChange
    camera_id: CameraId | None = None


class CameraHealthReported(Message):
    """Reports of one worker on cameras of one facility.

    Published by: ingest. Consumed by: aggregator. Repeated: every camera at each change and every heartbeat.
    """

    kind = "vn.vonggac.camera.health.reported.v1"
    topic = "camera.health"

    worker_id: WorkerId
    reports: tuple[CameraReport, ...] = Field(min_length=1)


class FacilityStateChanged(Message):
    """A facility's state or its reasons changed.

    Published by: aggregator, after the row is written. Consumed by: anybody who listens. Repeated: no.
    """

    kind = "vn.vonggac.facility.state.changed.v1"
    topic = "facility.state"

    was: State
    now: State
    since: datetime
    reasons: tuple[Reason, ...]


MESSAGES: dict[str, type[Message]] = {
    message.kind: message for message in (RosterChanged, CameraHealthReported, FacilityStateChanged)
}

_ENVELOPE = frozenset({"message_id", "sent_at"})


def to_cloudevent(message: Message, source: str) -> dict[str, Any]:
    """The CloudEvents 1.0 structured form of a message. ``source`` names the sending process, e.g. ``/workers/<id>``."""
    return {
        "specversion": "1.0",
        "id": str(message.message_id),
        "source": source,
        "type": message.kind,
        "time": message.sent_at.isoformat(),
        "subject": str(message.facility_id),
        "partitionkey": str(message.facility_id),
        "datacontenttype": "application/json",
        "data": message.model_dump(mode="json", exclude=set(_ENVELOPE)),
    }


def from_cloudevent(event: dict[str, Any]) -> Message:
    """The message in a CloudEvent.

    Raises Invalid for an unknown type or data that does not fit it: such an event can never be handled.
    """
    message_type = MESSAGES.get(str(event.get("type")))
    if message_type is None:
        raise Invalid(f"No message has the type {event.get('type')!r}.")
    data = event.get("data")
    if not isinstance(data, dict):
        raise Invalid("A CloudEvent of ours carries its data as a JSON object.")
    try:
        return message_type.model_validate({**data, "message_id": event.get("id"), "sent_at": event.get("time")})
    except ValidationError as error:
        raise Invalid(f"The data of {message_type.kind} does not fit: {error.error_count()} faults.") from error
