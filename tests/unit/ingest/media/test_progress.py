"""What is told of a probe that did not get to its end."""

import pytest

from services.contracts.ladder import Reason
from services.ingest.media.measure import Packet
from services.ingest.media.progress import ProbeProgress

NOW = 50.0


def progress(*, opened: bool = True, seen: int = 0, decoded: bool = False, last: float | None = None) -> ProbeProgress:
    known = ProbeProgress(opened=opened, seen=seen, keyframe_decoded=decoded, codec="h264", size=(640, 360))
    if last is not None:
        known.packets.append(Packet(0.0, last, 100, True))
    return known


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (progress(opened=False), Reason.TIMEOUT),
        (progress(), Reason.NO_FRAMES),
        (progress(seen=9), Reason.UNDECODABLE),
        (progress(seen=9, decoded=True, last=NOW - 2), Reason.STALLED),
        (progress(seen=9, decoded=True, last=NOW - 0.1), None),
    ],
    ids=["not-open", "no-packets", "no-key-frame", "stopped", "still-coming"],
)
def test_the_reason_is_the_first_thing_that_was_missing(known: ProbeProgress, reason: Reason | None) -> None:
    header, _ = known.answer_at_deadline(NOW)

    assert header["reason"] == reason


def test_size_and_rates_of_what_does_not_decode_are_not_told() -> None:
    header, _ = progress(seen=9).answer(Reason.UNDECODABLE, "")

    assert header["facts"] == {"codec": "h264"}


def test_the_blob_is_the_snapshot_and_then_the_looks() -> None:
    known = progress(seen=9, decoded=True)
    known.snapshot = b"jpeg"
    known.looks = [(1.0, b"aa"), (2.0, b"bb")]

    header, blob = known.answer(None, "")

    assert (header["looks_at"], blob) == ([1.0, 2.0], b"jpegaabb")
    assert (header["facts"]["width"], header["facts"]["height"]) == (640, 360)
