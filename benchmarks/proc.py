"""What Linux tells about processes and sockets under /proc: CPU time, memory, buffers. Parsing is apart from reading."""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PROC = Path("/proc")
#: Linux, include/linux/posix-timers.h: the clock that the scheduler keeps for a process.
_CPUCLOCK_SCHED = 2


class Stat(NamedTuple):
    """From ``/proc/<pid>/stat``: the parent, and CPU time in user and system mode, its own and of children it buried.

    ``own_s`` has the resolution of a tick, 10 ms; ``cpu_s_of_one`` is finer.
    """

    parent: int
    own_s: float
    buried_s: float


class Memory(NamedTuple):
    """From ``/proc/<pid>/smaps_rollup``, bytes: resident, and what of it the process wrote itself and shares with nobody.

    Its share of mapped files (PSS) is not told: it changes whenever another process with the same libraries comes or goes.
    """

    rss: int
    own: int


def parse_stat(text: str, ticks_per_s: int = _TICKS_PER_S) -> Stat:
    """Read a line of ``stat``. The name of the process may hold blanks and parentheses."""
    fields = text[text.rindex(")") + 2 :].split()
    # proc(5) counts from 1 and has two fields before these: ppid is 4, utime 14, stime 15, cutime 16, cstime 17.
    user, system, buried_user, buried_system = (int(fields[number - 3]) for number in (14, 15, 16, 17))
    return Stat(int(fields[1]), (user + system) / ticks_per_s, (buried_user + buried_system) / ticks_per_s)


def parse_smaps(text: str) -> Memory:
    """Read ``smaps_rollup``."""
    kib: dict[str, int] = {}
    for line in text.splitlines()[1:]:
        name, _, rest = line.partition(":")
        kib[name] = int(rest.split()[0])
    return Memory(kib["Rss"] * 1024, kib["Private_Dirty"] * 1024)


def parse_sockstat(text: str, page_bytes: int = _PAGE_BYTES) -> int:
    """Bytes that the kernel holds for all TCP sockets, from ``/proc/net/sockstat``."""
    line = next(line for line in text.splitlines() if line.startswith("TCP:"))
    words = line.split()
    return int(words[words.index("mem") + 1]) * page_bytes


def family_of(pid: int, stats: dict[int, Stat]) -> set[int]:
    """A process and all that descend from it."""
    family = {pid}
    while more := {child for child, stat in stats.items() if stat.parent in family} - family:
        family |= more
    return family


def cpu_s_of(pid: int) -> float:
    """CPU seconds of a process and its descendants so far, those that have ended and were waited for among them."""
    stats = _all_stats()
    return sum(cpu_s_of_one(one) + stats[one].buried_s for one in family_of(pid, stats) if one in stats)


def cpu_s_of_one(pid: int) -> float:
    """CPU seconds of one process so far, all its threads, in user and system mode. 0 when it is gone.

    The same time as in ``stat``, in nanoseconds instead of ticks: at a few streams and seconds, ticks are too coarse. The
    clock's number is made as clock_getcpuclockid(3) makes it.
    """
    try:
        return time.clock_gettime(~pid << 3 | _CPUCLOCK_SCHED)
    except OSError:
        return 0.0


def memory_of(pid: int) -> Memory:
    """Memory of a process and its descendants. Reading it takes a while for large ones."""
    return _summed(parse_smaps((_PROC / str(one) / "smaps_rollup").read_text()) for one in family_of(pid, _all_stats()))


def memory_of_one(pid: int) -> Memory:
    """Memory of one process."""
    return parse_smaps((_PROC / str(pid) / "smaps_rollup").read_text())


def socket_bytes() -> int:
    """Kernel memory of all TCP sockets of this machine, both ends of loopback connections."""
    return parse_sockstat((_PROC / "net" / "sockstat").read_text())


def _all_stats() -> dict[int, Stat]:
    stats = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                stats[int(entry.name)] = parse_stat((entry / "stat").read_text())
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended meanwhile
    return stats


def _summed(memories: Iterable[Memory]) -> Memory:
    kept = list(memories)
    return Memory(sum(one.rss for one in kept), sum(one.own for one in kept))
