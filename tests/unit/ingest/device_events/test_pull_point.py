"""What is asked next, and when. Time goes by as the test says."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree  # type: ignore[import-untyped]  # lxml has no stubs of its own

from services.ingest.device_events.messages import Operation
from services.ingest.device_events.pull_point import BACKOFF_MAX_S, BACKOFF_MIN_S, Ask, Over, PullPoint, Rest, Why
from services.ingest.onvif.soap import SoapFault

BEGAN = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
UNKNOWN = SoapFault(("Sender", "ResourceUnknownFault"), "gone")
EVENTS = "http://www.onvif.org/ver10/events/wsdl"


def element(text: str) -> etree._Element:
    return etree.fromstring(text)


SERVICES = element(
    f"<r><Service><Namespace>{EVENTS}</Namespace><XAddr>http://10.0.0.1/onvif/Events?x=1</XAddr></Service></r>"
)


def times(left_s: float | None, offset: timedelta = timedelta(0), now: datetime = BEGAN) -> str:
    if left_s is None:
        return ""
    current, end = now + offset, now + offset + timedelta(seconds=left_s)
    return f"<CurrentTime>{current:%Y-%m-%dT%H:%M:%SZ}</CurrentTime><TerminationTime>{end:%Y-%m-%dT%H:%M:%SZ}</TerminationTime>"


def created(left_s: float | None = 60, offset: timedelta = timedelta(0)) -> etree._Element:
    return element(
        "<CreatePullPointSubscriptionResponse><SubscriptionReference><Address>http://10.0.0.1/sub?1</Address>"
        f"</SubscriptionReference>{times(left_s, offset)}</CreatePullPointSubscriptionResponse>"
    )


def pulled(left_s: float | None, messages: int = 0) -> etree._Element:
    note = "<NotificationMessage><Topic>tns1:VideoSource/MotionAlarm</Topic></NotificationMessage>"
    return element(f"<PullMessagesResponse>{times(left_s)}{note * messages}</PullMessagesResponse>")


class Talk:
    """A device that the test plays."""

    def __init__(self, uniform: Callable[[float, float], float] = lambda least, _most: least) -> None:
        self.point = PullPoint("/onvif/device_service", uniform)
        self.now = 1000.0

    def asked(self, operation: Operation) -> Ask:
        """The next step, which must be this question, after whatever rest."""
        step = self.point.next(self.now, BEGAN)
        if isinstance(step, Rest):
            self.now = step.until
            step = self.point.next(self.now, BEGAN)
        assert isinstance(step, Ask)
        assert step.operation is operation
        return step

    def answer(self, operation: Operation, content: etree._Element, after_s: float = 0.0) -> Ask:
        ask = self.asked(operation)
        self.now += after_s
        self.point.answered(ask, content, self.now, BEGAN)
        return ask

    def subscribe(self, left_s: float | None = 60) -> None:
        self.answer(Operation.GET_SERVICES, SERVICES)
        self.answer(Operation.CREATE, created(left_s))

    def decline(self, operation: Operation, fault: SoapFault | None) -> None:
        self.point.declined(self.asked(operation), fault, self.now)

    def rest_s(self) -> float:
        step = self.point.next(self.now, BEGAN)
        return step.until - self.now if isinstance(step, Rest) else 0.0


def test_a_pulling_that_prolongs_is_never_renewed() -> None:
    talk = Talk()
    talk.subscribe()
    for _ in range(20):
        # As the Core specification has it: prolonged when the pull comes, answered after its whole timeout.
        ask = talk.asked(Operation.PULL)
        talk.answer(Operation.PULL, pulled(60 - ask.timeout_s), after_s=ask.timeout_s)


def test_a_pulling_that_does_not_prolong_is_renewed_in_time() -> None:
    talk, ends_at, renewed = Talk(), 0.0, 0
    talk.subscribe()
    ends_at = talk.now + 60
    for _ in range(20):
        step = talk.point.next(talk.now, BEGAN)
        assert isinstance(step, Ask)
        if step.operation is Operation.RENEW:
            ends_at = talk.now + 60
            renewed += 1
            talk.point.answered(step, element(f"<RenewResponse>{times(60)}</RenewResponse>"), talk.now, BEGAN)
            continue
        talk.now += step.timeout_s
        assert talk.now < ends_at
        talk.point.answered(step, pulled(ends_at - talk.now), talk.now, BEGAN)
    assert 5 <= renewed <= 8


def test_a_device_that_tells_no_times_is_renewed_by_our_clock() -> None:
    talk = Talk()
    talk.subscribe(left_s=None)
    talk.answer(Operation.PULL, pulled(None), after_s=25)
    talk.answer(Operation.PULL, pulled(None), after_s=17)
    talk.asked(Operation.RENEW)


def test_where_renew_is_declined_pulling_goes_on() -> None:
    talk = Talk()
    talk.subscribe()
    talk.answer(Operation.PULL, pulled(25), after_s=25)
    talk.decline(Operation.RENEW, SoapFault(("Receiver", "ActionNotSupported"), ""))
    talk.asked(Operation.PULL)


def test_quirk_39_a_cut_poll_is_an_empty_one_and_the_next_is_five_seconds() -> None:
    """agsh/onvif pull request 314: TP-Link Tapo closes the connection after ten seconds."""
    talk = Talk()
    talk.subscribe()
    ask = talk.asked(Operation.PULL)
    assert ask.timeout_s == 25
    talk.now += 10
    talk.point.cut(ask, talk.now)
    assert talk.asked(Operation.PULL).timeout_s == 5
    talk.answer(Operation.PULL, pulled(60), after_s=5)
    assert talk.asked(Operation.PULL).timeout_s == 5
    assert talk.point.alive


def test_quirk_40_a_device_that_ignores_durations_is_told_a_moment_by_its_clock() -> None:
    """openvideolibs/python-onvif-zeep-async pull request 32. Without a pause: the device did not fail."""
    talk, behind = Talk(), timedelta(hours=-7)
    talk.answer(Operation.GET_SERVICES, SERVICES)
    assert talk.answer(Operation.CREATE, created(10, behind)).termination == "PT60S"
    before = talk.now
    talk.answer(Operation.UNSUBSCRIBE, element("<UnsubscribeResponse/>"))
    assert talk.answer(Operation.CREATE, created(60, behind)).termination == "2026-11-24T01:01:00Z"
    assert talk.now == before
    talk.asked(Operation.PULL)


def test_quirk_40_one_that_grants_short_lives_to_all_is_pulled_in_time() -> None:
    talk = Talk()
    talk.answer(Operation.GET_SERVICES, SERVICES)
    talk.answer(Operation.CREATE, created(10))
    talk.answer(Operation.UNSUBSCRIBE, element("<UnsubscribeResponse/>"))
    talk.answer(Operation.CREATE, created(10))
    assert talk.asked(Operation.PULL).timeout_s == 5


def test_quirk_43_a_device_without_room_is_left_alone_for_a_minute_at_least() -> None:
    """home-assistant/core issue 72544. No fault is laid down for it: onvif/specs issue 592."""
    for fault in (
        SoapFault(("Receiver", "UnableToCreatePullPointFault"), ""),
        SoapFault(("Receiver", "SubscribeCreationFailedFault"), "failed"),
        SoapFault(("Sender", "InvalidArgs"), "MaxPullPoints reached"),
        SoapFault(("Receiver",), "Too many subscriptions"),
    ):
        talk = Talk()
        talk.answer(Operation.GET_SERVICES, SERVICES)
        talk.decline(Operation.CREATE, fault)
        assert talk.point.full
        assert talk.rest_s() == 60.0
        talk.answer(Operation.CREATE, created())
        assert not talk.point.full


@pytest.mark.parametrize("failure", ["lost", "declined", "unreadable"])
def test_quirk_44_it_is_tried_for_ever_with_pauses_of_ten_seconds_to_five_minutes(failure: str) -> None:
    """ZoneMinder issue 4099: clients that never come back; agsh/onvif pull request 501: clients without a pause."""
    longest = Talk(lambda _least, most: most)
    longest.answer(Operation.GET_SERVICES, SERVICES)
    pauses = []
    for _ in range(40):
        ask = longest.asked(Operation.CREATE)
        if failure == "lost":
            longest.point.lost(ask, longest.now)
        elif failure == "declined":
            longest.point.declined(ask, SoapFault(("Receiver",), "out of order"), longest.now)
        else:
            longest.point.answered(ask, element("<CreatePullPointSubscriptionResponse/>"), longest.now, BEGAN)
        pauses.append(longest.rest_s())
    assert pauses[0] == 2 * BACKOFF_MIN_S
    assert pauses == sorted(pauses)
    assert pauses[-1] == BACKOFF_MAX_S


def test_a_lost_subscription_is_made_anew_after_ten_seconds_or_more() -> None:
    talk = Talk()
    talk.subscribe()
    talk.decline(Operation.PULL, UNKNOWN)
    assert not talk.point.alive
    assert talk.rest_s() == BACKOFF_MIN_S
    talk.asked(Operation.CREATE)


def test_one_that_is_broken_is_ended_before_it_is_made_anew() -> None:
    talk = Talk()
    talk.subscribe()
    talk.decline(Operation.PULL, SoapFault(("Receiver",), "internal error"))
    talk.decline(Operation.UNSUBSCRIBE, UNKNOWN)
    assert talk.rest_s() == BACKOFF_MIN_S
    talk.asked(Operation.CREATE)


def test_a_line_that_broke_for_a_moment_does_not_cost_the_subscription() -> None:
    """Its place would be taken for the rest of the minute, and devices have two."""
    talk = Talk()
    talk.subscribe()
    talk.point.lost(talk.asked(Operation.PULL), talk.now)
    assert talk.asked(Operation.PULL).reference is not None


def test_a_line_that_broke_for_long_does() -> None:
    talk = Talk(lambda _least, most: most)
    talk.subscribe()
    for _ in range(2):
        talk.point.lost(talk.asked(Operation.PULL), talk.now)
    assert not talk.point.alive
    talk.asked(Operation.CREATE)


def test_a_device_that_does_not_wait_is_not_asked_without_pause() -> None:
    talk = Talk()
    talk.subscribe()
    talk.answer(Operation.PULL, pulled(60))
    assert talk.rest_s() == 5.0
    talk.answer(Operation.PULL, pulled(60, messages=3))
    assert talk.rest_s() == 1.0


def test_without_an_event_service_it_is_over() -> None:
    talk = Talk()
    none = element("<r><Service><Namespace>http://other</Namespace></Service></r>")
    talk.answer(Operation.GET_SERVICES, none)
    talk.answer(Operation.GET_CAPABILITIES, element("<r><Capabilities><Media/></Capabilities></r>"))
    assert talk.point.next(talk.now, BEGAN) == Over(Why.NO_EVENTS)


def test_without_pull_points_it_is_over() -> None:
    talk = Talk()
    talk.answer(Operation.GET_SERVICES, SERVICES)
    talk.decline(Operation.CREATE, SoapFault(("Receiver", "ActionNotSupported"), "Optional action not implemented"))
    assert talk.point.next(talk.now, BEGAN) == Over(Why.NO_EVENTS)


def test_after_a_refusal_nothing_is_asked() -> None:
    talk = Talk()
    talk.subscribe()
    talk.asked(Operation.PULL)
    talk.point.refused()
    assert talk.point.next(talk.now + 10_000, BEGAN) == Over(Why.REFUSED)
    assert talk.point.farewell() is None


def test_the_farewell_is_said_once() -> None:
    talk = Talk()
    assert talk.point.farewell() is None
    talk.subscribe()
    farewell = talk.point.farewell()
    assert farewell is not None
    assert (farewell.operation, farewell.path) == (Operation.UNSUBSCRIBE, "/sub?1")
    assert talk.point.farewell() is None
