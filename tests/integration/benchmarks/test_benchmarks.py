"""Each measurement once, small and all at the same time: whether it runs and counts rightly, not what it measures."""

import asyncio
import json
from pathlib import Path

from benchmarks import faults, report, soak, storm, watch
from benchmarks.replay.clips import CLIPS, frozen_clip_of
from benchmarks.replay.feed import reel_of

_STREAMS = 4


async def test_every_measurement_runs_and_counts_rightly(tmp_path: Path) -> None:
    for clip in ("360p-1M", "360p-200k", frozen_clip_of("360p-200k")):
        reel_of(clip)  # encoded once, not by three processes at a time
    given = watch.arguments(["--quick", "--streams", str(_STREAMS), "--seconds", "1"])
    compared, soaked, stormed, spoilt = await asyncio.gather(
        watch.run(given),
        soak.run(soak.arguments(["--cameras", str(_STREAMS), "--minutes", "0.05", "--warm-up", "0"])),
        storm.run(storm.arguments(["--cameras", "9", "--seconds", "3", "--off-seconds", "0"])),
        faults.run(
            faults.arguments(["--cameras", "2", "--faults", "2", "--kinds", "kill,silence", "--pause-max", "0"])
        ),
    )

    rows = watch.combined(compared)
    assert [row["contender"] for row in rows] == [watch.ENGINE, watch.JUDGE, watch.PYAV, watch.FFMPEG]
    assert [row["miscounted_streams"] for row in rows] == [0, 0, None, None]
    assert all(row["cpu_ms"] > 0 and row["found"] == [] for row in rows)
    assert all(10 < row["fps"] < 50 for row in rows[:3])
    told = watch.headline(rows, _STREAMS)
    assert told["ratio_vs_pyav"] > 0
    assert told["streams"] == _STREAMS
    assert watch.rendered(rows).count("\n") == 1 + len(rows)

    assert soaked["frames_compared"] > 0
    assert (soaked["miscounted_frames"], soaked["streams_not_compared"], soaked["never_online"]) == (0, 0, 0)
    assert soaked["transitions"] == []

    assert (stormed["not_online"], stormed["not_back_online"]) == (0, 0)
    assert stormed["connections_of_living"] == {"count": 6, "min": 1, "median": 1, "p95": 1, "max": 1}
    assert stormed["dead"]["reject"]["connections"]["min"] >= 1
    assert (stormed["more_than_one_per_step"], stormed["overlapping"]) == (0, 0)

    assert spoilt["not_found"] == {"kill": 0, "silence": 0}
    assert spoilt["found_s"]["silence"]["min"] > 4.0
    assert spoilt["unexplained"] == []

    path = report.write("watch", {}, {"rows": rows}, tmp_path / "results.json", tmp_path / "table.md", "| table |")
    assert json.loads(path.read_text())["rows"][0]["streams"] == _STREAMS


def test_clips_are_what_their_names_say() -> None:
    for name in ("360p-200k", "360p-1M"):
        frames = reel_of(name).frames
        kbps = sum(frame.octets for frame in frames) * 8 / 1000 / (len(frames) / 25)
        assert 0.9 * CLIPS[name].kbps < kbps < 1.15 * CLIPS[name].kbps
    frozen = reel_of(frozen_clip_of("360p-200k")).frames
    assert [frame.key for frame in frozen].count(True) == 1
