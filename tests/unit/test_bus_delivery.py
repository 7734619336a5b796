"""One delivery: what comes of a body, how long to wait after a failure, and how a lane settles with the broker."""

import asyncio
import json
from dataclasses import dataclass, field

import pytest

from services.bus.delivery import BusCounters, Outcome, attempt, retry_pause_s
from services.bus.lane import Lane
from services.bus.port import BusLimits, Subscription
from services.bus.wire import decode, encode
from services.contracts.errors import Invalid
from services.contracts.messages import FacilityStateChanged, Message, RosterChanged
from services.runtime.tasks import Shutdown
from tests.harness.bus import LIMITS, Recorder, limits, roster

# The body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"[" * 100_000,
        json.dumps({"specversion": "1.0", "type": "vn.vonggac.unheard.of.v1", "data": {}}).encode(),
        json.dumps({"specversion": "1.0", "type": RosterChanged.kind, "data": "text"}).encode(),
        json.dumps({"specversion": "1.0", "type": RosterChanged.kind, "data": {"change": "camera_changed"}}).encode(),
        encode(roster(), "/tests").replace(b'"data":{', b'"data":{"surprise":1,'),
    ],
)
async def test_a_body_that_is_no_message_of_ours_is_poison(body: bytes) -> None:
    recorder = Recorder()
    with pytest.raises(Invalid):
        decode(body)
    assert await attempt(Subscription((RosterChanged,), recorder, "aggregator"), body, LIMITS) is Outcome.POISON
    assert recorder.attempts == []


async def test_a_message_of_a_type_the_group_does_not_name_is_passed_over() -> None:
    recorder = Recorder()
    subscription = Subscription((FacilityStateChanged,), recorder, "archive")
    assert await attempt(subscription, encode(roster(), "/tests"), LIMITS) is Outcome.HANDLED
    assert recorder.attempts == []


def test_text_in_vietnamese_travels_as_utf_8() -> None:
    assert "/trung-tâm".encode() in encode(roster(), "/trung-tâm")


# The pause


def test_the_pause_doubles_with_each_failure_up_to_its_bound() -> None:
    bounds = BusLimits(retry_pause_s=0.25, retry_pause_max_s=10)
    assert [retry_pause_s(bounds, failed) for failed in range(1, 9)] == [0.25, 0.5, 1, 2, 4, 8, 10, 10]
    assert retry_pause_s(bounds, 100_000) == 10


# The lane


@dataclass
class FakeDelivery:
    """A delivery whose broker only writes down what it is told."""

    message: Message
    failed_before: int = 0
    redelivered: bool = False
    lapsed: bool = False
    gone: bool = False
    settled: list[str] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        return encode(self.message, "/tests")

    async def accept(self) -> None:
        self._settle("accept")

    async def refuse(self, *, again: bool) -> None:
        self._settle("again" if again else "dead")

    def _settle(self, how: str) -> None:
        if self.gone:
            raise ConnectionError("the broker went")
        self.settled.append(how)


class Bench:
    """A lane with what it needs."""

    def __init__(self, recorder: Recorder, group: str | None = "aggregator", bounds: BusLimits = LIMITS) -> None:
        self.counters = BusCounters()
        self.closing = Shutdown()
        self.lane = Lane(Subscription((RosterChanged,), recorder, group), bounds, self.counters, self.closing)

    async def handle(self, *deliveries: FakeDelivery) -> None:
        """Put these on the lane and wait until it is through with them."""
        for delivery in deliveries:
            self.lane.put(delivery)
        while any(not (delivery.settled or delivery.gone or delivery.lapsed) for delivery in deliveries):
            await asyncio.sleep(0)
        self.closing.request()
        await self.lane.finish()


async def fail(_: Message) -> None:
    raise RuntimeError("a defect of ours")


async def test_a_failed_delivery_is_asked_for_again_until_the_last_which_the_broker_buries() -> None:
    recorder = Recorder(fail)
    bench = Bench(recorder, bounds=limits(delivery_limit=3))
    deliveries = [FakeDelivery(roster(), failed_before=count, redelivered=count > 0) for count in range(3)]
    await bench.handle(*deliveries)
    assert [delivery.settled for delivery in deliveries] == [["again"], ["again"], ["again"]]
    assert bench.counters == BusCounters(delivered=3, redelivered=2, dead=1)


async def test_a_lane_survives_a_broker_that_went_before_the_answer() -> None:
    recorder = Recorder()
    lost, next_one = FakeDelivery(roster(), gone=True), FakeDelivery(roster())
    await Bench(recorder).handle(lost, next_one)
    assert recorder.handled == [lost.message, next_one.message]
    assert next_one.settled == ["accept"]


async def test_a_delivery_that_the_broker_took_back_is_left_to_its_next_one() -> None:
    recorder = Recorder()
    lapsed, again = FakeDelivery(roster(), lapsed=True), FakeDelivery(roster())
    await Bench(recorder).handle(lapsed, again)
    assert recorder.handled == [again.message]


async def test_a_listener_hears_what_it_has_although_the_broker_went() -> None:
    recorder = Recorder()
    bench = Bench(recorder, group=None)
    heard = FakeDelivery(roster(), lapsed=True, gone=True)
    bench.lane.put(heard)
    await recorder.until_handled(1)
    assert recorder.handled == [heard.message]
    bench.closing.request()
    await bench.lane.finish()


async def test_a_listener_settles_what_it_could_not_handle() -> None:
    bench = Bench(Recorder(fail), group=None)
    dropped = FakeDelivery(roster())
    await bench.handle(dropped)
    assert dropped.settled == ["accept"]
    assert bench.counters.dropped == 1


async def test_closing_ends_the_pause_before_a_redelivery_and_starts_nothing_new() -> None:
    recorder = Recorder(fail)
    bench = Bench(recorder, bounds=limits(retry_pause_s=60, retry_pause_max_s=60))
    pausing, behind = FakeDelivery(roster()), FakeDelivery(roster())
    bench.lane.put(pausing)
    bench.lane.put(behind)
    await recorder.until(lambda: len(recorder.attempts) == 1)
    async with asyncio.timeout(1):
        bench.closing.request()
        await bench.lane.finish()
    # Neither is settled: the end of the connection gives both back.
    assert (pausing.settled, behind.settled) == ([], [])
    assert recorder.attempts == [pausing.message]
