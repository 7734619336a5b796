"""Copies for relay clients: from a key frame on, in order, whole, and never at the upstream's expense."""

from dataclasses import dataclass, field
from itertools import islice

import pytest

from services.ingest.rtsp.counters import Counters
from services.ingest.rtsp.fanout import Fanout, Subscription
from services.ingest.rtsp.rtp import TrackReceiver
from services.ingest.rtsp.sdp import VideoTrack
from tests.doubles.rtp_packets import CLOCK_RATE, h264_units, interleaved

UNITS = list(islice(h264_units(gop=10), 40))


def framed(*units: list[bytes]) -> bytes:
    return b"".join(interleaved(packet) for unit in units for packet in unit)


@dataclass
class Source:
    """Plays the stream into a fanout, as an intake does."""

    fanout: Fanout
    position: int = 0
    receiver: TrackReceiver = field(
        default_factory=lambda: TrackReceiver(VideoTrack(96, "H264", CLOCK_RATE), Counters())
    )

    def play(self, count: int) -> None:
        for unit in UNITS[self.position : self.position + count]:
            for packet in unit:
                buffer = bytearray(interleaved(packet, 6))
                flags = self.receiver.packet(buffer, 4, len(buffer), 0.0)
                if self.fanout.active:
                    self.fanout.packet(flags, buffer, 4, len(buffer))
            self.fanout.flush()
        self.position += count


class Client:
    """Takes all at once when it is woken, unless it is slow."""

    def __init__(self, fanout: Fanout, *, slow: bool = False) -> None:
        self.taken = b""
        self.wakes = 0
        self.ends = 0
        self.slow = slow
        self.subscription: Subscription | None = None
        self.subscription = fanout.subscribe(self._ready, self._end)
        self._ready()

    def _ready(self) -> None:
        self.wakes += 1
        while self.subscription is not None and not self.slow and (data := self.subscription.take(10_000)):
            self.taken += data

    def _end(self) -> None:
        self.ends += 1


@pytest.fixture
def fanout() -> Fanout:
    return Fanout(gop_limit_bytes=100_000, queue_limit_bytes=20_000)


def test_a_client_begins_with_the_next_key_frame_and_its_parameter_sets(fanout: Fanout) -> None:
    source = Source(fanout)
    source.play(3)
    client = Client(fanout)
    source.play(7)
    assert client.taken == b""
    source.play(5)
    assert client.taken == framed(*UNITS[10:15])


def test_with_a_group_held_a_client_begins_at_once(fanout: Fanout) -> None:
    fanout.hold_gop = True
    source = Source(fanout)
    source.play(13)
    client = Client(fanout)
    assert client.taken == framed(*UNITS[10:13])
    source.play(2)
    assert client.taken == framed(*UNITS[10:15])


def test_many_clients_get_the_same(fanout: Fanout) -> None:
    source = Source(fanout)
    clients = [Client(fanout) for _ in range(3)]
    source.play(25)
    assert [client.taken for client in clients] == [framed(*UNITS[0:25])] * 3


def test_a_client_is_woken_once_for_each_read(fanout: Fanout) -> None:
    client = Client(fanout)
    Source(fanout).play(20)
    assert client.wakes <= 21


def test_nothing_is_copied_while_nobody_wants_it(fanout: Fanout) -> None:
    active = [fanout.active]
    client = Client(fanout)
    active.append(fanout.active)
    assert client.subscription is not None
    client.subscription.close()
    active.append(fanout.active)
    for hold in (True, False):
        fanout.hold_gop = hold
        active.append(fanout.active)
    assert active == [False, True, False, True, False]


def test_nothing_is_kept_once_all_clients_have_begun(fanout: Fanout) -> None:
    Client(fanout)
    Source(fanout).play(15)
    assert fanout._gop._packets == []


def test_a_group_is_forgotten_when_it_is_held_no_longer(fanout: Fanout) -> None:
    fanout.hold_gop = True
    source = Source(fanout)
    source.play(13)
    fanout.hold_gop = False
    client = Client(fanout)
    source.play(1)
    assert client.taken == b""


def test_a_slow_client_is_dropped_and_the_others_stay(fanout: Fanout) -> None:
    slow, quick = Client(fanout, slow=True), Client(fanout)
    Source(fanout).play(40)
    assert slow.subscription is not None
    assert (slow.ends, slow.subscription.overflowed, slow.subscription.take(10**6)) == (1, True, b"")
    assert quick.taken == framed(*UNITS)
    assert quick.ends == 0


def test_a_held_group_comes_on_top_of_what_a_client_may_owe() -> None:
    fanout = Fanout(gop_limit_bytes=100_000, queue_limit_bytes=100)
    fanout.hold_gop = True
    source = Source(fanout)
    source.play(10)
    client = Client(fanout)
    assert client.taken == framed(*UNITS[0:10])
    assert client.ends == 0


def test_the_end_of_the_stream_ends_every_client_with_what_it_has(fanout: Fanout) -> None:
    client, lazy = Client(fanout), Client(fanout, slow=True)
    Source(fanout).play(2)
    fanout.end()
    fanout.end()
    assert (client.ends, lazy.ends, fanout.active) == (1, 1, False)
    assert lazy.subscription is not None
    assert lazy.subscription.take(10**6) == framed(*UNITS[0:2])
    assert not lazy.subscription.overflowed


def test_a_stream_that_is_over_ends_new_clients_at_once(fanout: Fanout) -> None:
    fanout.hold_gop = True
    fanout.end()
    assert Client(fanout).ends == 1


def test_a_client_that_leaves_is_not_told_so(fanout: Fanout) -> None:
    client = Client(fanout)
    assert client.subscription is not None
    client.subscription.close()
    client.subscription.close()
    Source(fanout).play(5)
    fanout.end()
    assert (client.taken, client.ends) == (b"", 0)


def test_reports_go_to_those_who_have_begun(fanout: Fanout) -> None:
    source = Source(fanout)
    source.play(1)
    early = Client(fanout)
    fanout.report(b"report")
    fanout.flush()
    assert early.taken == b""
    source.play(10)
    fanout.report(b"report")
    fanout.flush()
    assert early.taken.endswith(b"$\1\0\6report")


def test_frames_are_taken_whole_and_at_least_one(fanout: Fanout) -> None:
    client = Client(fanout, slow=True)
    Source(fanout).play(2)
    assert client.subscription is not None
    packets = [interleaved(packet) for unit in UNITS[0:2] for packet in unit]
    assert client.subscription.take(1) == packets[0]
    assert client.subscription.take(len(packets[1]) + len(packets[2])) == packets[1] + packets[2]
    assert client.subscription.take(10**6) == b"".join(packets[3:])
    assert client.subscription.take(10**6) == b""
