"""Results as tables of Markdown and as a JSON file, with the machine they come from."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """What the numbers depend on."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    ffmpeg = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, check=False).stdout.split()
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "pyav": av.__version__,
        "ffmpeg": ffmpeg[2] if len(ffmpeg) > 2 else None,
        "load_before": round(os.getloadavg()[0], 2),
    }


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown, aligned for readers of the text. The first column is words, the others are numbers."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    ruler = f"|{'|'.join('-' * (width + 2) if not column else '-' * (width + 1) + ':' for column, width in enumerate(widths))}|"
    return "\n".join([line(head), ruler, *map(line, rows)])


def number(value: float | None, digits: int = 2) -> str:
    """A number as it stands in a table."""
    return "" if value is None else f"{value:.{digits}f}"


def write(
    name: str, settings: dict[str, Any], results: dict[str, Any], path: Path | None, markdown: Path | None, text: str
) -> Path:
    """Keep the results, and the table if a path is given for it. Returns where the JSON stands."""
    now = datetime.now(UTC)
    target = path or RESULTS / f"{name}-{now:%Y%m%dT%H%M%SZ}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "benchmark": name,
        "finished_at": now.isoformat(timespec="seconds"),
        "machine": machine(),
        "settings": settings,
        **results,
    }
    target.write_text(json.dumps(document, indent=1) + "\n")
    if markdown is not None:
        markdown.write_text(text + "\n")
    return target


def say(text: str) -> None:
    """Progress, for whoever waits: on stderr, so that stdout holds results only."""
    print(text, file=sys.stderr, flush=True)
