"""The life of a camera as its worker sees it."""

from datetime import UTC, datetime, timedelta
from itertools import product

from services.contracts.ladder import Reason, Rung
from services.ingest.health import (
    PHASES,
    Health,
    Phase,
    Signal,
    advance,
    climbed,
    judged,
    new_health,
    noted,
    same_report,
)

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=10)


def up() -> Health:
    return advance(new_health(NOW), Signal.PROVED, Rung.FRAMES, None, NOW)


def test_the_table_has_every_case() -> None:
    assert set(PHASES) == set(product(Phase, Signal))


def test_a_new_camera_is_not_settled_until_it_is_proved_or_failed() -> None:
    assert not new_health(NOW).settled
    assert up().settled
    assert up().rung is Rung.PICTURE
    failed = advance(new_health(NOW), Signal.FAILED, Rung.UNREACHABLE, Reason.REFUSED, NOW)
    assert (failed.settled, failed.rung, failed.reasons) == (True, Rung.UNREACHABLE, (Reason.REFUSED,))


def test_an_end_of_stream_alone_is_no_loss() -> None:
    shaken = advance(up(), Signal.ENDED, Rung.PLAYING, Reason.ENDED, LATER)
    assert shaken.phase is Phase.SHAKEN
    assert (shaken.rung, shaken.reasons, shaken.since) == (Rung.PICTURE, (), NOW)
    assert advance(shaken, Signal.PROVED, Rung.FRAMES, None, LATER).since == LATER


def test_an_end_and_one_failed_reconnect_is_a_loss_with_the_reason_of_the_reconnect() -> None:
    shaken = advance(up(), Signal.ENDED, Rung.PLAYING, Reason.ENDED, LATER)
    down = advance(shaken, Signal.FAILED, Rung.UNREACHABLE, Reason.REFUSED, LATER)
    assert (down.phase, down.rung, down.reasons, down.since) == (
        Phase.DOWN,
        Rung.UNREACHABLE,
        (Reason.REFUSED,),
        LATER,
    )


def test_silence_that_lasted_is_a_loss() -> None:
    down = advance(up(), Signal.SILENT, Rung.PLAYING, Reason.STALLED, LATER)
    assert (down.phase, down.reasons) == (Phase.DOWN, (Reason.STALLED,))


def test_a_failure_that_repeats_does_not_move_since() -> None:
    down = advance(new_health(NOW), Signal.FAILED, Rung.UNREACHABLE, Reason.TIMEOUT, NOW)
    again = advance(down, Signal.FAILED, Rung.UNREACHABLE, Reason.TIMEOUT, LATER)
    assert again == down
    other = advance(down, Signal.FAILED, Rung.ANSWERING, Reason.AUTH_FAILED, LATER)
    assert other.since == LATER


def test_a_bad_picture_takes_the_last_rung_and_a_good_one_gives_it_back() -> None:
    frozen = judged(up(), [Reason.FROZEN], LATER)
    assert (frozen.rung, frozen.reasons, frozen.since) == (Rung.FRAMES, (Reason.FROZEN,), LATER)
    well = judged(frozen, [], LATER)
    assert (well.rung, well.reasons) == (Rung.PICTURE, ())


def test_a_picture_judged_before_the_camera_was_up_counts_from_then_on() -> None:
    early = judged(new_health(NOW), [Reason.BLACK], NOW)
    assert not early.settled
    assert advance(early, Signal.PROVED, Rung.FRAMES, None, LATER).reasons == (Reason.BLACK,)


def test_a_loss_forgets_what_the_picture_showed() -> None:
    down = advance(judged(up(), [Reason.BLACK], NOW), Signal.SILENT, Rung.PLAYING, Reason.STALLED, LATER)
    assert advance(down, Signal.PROVED, Rung.FRAMES, None, LATER).reasons == ()


def test_advisory_notes_come_after_deciding_reasons_and_change_no_rung() -> None:
    health = noted(judged(up(), [Reason.FROZEN], NOW), [Reason.CLOCK_SKEW])
    assert health.shown_reasons == (Reason.FROZEN, Reason.CLOCK_SKEW)
    assert noted(up(), [Reason.CLOCK_SKEW]).rung is Rung.PICTURE


def test_how_far_a_first_look_came_is_shown_and_later_looks_do_not_touch_what_was_settled() -> None:
    assert climbed(new_health(NOW), Rung.DESCRIBED).rung is Rung.DESCRIBED
    assert climbed(up(), Rung.REACHABLE) == up()


def test_only_what_would_be_reported_differently_is_a_change() -> None:
    shaken = advance(up(), Signal.ENDED, Rung.PLAYING, Reason.ENDED, LATER)
    assert not same_report(up(), shaken), "the aggregator must learn that the camera is not settled now"
    assert same_report(up(), judged(up(), [], LATER))
    assert not same_report(up(), judged(up(), [Reason.BLACK], LATER))
