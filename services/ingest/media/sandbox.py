"""Confinement of a media process: what hostile video must not be able to do to the machine."""

import ctypes
import os
import resource
import signal

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38

#: Environment that a media process inherits. Secrets (``VONGGAC_*``) and proxies are not among it.
INHERITED = frozenset({"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH"})


def environment(inherited: dict[str, str], import_root: str) -> dict[str, str]:
    """The environment of a media process. Pure."""
    kept = {name: value for name, value in inherited.items() if name in INHERITED}
    # Each thread would otherwise reserve an arena of 64 MB of address space, which the limit counts. Pictures are given
    # back to the system when they are freed: with the usual, growing threshold 4000 probes left 60 MB in fragments.
    return {
        **kept,
        "PYTHONPATH": import_root,
        "MALLOC_ARENA_MAX": "2",
        "MALLOC_MMAP_THRESHOLD_": "131072",
        "PYTHONFAULTHANDLER": "1",
    }


def confine(*, memory_limit_bytes: int, parent_pid: int) -> None:
    """Bound memory, write no core and no file, gain no privilege, and die with the parent.

    Exits at once when the parent is already gone. The kernel sends the signal when the *thread* that started this
    process ends: the host must be started by a thread that lives as long as the host.
    """
    resource.setrlimit(resource.RLIMIT_AS, (memory_limit_bytes, memory_limit_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    for option, argument in ((_PR_SET_PDEATHSIG, signal.SIGKILL), (_PR_SET_NO_NEW_PRIVS, 1)):
        if libc.prctl(option, int(argument), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), f"prctl({option}) failed")
    if os.getppid() != parent_pid:
        os._exit(0)
