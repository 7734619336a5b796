"""The crate onvif-server 0.1.1 as a child process: an ONVIF stack in Rust that none of us wrote (MIT or Apache-2.0).

It is built once, by cargo with the versions of its Cargo.lock, and kept in ``var``. ``python -m tests.harness.foreign_server`` builds it ahead of the tests. Debian 12 has no Rust that is new
enough, so it is there only where cargo is: ``cargo()`` says so.
"""

import fcntl
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.harness.server_process import find_program, port_answers

ROOT = Path(__file__).resolve().parents[2]
_PROJECT = Path(__file__).parent / "foreign_onvif_server"
_BUILT = ROOT / "var" / "foreign-onvif-server"
_BUILD_S = 500.0
_START_S = 20.0


def cargo() -> str | None:
    """The program that builds it, if this machine has one."""
    return shutil.which("cargo") or shutil.which("cargo", path=str(Path.home() / ".cargo" / "bin"))


def build() -> Path:
    """The program, built if it is not yet: a minute, once. Raises RuntimeError with the compiler's last words."""
    program = cargo()
    if program is None:
        raise RuntimeError("cargo is missing: install Rust 1.85 or newer")
    _BUILT.mkdir(parents=True, exist_ok=True)
    with (_BUILT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test processes want it at the same time
        done = subprocess.run(
            [program, "build", "--quiet", "--locked", "--target-dir", str(_BUILT)],
            cwd=_PROJECT,
            capture_output=True,
            text=True,
            timeout=_BUILD_S,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"onvif-server was not built: {done.stderr[-2000:]}")
    return _BUILT / "debug" / "foreign-onvif-server"


class ForeignServer:
    """A camera at all addresses of a network of its own; it names ``host`` and the streams at ``rtsp_port`` there."""

    def __init__(self, host: str, port: int, rtsp_port: int, username: str, password: str) -> None:
        guard = [find_program("setpriv", "util-linux"), "--pdeathsig", "KILL"]
        self._command = [*guard, str(build()), host, str(port), str(rtsp_port), username, password]
        self._port = port

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command)
        began = time.monotonic()
        while not port_answers(self._port):
            if self._process.poll() is not None or time.monotonic() - began > _START_S:
                self.__exit__(None, None, None)
                raise RuntimeError("onvif-server did not start")
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait(5)


if __name__ == "__main__" and cargo():
    build()
