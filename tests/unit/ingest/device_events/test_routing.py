"""Which camera is told, and how often."""

import pytest

from services.ingest.device_events.camera import worth_a_connect, worth_a_look
from services.ingest.device_events.routing import QUIET_S, Address, Gate, Memory
from services.ingest.device_events.topics import Hint, Kind


def hint(kind: Kind, active: bool = True, source: str = "s1", news: bool = True) -> Hint:
    return Hint(kind, source, active=active, news=news)


def test_quirk_31_on_a_recorder_the_token_says_which_channel_is_meant() -> None:
    """agsh/onvif issues 328 and 369, home-assistant/core issue 179211."""
    first, second = (Address(frozenset({f"source{n}", f"config{n}"}), alone=False) for n in (1, 2))
    assert first.means(hint(Kind.TAMPER, source="config1"))
    assert not second.means(hint(Kind.TAMPER, source="config1"))
    assert not first.means(hint(Kind.TAMPER, source=""))
    assert first.means(hint(Kind.STORAGE_FAILURE, source="disk7"))
    assert second.means(hint(Kind.REBOOT, source=""))


def test_the_only_camera_of_a_device_is_meant_by_any_token() -> None:
    """TP-Link calls it "vsconf" in events and by other names elsewhere (home-assistant/core issue 127991)."""
    assert Address(frozenset({"other"}), alone=True).means(hint(Kind.TAMPER, source="vsconf"))


def test_initial_state_is_news_only_against_what_was_said_before() -> None:
    memory = Memory()
    assert not memory.is_news(hint(Kind.VIDEO_LOSS, news=False))
    assert not memory.is_news(hint(Kind.VIDEO_LOSS, news=False))
    # While the connection was away it ended, and the new subscription says so.
    assert memory.is_news(hint(Kind.VIDEO_LOSS, active=False, news=False))


def test_what_is_said_again_is_no_news_but_motion_is() -> None:
    memory = Memory()
    assert memory.is_news(hint(Kind.TAMPER))
    assert not memory.is_news(hint(Kind.TAMPER))
    assert memory.is_news(hint(Kind.TAMPER, active=False))
    assert memory.is_news(hint(Kind.MOTION))
    assert memory.is_news(hint(Kind.MOTION))


def test_storage_that_was_never_there_has_not_failed() -> None:
    """Kane610/axis issue 22, home-assistant/core issue 51157: disruption 1 in the initial state, without a card."""
    memory = Memory()
    assert not memory.is_news(hint(Kind.STORAGE_FAILURE, source="SD_DISK", news=False))
    assert not memory.storage_failed
    assert not memory.is_news(hint(Kind.STORAGE_FAILURE, active=False, source="SD_DISK"))
    assert memory.is_news(hint(Kind.STORAGE_FAILURE, source="SD_DISK"))
    assert memory.storage_failed


def test_storage_is_well_when_the_last_disk_is() -> None:
    memory = Memory()
    assert memory.is_news(hint(Kind.STORAGE_FAILURE, source="disk1"))
    assert not memory.is_news(hint(Kind.STORAGE_FAILURE, source="disk2"))
    assert not memory.is_news(hint(Kind.STORAGE_FAILURE, active=False, source="disk1"))
    assert memory.storage_failed
    assert memory.is_news(hint(Kind.STORAGE_FAILURE, active=False, source="disk2"))
    assert not memory.storage_failed


def test_what_is_remembered_is_bounded() -> None:
    memory = Memory()
    for number in range(5000):
        memory.is_news(hint(Kind.STORAGE_FAILURE, source=f"disk{number}"))
    assert len(memory._said) <= 512
    assert len(memory._failed_stores) <= 512


def test_a_camera_is_told_of_the_same_every_ten_seconds_at_most() -> None:
    gate = Gate()
    passed = [at for at in range(60) if gate.admit(hint(Kind.MOTION), float(at))]
    assert passed == [0, 10, 20, 30, 40, 50]
    assert QUIET_S == 10.0
    assert not gate.admit(hint(Kind.MOTION, active=False), 100.0)
    assert gate.admit(hint(Kind.TAMPER), 100.0)
    assert gate.admit(hint(Kind.TAMPER, active=False), 101.0)
    assert not gate.admit(hint(Kind.TAMPER), 102.0)


@pytest.mark.parametrize("kind", [Kind.TAMPER, Kind.VIDEO_LOSS])
def test_tampering_and_loss_of_video_are_looked_at_at_once(kind: Kind) -> None:
    assert worth_a_look(kind, doubtful=False, looked_s_ago=0.0, picture_every_s=30.0)


def test_motion_costs_no_look_where_the_regular_ones_do() -> None:
    assert not worth_a_look(Kind.MOTION, doubtful=False, looked_s_ago=29.0, picture_every_s=30.0)
    assert not worth_a_look(Kind.MOTION, doubtful=False, looked_s_ago=140.0, picture_every_s=300.0)
    assert worth_a_look(Kind.MOTION, doubtful=False, looked_s_ago=160.0, picture_every_s=300.0)


def test_motion_before_a_picture_that_seems_to_stand_still_is_looked_at() -> None:
    assert worth_a_look(Kind.MOTION, doubtful=True, looked_s_ago=1.0, picture_every_s=30.0)


@pytest.mark.parametrize("kind", [Kind.STORAGE_FAILURE, Kind.REBOOT])
def test_what_is_not_of_the_picture_costs_no_look(kind: Kind) -> None:
    assert not worth_a_look(kind, doubtful=True, looked_s_ago=1000.0, picture_every_s=30.0)


def test_a_camera_that_is_down_is_tried_when_its_recorder_sees_it_again() -> None:
    assert worth_a_connect(hint(Kind.VIDEO_LOSS, active=False))
    assert not worth_a_connect(hint(Kind.VIDEO_LOSS))
    assert not worth_a_connect(hint(Kind.MOTION))
