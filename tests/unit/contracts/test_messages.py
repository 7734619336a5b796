"""Messages survive their wire form, and what is not ours is refused."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.contracts.camera import CameraReport, StreamFacts
from services.contracts.errors import Invalid
from services.contracts.ids import new_id
from services.contracts.ladder import Reason, Rung, State
from services.contracts.messages import (
    MESSAGES,
    CameraHealthReported,
    FacilityStateChanged,
    Message,
    RosterChange,
    RosterChanged,
    from_cloudevent,
    to_cloudevent,
)

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def examples() -> list[Message]:
    facility = new_id()
    report = CameraReport(
        camera_id=new_id(),
        epoch=3,
        sequence=7,
        settled=True,
        rung=Rung.FRAMES,
        reasons=(Reason.FROZEN, Reason.CLOCK_SKEW),
        since=NOW,
        observed_at=NOW,
        stream=StreamFacts(codec="h264", width=640, height=360, fps=25.0),
        watch="reactor",
    )
    return [
        RosterChanged(facility_id=facility, change=RosterChange.CAMERA_REGISTERED, camera_id=new_id()),
        CameraHealthReported(facility_id=facility, worker_id=new_id(), reports=(report,)),
        FacilityStateChanged(
            facility_id=facility, was=State.CONNECTED, now=State.DEGRADED, since=NOW, reasons=(Reason.FROZEN,)
        ),
    ]


def test_there_is_an_example_of_every_message() -> None:
    assert {type(message) for message in examples()} == set(MESSAGES.values())


@pytest.mark.parametrize("message", examples(), ids=lambda message: type(message).__name__)
def test_a_message_survives_the_wire(message: Message) -> None:
    event = to_cloudevent(message, "/workers/x")
    assert from_cloudevent(event) == message
    assert event["specversion"] == "1.0"
    assert UUID(event["id"]) == message.message_id
    assert event["subject"] == event["partitionkey"] == str(message.facility_id)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda event: event.update(type="vn.vonggac.unheard.of.v1"),
        lambda event: event.update(data=None),
        lambda event: event["data"].update(surprise=1),
        lambda event: event["data"].pop("facility_id"),
        lambda event: event.update(id="not a uuid"),
    ],
)
def test_what_does_not_fit_is_refused_for_good(spoil: object) -> None:
    event = to_cloudevent(examples()[0], "/api")
    spoil(event)  # type: ignore[operator]
    with pytest.raises(Invalid):
        from_cloudevent(event)
