"""How many files and sockets a process may hold open."""

import resource

_FILES = 65_536


def raise_file_limit() -> int:
    """Allow this process as many as the system lets it; returns how many. A socket for each camera is more than 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else _FILES
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
