"""Runs targets for a while, two at a time, and sums up: ``python -m tests.fuzz.run --seconds 600 [--target NAME]…``.

Inputs grow in ``var/fuzz/<target>``, beginning with the kept cases and the odd servers of ``tests/data/rtsp``. An input that breaks a property, hangs or outgrows
the memory stays in ``var/fuzz/<target>-found``; mend the reader, and keep the input under ``tests/data/fuzz/<target>``
by the name of what it showed. ``--keep`` adds to the kept cases what reaches new lines.
"""

import argparse
import hashlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.keep import fewest
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import KEPT, TARGETS, kept_cases

_WORK = Path("var/fuzz")
_DICTIONARY = Path(__file__).parent / "rtsp.dict"
#: A single input that takes longer is a hang: the slowest ordinary one takes some hundredths of a second.
_INPUT_S_MAX = 10
_RSS_MB_MAX = 512
_INPUT_BYTES_MAX = 8192

_PROGRESS = re.compile(r"^#(\d+)\s+\w+.*?cov: (\d+) ft: (\d+).*?rss: (\d+)Mb", re.MULTILINE)
_EXECUTIONS = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
_PEAK = re.compile(r"stat::peak_rss_mb:\s+(\d+)")


@dataclass(frozen=True, slots=True)
class Result:
    """What one run of one target gave. Memory in MiB."""

    name: str
    seconds: float
    executions: int
    coverage: int
    rss_early: int
    rss_peak: int
    found: tuple[str, ...]
    ended_well: bool


def main(arguments: Sequence[str]) -> int:
    """The exit status: 1 when anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="may be given again; default: all")
    parser.add_argument("--at-once", type=int, default=2, help="how many targets run at the same time")
    parser.add_argument("--keep", action="store_true", help="add inputs that reach new lines to the kept cases")
    chosen = parser.parse_args(arguments)
    names = chosen.target or list(TARGETS)
    print(f"{'target':<12}{'seconds':>8}{'executions':>12}{'coverage':>9}{'RSS early':>10}{'peak':>6}  found")
    well = True
    with ThreadPoolExecutor(chosen.at_once) as pool:
        for result in pool.map(lambda name: fuzz(name, chosen.seconds), names):
            found = ", ".join(result.found) or ("nothing" if result.ended_well else "the fuzzer itself failed")
            print(
                f"{result.name:<12}{result.seconds:>8.0f}{result.executions:>12}{result.coverage:>9}"
                f"{result.rss_early:>10}{result.rss_peak:>6}  {found}",
                flush=True,
            )
            well = well and result.ended_well and not result.found
    if chosen.keep:
        for name in names:
            print(f"{name}: {keep(name)} cases kept")
    return 0 if well else 1


def fuzz(name: str, seconds: int) -> Result:
    """Run one target in a process of its own."""
    work, found = _WORK / name, _WORK / f"{name}-found"
    for directory in (work, found, KEPT / name):
        directory.mkdir(parents=True, exist_ok=True)
    for data in seeds(name):
        (work / f"seed-{_digest(data)}").write_bytes(data)
    before = set(found.iterdir())
    log = _WORK / f"{name}.log"
    began = time.monotonic()
    with log.open("wb") as output:
        ended = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.fuzz.one",
                name,
                f"-max_total_time={seconds}",
                f"-max_len={_INPUT_BYTES_MAX}",
                f"-timeout={_INPUT_S_MAX}",
                f"-rss_limit_mb={_RSS_MB_MAX}",
                f"-dict={_DICTIONARY}",
                f"-artifact_prefix={found}/",
                "-print_final_stats=1",
                str(work),
                str(KEPT / name),
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    text = log.read_text("utf-8", errors="replace")
    progress = [tuple(map(int, line)) for line in _PROGRESS.findall(text)]
    executions, peak = _EXECUTIONS.search(text), _PEAK.search(text)
    return Result(
        name=name,
        seconds=time.monotonic() - began,
        executions=int(executions[1]) if executions else (progress[-1][0] if progress else 0),
        coverage=progress[-1][1] if progress else 0,
        rss_early=next((rss for count, _, _, rss in progress if count >= 10_000), 0),
        rss_peak=int(peak[1]) if peak else (progress[-1][3] if progress else 0),
        found=tuple(sorted(path.name for path in set(found.iterdir()) - before)),
        ended_well=ended.returncode == 0,
    )


def keep(name: str) -> int:
    """Keep the fewest inputs that reach all that was reached; cases with a name of their own stay. Their number."""
    named = [path for path in kept_cases(name) if not _is_ours(path)]
    ours = [path for path in kept_cases(name) if _is_ours(path)]
    inputs = list(_contents([*ours, *named, *(_WORK / name).glob("*")]))
    kept = fewest(TARGETS[name], inputs)
    for path in ours:
        path.unlink()
    (KEPT / name).mkdir(parents=True, exist_ok=True)
    known = set(_contents(named))
    for data in kept:
        if data not in known:
            (KEPT / name / _digest(data)).write_bytes(data)
    return len(kept_cases(name))


def _contents(paths: Sequence[Path]) -> Iterator[bytes]:
    return (path.read_bytes() for path in paths)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


def _is_ours(path: Path) -> bool:
    return re.fullmatch(r"[0-9a-f]{12}", path.name) is not None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
