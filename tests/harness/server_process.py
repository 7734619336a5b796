"""A foreign server as a child of the test run: found, started, awaited, and gone at the end whatever happens."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nobody listened a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def find_program(name: str, package: str, directories: Sequence[str] = ()) -> str:
    """The path of a program; without it the test run fails with the package to install, it never skips."""
    for directory in directories:
        found = shutil.which(name, path=directory)
        if found:
            return found
    found = shutil.which(name)
    if not found:
        raise RuntimeError(f"{name} is missing and these tests need it: apt-get install {package}")
    return found


def port_answers(port: int) -> bool:
    """Whether somebody accepts connections on this port of 127.0.0.1."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class ServerProcess:
    """One child process whose output goes to a file.

    The kernel ends it when the thread that made it ends (PR_SET_PDEATHSIG), so that not even a killed test run leaves it
    behind. So make it in the main thread: one of ``asyncio.to_thread`` ends with its event loop.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        dies_by: str = "KILL",
    ) -> None:
        self._log = log
        wrapped = [find_program("setpriv", "util-linux"), "--pdeathsig", dies_by]
        if user is not None and os.getuid() == 0:
            account = pwd.getpwnam(user)
            wrapped += [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*wrapped, "--", *command],
                env=None if env is None else dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=log.parent,
            )

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id: the wrapper replaces itself by the command."""
        return self._process.pid

    def wait_until(self, ready: Callable[[], bool], *, timeout_s: float) -> None:
        """Return when ``ready`` says so. Raises RuntimeError, with the end of the log, if the process ends first."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if not self.running:
                raise RuntimeError(f"ended with {self._process.returncode} before it was ready:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"not ready after {timeout_s} s:\n{self.log_tail()}")
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL, and wait until the process is gone."""
        self._process.kill()
        self._process.wait(timeout=10)

    def stop(self, number: signal.Signals, *, timeout_s: float) -> None:
        """Ask it to stop by this signal; SIGKILL if it has not within the time."""
        if not self.running:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def log_tail(self) -> str:
        """The last lines the process wrote."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-30:])
