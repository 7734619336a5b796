"""Changes are sent in order and one by one, heartbeats only as the newest; a broker that is away loses nothing in time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from services.bus.port import BusFull, BusUnavailable
from services.contracts.camera import CameraReport, StreamFacts
from services.contracts.ids import CameraId, FacilityId, new_id
from services.contracts.ladder import Rung
from services.contracts.messages import Message
from services.ingest.reporter import BATCH_MAX, Reporter
from services.runtime.tasks import Shutdown
from tests.doubles.bus import RecordingBus
from tests.doubles.directory import WORKER

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
FACILITY, CAMERA = new_id(), new_id()


def report(sequence: int, camera_id: CameraId = CAMERA) -> CameraReport:
    return CameraReport(
        camera_id=camera_id,
        epoch=1,
        sequence=sequence,
        settled=True,
        rung=Rung.PICTURE,
        reasons=(),
        since=NOW,
        observed_at=NOW,
        stream=StreamFacts(),
        watch="reactor",
    )


def reporting(backlog_max: int = 1000) -> tuple[Reporter, RecordingBus]:
    bus = RecordingBus()
    return Reporter(WORKER.worker_id, bus, gather=lambda: 0.01, backlog_max=backlog_max), bus


def sequences(bus: RecordingBus, camera_id: CameraId = CAMERA) -> list[int]:
    return [one.sequence for one in bus.reports if one.camera_id == camera_id]


@contextlib.asynccontextmanager
async def running(reporter: Reporter) -> AsyncIterator[None]:
    shutdown = Shutdown()
    task = asyncio.create_task(reporter.run(shutdown))
    yield
    shutdown.request()
    async with asyncio.timeout(3):
        await task


async def test_every_change_is_sent_in_order() -> None:
    reporter, bus = reporting()
    for sequence in range(1, 6):
        reporter.change(FACILITY, report(sequence))
    await reporter.flush()
    assert sequences(bus) == [1, 2, 3, 4, 5]
    assert len(bus.messages) == 1
    assert (reporter.sent, reporter.backlog) == (5, 0)


async def test_of_heartbeats_only_the_newest_is_sent_and_none_that_a_change_overtook() -> None:
    reporter, bus = reporting()
    other = new_id()
    for sequence in range(1, 4):
        reporter.heartbeat(FACILITY, report(sequence))
        reporter.heartbeat(FACILITY, report(sequence, other))
    reporter.change(FACILITY, report(4))
    await reporter.flush()
    assert (sequences(bus), sequences(bus, other)) == ([4], [3])


async def test_a_message_holds_one_facility_and_at_most_a_batch() -> None:
    reporter, bus = reporting()
    for sequence in range(1, BATCH_MAX + 51):
        reporter.change(FACILITY, report(sequence))
    reporter.heartbeat(FACILITY, report(1, new_id()))
    elsewhere = new_id()
    reporter.change(elsewhere, report(1, new_id()))
    await reporter.flush()
    assert [(one.facility_id, len(one.reports)) for one in bus.messages] == [
        (FACILITY, BATCH_MAX),
        (FACILITY, 51),
        (elsewhere, 1),
    ]
    assert sequences(bus) == list(range(1, BATCH_MAX + 51))
    assert {one.worker_id for one in bus.messages} == {WORKER.worker_id}


async def test_a_broker_that_is_away_loses_nothing_and_changes_no_order() -> None:
    reporter, bus = reporting()
    bus.refusing = lambda _: BusUnavailable()
    reporter.change(FACILITY, report(1))
    with pytest.raises(BusUnavailable):
        await reporter.flush()
    reporter.heartbeat(FACILITY, report(2))
    reporter.change(FACILITY, report(3))
    with pytest.raises(BusUnavailable):
        await reporter.flush()
    assert (reporter.backlog, bus.messages) == (2, [])
    bus.refusing = lambda _: None
    await reporter.flush()
    assert sequences(bus) == [1, 3]


async def test_what_comes_while_a_message_is_under_way_is_sent_after_it() -> None:
    reporter, bus = reporting()

    def change_meanwhile(_: Message) -> None:
        if bus.attempts == 1:
            reporter.change(FACILITY, report(2))
            reporter.heartbeat(FACILITY, report(3))

    bus.refusing = change_meanwhile
    reporter.heartbeat(FACILITY, report(1))
    await reporter.flush()
    assert sequences(bus) == [1, 2, 3]


async def test_a_full_queue_of_one_facility_holds_up_no_other() -> None:
    reporter, bus = reporting()
    full, free = new_id(), new_id()
    bus.refusing = lambda message: BusFull() if message.facility_id == full else None
    reporter.change(full, report(1))
    reporter.change(free, report(1, new_id()))
    with pytest.raises(BusFull):
        await reporter.flush()
    assert [one.facility_id for one in bus.messages] == [free]
    assert reporter.backlog == 1
    bus.refusing = lambda _: None
    await reporter.flush()
    assert sequences(bus) == [1]


async def test_beyond_its_bound_the_oldest_of_the_longest_queue_is_dropped_and_counted() -> None:
    reporter, bus = reporting(backlog_max=10)
    quiet, small = new_id(), new_id()
    reporter.change(quiet, report(1, small))
    for sequence in range(1, 14):
        reporter.change(FACILITY, report(sequence))
    assert (reporter.backlog, reporter.dropped) == (10, 4)
    await reporter.flush()
    assert sequences(bus) == list(range(5, 14))
    assert sequences(bus, small) == [1]


async def test_what_is_dropped_while_it_is_under_way_is_not_taken_from_those_behind_it() -> None:
    reporter, bus = reporting(backlog_max=2)

    def overflow(_: Message) -> None:
        if bus.attempts == 1:
            reporter.change(FACILITY, report(3))

    bus.refusing = overflow
    reporter.change(FACILITY, report(1))
    reporter.change(FACILITY, report(2))
    await reporter.flush()
    assert sequences(bus) == [1, 2, 3]
    assert reporter.backlog == 0


async def test_it_sends_by_itself_and_again_after_the_broker_was_away() -> None:
    reporter, bus = reporting()
    async with running(reporter):
        reporter.change(FACILITY, report(1))
        await asyncio.sleep(0.1)
        assert sequences(bus) == [1]
        bus.refusing = lambda _: BusUnavailable()
        reporter.change(FACILITY, report(2))
        await asyncio.sleep(0.1)
        bus.refusing = lambda _: None
        await asyncio.sleep(1.1)
        assert sequences(bus) == [1, 2]


async def test_a_bug_in_the_bus_does_not_end_the_reporting(caplog: pytest.LogCaptureFixture) -> None:
    reporter, bus = reporting()
    async with running(reporter):
        bus.refusing = lambda _: RuntimeError("a bug")
        reporter.change(FACILITY, report(1))
        await asyncio.sleep(0.1)
        bus.refusing = lambda _: None
        await asyncio.sleep(1.1)
    assert sequences(bus) == [1]
    assert "reports cannot be sent" in caplog.text


async def test_what_is_left_at_the_end_is_sent() -> None:
    reporter, bus = reporting()
    async with running(reporter):
        reporter.change(FACILITY, report(1))
    await reporter.flush()
    assert sequences(bus) == [1]


async def test_nothing_is_kept_of_facilities_that_have_nothing_to_say() -> None:
    reporter, _ = reporting()
    facilities: list[FacilityId] = [new_id() for _ in range(20)]
    for facility_id in facilities:
        reporter.heartbeat(facility_id, report(1, new_id()))
    await reporter.flush()
    assert reporter._queues == {}
