"""``docs/messages.md``: the messages on the bus, with an example of each."""

import inspect
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.assembly import GROUPS
from services.contracts.camera import CameraReport, StreamFacts
from services.contracts.ladder import Reason, Rung, State
from services.contracts.messages import (
    MESSAGES,
    CameraHealthReported,
    FacilityStateChanged,
    Message,
    RosterChange,
    RosterChanged,
    to_cloudevent,
)

_INTRODUCTION = """\
# Messages

Made by `docs/render_messages.py` from `services/contracts/messages.py`: `make docs`.

A message is a repeatable snapshot or a nudge; the database is the truth. On the wire each is a CloudEvents 1.0 event in
structured JSON (`application/cloudevents+json`). Over RabbitMQ it goes to the topic exchange `vonggac.events` under its
topic, with the header `x-facility-id`; a group's queues are spread by that header, so that the messages of one facility
keep their order. `services/bus/port.py` says what both buses promise; `services/bus/topology.py` draws the broker.

Consumers are idempotent: a report counts once by `(epoch, sequence)` of its camera, however often it comes, and only
under the lease that the database knows.
"""

_MOMENT = datetime(2021, 5, 14, 2, 0, tzinfo=UTC)


def _id(number: int) -> UUID:
    return UUID(int=0x01796B80_0000_7000_8000_000000000000 + number)


def _examples() -> dict[type[Message], Message]:
    common: dict[str, Any] = {"message_id": _id(1), "sent_at": _MOMENT, "facility_id": _id(2)}
    report = CameraReport(
        camera_id=_id(3),
        epoch=4,
        sequence=17,
        settled=True,
        rung=Rung.FRAMES,
        reasons=(Reason.FROZEN, Reason.CLOCK_SKEW),
        since=_MOMENT,
        observed_at=_MOMENT,
        stream=StreamFacts(
            codec="h264", width=1920, height=1080, fps=25.0, bitrate_kbps=2048.5, keyframe_interval_s=2.0
        ),
        watch="reactor",
    )
    return {
        RosterChanged: RosterChanged(change=RosterChange.CAMERA_REGISTERED, camera_id=_id(3), **common),
        CameraHealthReported: CameraHealthReported(worker_id=_id(5), reports=(report,), **common),
        FacilityStateChanged: FacilityStateChanged(
            was=State.CONNECTED, now=State.DEGRADED, since=_MOMENT, reasons=(Reason.FROZEN,), **common
        ),
    }


def messages_page() -> str:
    """The text of the page."""
    examples = _examples()
    parts = [_INTRODUCTION]
    for kind, message in MESSAGES.items():
        groups = [name for name, types in GROUPS.items() if message in types]
        kept = f"Waits in the queues of group {', '.join(f'`{name}`' for name in groups)}." if groups else "Not kept."
        example = json.dumps(to_cloudevent(examples[message], "/example"), ensure_ascii=False, indent=2)
        parts.append(
            f"## {message.__name__}\n\nType `{kind}`, topic `{message.topic}`. {kept}\n\n"
            f"{inspect.getdoc(message)}\n\n```json\n{example}\n```\n"
        )
    return "\n".join(parts)
