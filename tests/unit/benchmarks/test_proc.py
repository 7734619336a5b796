"""What is read under /proc."""

import os
from pathlib import Path

import pytest

from benchmarks import proc
from benchmarks.proc import Memory, Stat

_STAT = (
    "4711 (a (very) odd name) S 42 4711 4711 0 -1 4194560 1000 2000 0 0 "
    "250 50 1000 200 20 0 3 0 123456 1000000 500 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0\n"
)
_SMAPS = """55d0c8a00000-7ffd1f5fe000 ---p 00000000 00:00 0                          [rollup]
Rss:               12000 kB
Pss:                9000 kB
Pss_Dirty:          5000 kB
Shared_Clean:       4000 kB
Private_Clean:      1000 kB
Private_Dirty:      7000 kB
"""
_SOCKSTAT = "sockets: used 291\nTCP: inuse 11 orphan 0 tw 3 alloc 15 mem 37\nUDP: inuse 2 mem 1\n"


def test_cpu_time_and_parent_are_read_whatever_the_name() -> None:
    assert proc.parse_stat(_STAT, ticks_per_s=100) == Stat(parent=42, own_s=3.0, buried_s=12.0)


def test_memory_is_read_in_bytes() -> None:
    assert proc.parse_smaps(_SMAPS) == Memory(rss=12000 * 1024, own=7000 * 1024)


def test_socket_memory_is_told_in_pages() -> None:
    assert proc.parse_sockstat(_SOCKSTAT, page_bytes=4096) == 37 * 4096


def test_a_family_is_all_that_descends() -> None:
    stats = {pid: Stat(parent, 0.0, 0.0) for pid, parent in {1: 0, 10: 1, 11: 10, 12: 11, 20: 1, 21: 20}.items()}
    assert proc.family_of(10, stats) == {10, 11, 12}


def test_this_process_is_measured() -> None:
    before = proc.cpu_s_of_one(os.getpid())
    until = before + 0.05
    while os.times().user + os.times().system < until:
        sum(range(10_000))
    told = proc.parse_stat(Path("/proc/self/stat").read_text()).own_s
    assert proc.cpu_s_of_one(os.getpid()) == pytest.approx(told, abs=0.1)
    assert proc.cpu_s_of(os.getpid()) >= before + 0.03
    memory = proc.memory_of_one(os.getpid())
    assert memory.rss > memory.own > 1_000_000
    assert proc.socket_bytes() >= 0


def test_a_process_that_is_gone_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        proc.memory_of_one(2**22 + 1)
