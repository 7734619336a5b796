"""What is concluded from what was measured."""

import pytest

from benchmarks import distribution, faults, measure, storm, verdicts, watch
from benchmarks.disturbances import CutBudget
from benchmarks.faults import Fault
from benchmarks.report import table
from benchmarks.verdicts import Transition, Verdict


def a_verdict(at: float, condition: str, camera: int = 0, *reasons: str) -> Verdict:
    return Verdict(at, camera, condition, reasons)


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(value) for value in range(200, 0, -1)]
    assert distribution.percentile(values, 0.95) == 190
    assert distribution.percentile(values, 1.0) == 200
    assert distribution.percentile([3.0], 0.05) == 3.0
    assert distribution.median([9.0, 1.0, 5.0]) == 5.0
    assert distribution.summary([2.0, 1.0]) == {"count": 2, "min": 1.0, "median": 1.0, "p95": 2.0, "max": 2.0}
    assert distribution.summary([]) == {"count": 0}
    with pytest.raises(ValueError, match="nothing was measured"):
        distribution.median([])


def test_unsettled_reports_are_no_transitions_but_what_follows_is() -> None:
    said = [
        a_verdict(1, "unsettled"),
        a_verdict(2, "online"),
        a_verdict(3, "unsettled"),
        a_verdict(4, "online"),
        a_verdict(5, "online", 1),
        a_verdict(6, "unsettled"),
        a_verdict(7, "offline", 0, "stalled"),
        a_verdict(8, "degraded", 1, "frozen"),
    ]
    assert verdicts.transitions(said) == [
        Transition(7, 0, "online", "offline", ("stalled",)),
        Transition(8, 1, "online", "degraded", ("frozen",)),
    ]


def test_only_what_was_said_after_a_fault_finds_it() -> None:
    said = [a_verdict(1, "offline"), a_verdict(2, "offline", 1), a_verdict(5, "unsettled"), a_verdict(6, "offline")]
    found = verdicts.first_after(said, 0, 2.0, verdicts.is_offline)
    assert found is not None
    assert found.at == 6
    assert verdicts.first_after(said, 0, 6.0, verdicts.is_offline) is None


def test_a_change_without_a_fault_is_unexplained() -> None:
    injected = [Fault("kill", 0, began_at=10.0, ended_at=20.0, found_s=0.5)]
    changes = [
        Transition(10.5, 0, "online", "offline", ()),
        Transition(19.0, 0, "offline", "online", ()),
        Transition(25.0, 0, "online", "offline", ()),
        Transition(12.0, 1, "online", "degraded", ()),
    ]
    assert faults.unexplained(changes, injected) == [changes[2], changes[3]]


def test_a_stream_is_miscounted_when_any_count_differs_or_nobody_knows_it() -> None:
    right = {"frames": 10, "key_frames": 1, "packets": 30, "octets": 4000, "sequence_gaps": 0}
    sent: list[dict[str, int] | None] = [dict(right), right | {"frames": 11}, right | {"octets": 3999}, None]
    assert measure.miscounted([right] * 4, sent) == [1, 2, 3]


def test_a_measurement_lasts_whole_rounds() -> None:
    assert measure.window_s(20.0, 0.0) == 20.0
    assert measure.window_s(20.0, 30.0) == 30.0
    assert measure.window_s(31.0, 30.0) == 60.0


def test_a_third_of_the_cameras_is_dead_in_every_way() -> None:
    dead = storm.dead_cameras(500)
    assert len(dead) == 167
    assert {list(dead.values()).count(way) for way in ("refuse", "reject", "mute")} == {55, 56}


def test_connections_overlap_when_one_begins_before_the_other_has_ended() -> None:
    assert storm.overlapping([[1.0, 2.0], [2.5, 3.0], [3.0, None]]) == 0
    assert storm.overlapping([[1.0, 2.0], [1.5, 3.0], [4.0, 5.0]]) == 1
    assert storm.overlapping([[1.0, None], [2.0, 3.0]]) == 1


def test_no_camera_is_cut_so_often_that_it_would_flap() -> None:
    budget = CutBudget(most=2, within_s=600.0)
    assert [budget.spend(1, now) for now in (0.0, 10.0, 20.0, 599.0, 600.0, 601.0)] == [
        True,
        True,
        False,
        False,
        True,
        False,
    ]
    assert budget.spend(2, 20.0)


def a_row(load: str, contender: str, cpu_ms: float, clip: str = "360p-1M", streams: int = 60) -> dict[str, object]:
    return {"load": load, "contender": contender, "cpu_ms": cpu_ms, "clip": clip, "streams": streams}


def test_the_headline_is_of_one_load_and_one_rate() -> None:
    rows = [
        a_row("gst-rtsp-server", watch.ENGINE, 0.2),
        a_row("gst-rtsp-server", watch.JUDGE, 0.3),
        a_row("gst-rtsp-server", watch.PYAV, 2.4),
        a_row("gst-rtsp-server", watch.FFMPEG, 2.6),
        a_row("replay", watch.ENGINE, 0.1),
        a_row("replay", watch.PYAV, 5.0),
        a_row("gst-rtsp-server", watch.ENGINE, 0.9, clip="1080p-4M"),
    ]
    told = watch.headline(rows, 60)
    assert told["engine_ms_per_stream_s"] == 0.2
    assert told["engine_with_judge_ms_per_stream_s"] == 0.3
    assert (told["ratio_vs_pyav"], told["ratio_vs_ffmpeg"], told["load"]) == (12.0, 13.0, "gst-rtsp-server")
    alone = watch.headline(rows[4:6], 60)
    assert (alone["ratio_vs_pyav"], alone["ratio_vs_ffmpeg"], alone["load"]) == (50.0, None, "replay")


def test_a_table_is_markdown() -> None:
    assert table(("", "ms"), [("engine", "0.1"), ("PyAV", "12.0")]).splitlines() == [
        "|        |   ms |",
        "|--------|-----:|",
        "| engine |  0.1 |",
        "| PyAV   | 12.0 |",
    ]


def test_turns_are_spent_where_the_last_line_comes_from() -> None:
    def turns(*argv: str) -> dict[tuple[str, str], int]:
        planned = watch.planned(watch.arguments(argv))
        return {(case.load, case.clip): repeats for case, _, repeats in planned}

    assert turns("--streams", "60") == {
        ("replay", "360p-200k"): 1,
        ("replay", "360p-1M"): 1,
        ("replay", "1080p-4M"): 1,
        ("gst", "360p-1M"): 3,
    }
    assert turns("--streams", "400", "--clips", "360p-1M") == {("replay", "360p-1M"): 3, ("gst", "360p-1M"): 1}
    assert turns("--cases", "compare", "--clips", "360p-1M", "--repeat", "5") == {("replay", "360p-1M"): 5}
