"""What a connection was sent, what waits, and what a bad line lets through."""

import socket
from collections.abc import Iterator

import pytest

from benchmarks.replay.connection import QUEUE_MAX_BYTES, Connection, Flow, Lane, addresses
from benchmarks.replay.feed import Feed
from tests.unit.benchmarks.test_feed import a_reel


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    connection = Connection(ours, 0, None)
    yield connection, theirs
    connection.close(reset=False)
    theirs.close()


def a_lane() -> Lane:
    return Lane(Feed(a_reel(packets=1), number=1, ssrc=1), 0.0)


def test_only_frames_between_joining_and_leaving_count(pair: tuple[Connection, socket.socket]) -> None:
    connection, _ = pair
    lane = a_lane()
    lane.feed.next()
    connection.join(lane)
    for _ in range(3):
        lane.feed.next()
    assert connection.sent.frames == 3
    connection.leave()
    lane.feed.next()
    assert connection.sent.frames == 3
    assert lane.flowing == []


def test_the_count_goes_on_in_a_lane_of_its_own(pair: tuple[Connection, socket.socket]) -> None:
    connection, _ = pair
    lane = a_lane()
    connection.join(lane)
    lane.feed.next()
    own = lane.clone()
    connection.change_to(own)
    own.feed.next()
    lane.feed.next()
    lane.feed.next()
    assert connection.sent.frames == 2
    assert (lane.flowing, own.flowing) == ([], [connection])


def test_what_the_kernel_does_not_take_waits_and_arrives_whole(pair: tuple[Connection, socket.socket]) -> None:
    connection, theirs = pair
    sent = bytes(range(256)) * 8192
    assert connection.put(sent[:1_000_000])
    assert connection.put(sent[1_000_000:])
    got = b""
    for _ in range(10_000):
        connection.flush()
        try:
            got += theirs.recv(1 << 20)
        except BlockingIOError:
            break
    assert got == sent
    assert connection.queued_bytes == 0


def test_what_waits_is_bounded(pair: tuple[Connection, socket.socket]) -> None:
    connection, _ = pair
    assert connection.put(bytes(QUEUE_MAX_BYTES))
    assert not connection.put(b"x")


def test_a_slow_line_lets_through_its_rate(pair: tuple[Connection, socket.socket]) -> None:
    connection, theirs = pair
    connection.join(a_lane())
    connection.disturb(Flow.SLOW, until=10.0, rate=1000.0)
    connection.put(bytes(5000))
    for _ in range(50):
        connection.trickle(0.04)
    assert len(theirs.recv(10_000)) == pytest.approx(2000, abs=1)
    connection.recover()
    connection.flush()
    assert len(theirs.recv(10_000)) == pytest.approx(3000, abs=1)


def test_disturbing_is_undone_once(pair: tuple[Connection, socket.socket]) -> None:
    connection, _ = pair
    lane = a_lane()
    connection.join(lane)
    connection.disturb(Flow.HELD, until=10.0)
    connection.disturb(Flow.SLOW, until=20.0, rate=1.0)
    assert (connection.flow, lane.flowing, lane.disturbed) == (Flow.HELD, [], [connection])
    connection.recover()
    connection.recover()
    assert (connection.flow, lane.flowing, lane.disturbed) == (Flow.FREE, [connection], [])


def test_every_camera_has_an_address_of_its_own_on_loopback() -> None:
    given = list(addresses(70_000))
    assert len(set(given)) == len(given)
    assert all(address.startswith("127.") and max(map(int, address.split("."))) <= 255 for address in given)
