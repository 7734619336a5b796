"""How many silent hosts of the same link are asked for at a time."""

import socket

import pytest

from services.ingest.discovery import netlink
from services.ingest.discovery.neighbours import NeighbourRoom, room_for


class Kernel:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, most: int | None) -> None:
        self.unresolved = 0
        self.asked = 0
        monkeypatch.setattr(netlink, "neighbours_max", lambda _: most)
        monkeypatch.setattr(netlink, "unresolved", self._unresolved)

    def _unresolved(self, family: int) -> int:
        assert family in {socket.AF_INET, socket.AF_INET6}
        self.asked += 1
        return self.unresolved


def taken(room: NeighbourRoom, now: float, wanted: int = 5000) -> int:
    return next((number for number in range(wanted) if not room.take(now)), wanted)


def test_three_quarters_are_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(monkeypatch, 1024)
    room = room_for(4)
    assert taken(room, 0.0) == 768
    kernel.unresolved = 768
    assert taken(room, 0.5) == 0
    kernel.unresolved = 700
    assert taken(room, 1.0) == 68


def test_others_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(monkeypatch, 1024)
    kernel.unresolved = 1000
    assert taken(room_for(6), 0.0) == 0


def test_the_kernel_is_not_asked_more_often_than_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(monkeypatch, 1024)
    room = room_for(4)
    assert taken(room, 0.0, 768) == 768
    assert kernel.asked == 1
    kernel.unresolved = 768
    for hundredth in range(1, 101):
        taken(room, hundredth / 100)
    assert kernel.asked <= 11


def test_a_kernel_that_does_not_tell_sets_no_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    Kernel(monkeypatch, None)
    assert taken(room_for(4), 0.0) == 5000

    def refuse(_: int) -> int:
        raise PermissionError

    monkeypatch.setattr(netlink, "neighbours_max", refuse)
    assert taken(room_for(4), 0.0) == 5000
