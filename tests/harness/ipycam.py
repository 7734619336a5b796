"""ipycam 1.3.0 as a child process: an ONVIF camera that none of us wrote."""

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.harness.server_process import find_program

ROOT = Path(__file__).resolve().parents[2]


class IpycamPeer:
    """Its ONVIF service on an address of loopback. ``arguments`` are those of ``tests.harness.ipycam_peer``."""

    module = "tests.harness.ipycam_peer"

    def __init__(self, *arguments: str) -> None:
        # The kernel ends it with us, so that not even a killed test run leaves it behind.
        guard = [find_program("setpriv", "util-linux"), "--pdeathsig", "KILL"]
        self._command = [*guard, sys.executable, "-m", self.module, *arguments]
        self.port = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        if not first:
            self.__exit__(None, None, None)
            raise RuntimeError("ipycam did not start; OpenCV needs: apt-get install libgl1 libglib2.0-0")
        self.port = json.loads(first)["port"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        if self._process.stdout is not None:
            self._process.stdout.close()


class IpycamCamera(IpycamPeer):
    """The whole camera in a network of its own. ``arguments`` are those of ``tests.harness.ipycam_camera``."""

    module = "tests.harness.ipycam_camera"
