"""What a process and its descendants use, read from /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Usage:
    """One process at one moment. ``cpu_s`` is counted since its start."""

    pid: int
    parent: int
    rss_bytes: int
    cpu_s: float
    descriptors: int


def usage_of(root: int) -> dict[int, Usage]:
    """The process and its descendants, by process id. What ends meanwhile is left out."""
    everybody = {one.pid: one for one in (_read(path) for path in Path("/proc").glob("[0-9]*")) if one is not None}
    found = {root} & set(everybody)
    while more := {pid for pid, one in everybody.items() if one.parent in found} - found:
        found |= more
    return {pid: everybody[pid] for pid in found}


def _read(path: Path) -> Usage | None:
    try:
        # The name, in parentheses, may hold anything.
        fields = (path / "stat").read_text(errors="replace").rpartition(")")[2].split()
        return Usage(
            pid=int(path.name),
            parent=int(fields[1]),
            rss_bytes=int(fields[21]) * _PAGE_BYTES,
            cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS_PER_S,
            descriptors=sum(1 for _ in (path / "fd").iterdir()),
        )
    except OSError:
        return None
