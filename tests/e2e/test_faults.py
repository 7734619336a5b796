"""Every fault of the simulator, through the whole system: what is said of the camera and of its facility, and back."""

import asyncio

import pytest

from services.simulator.device import PASSWORD
from tests.e2e.faults import CASES, PASSWORDS, STRANGERS, Story, first_reason, live_through


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return asyncio.run(live_through(tmp_path_factory.mktemp("faults")))


@pytest.mark.parametrize("name", CASES)
def test_the_verdict_on_a_fault_is_right_and_stays(story: Story, name: str) -> None:
    verdict, seen = CASES[name].verdict, story.of(name)
    print(f"{name}: told after {seen.detected_s:.1f} s, cured after {seen.cured_s:.1f} s")
    assert len(seen.during) >= 5
    for status in seen.during:
        assert (status["condition"], status["rung"]) == (verdict.condition, verdict.rung), status
        (reason,) = status["reasons"]
        assert reason["code"] in verdict.reasons
        assert reason["deciding"] is not verdict.advisory
        assert reason["advice"]["en"]
        assert reason["advice"]["vi"]
    places = [verdict.reasons.index(status["reasons"][0]["code"]) for status in seen.during]
    assert places == sorted(places), "one reason may follow another, not come and go"
    for status in seen.states:
        assert status["state"] == verdict.state
        codes = [reason["code"] for reason in status["reasons"]]
        assert codes == [] if verdict.advisory else codes[0] in verdict.reasons


@pytest.mark.parametrize("name", CASES)
def test_a_fault_that_ends_leaves_nothing_behind(story: Story, name: str) -> None:
    case, seen = CASES[name], story.of(name)
    assert (seen.after["rung"], seen.after["reasons"]) == ("picture", [])
    states = ["connected"] if case.verdict.advisory else ["connected", case.verdict.state, "connected"]
    # The channels of a recorder go and come one after the other, so that its facility may pass through degraded.
    passing = case.channels > 1 and case.verdict.state == "disconnected"
    told = [change for change in seen.changes if not (passing and change[1] == "degraded")]
    assert [now for _, now in told] == states, "each change is written once"
    assert [was for was, _ in seen.changes] == ["unknown", *(now for _, now in seen.changes[:-1])], "none is left out"


@pytest.mark.parametrize("name", PASSWORDS)
def test_a_device_refuses_us_at_most_twice(story: Story, name: str) -> None:
    """Over ONVIF and RTSP and all channels together."""
    assert 1 <= story.of(name).refusals <= 2


@pytest.mark.parametrize("name", STRANGERS)
def test_a_password_that_was_never_right_is_tried_at_most_twice(story: Story, name: str) -> None:
    refusals, statuses = story.strangers[name]
    assert 1 <= refusals <= 2
    for status in statuses:
        assert (status["condition"], status["rung"], first_reason(status)) == ("offline", "answering", "auth_failed")


def test_the_other_channel_of_a_recorder_stays_online(story: Story) -> None:
    others = story.of("frozen-channel").others
    assert len(others) >= 5
    assert set(others) == {"online"}


def test_a_device_that_names_a_foreign_address_is_reached_by_its_own(story: Story) -> None:
    if isinstance(story.address, BaseException):
        raise story.address
    under, after = story.address
    assert under["rung"] == "picture"
    assert [(reason["code"], reason["deciding"]) for reason in under["reasons"]] == [("address_rewritten", False)]
    assert (after["condition"], after["reasons"]) == ("online", [])


def test_a_recorder_without_a_named_channel_is_answered_with_its_channels(story: Story) -> None:
    assert story.recorder["status"] == 422
    assert [error["pointer"] for error in story.recorder["errors"]] == ["/source/profile"]
    assert [(channel["profile"], channel["codec"]) for channel in story.recorder["channels"]] == [
        ("channel-1-main", "h264"),
        ("channel-2-main", "h264"),
    ]
    assert story.listed_after_recorder == 0, "nothing is stored"


def test_no_password_is_in_the_log(story: Story) -> None:
    assert story.log
    assert PASSWORD not in story.log
    assert "never right" not in story.log
