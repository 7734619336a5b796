"""``vonggac demo`` as a child process: the whole system with its simulated site, in a directory of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.harness.server_process import ServerProcess, free_port

_START_S = 90.0
_STOP_S = 20.0
_POLL_S = 0.2


class Demo:
    """A running demo. Make it in the main thread (see ServerProcess), ``start`` it, and ``stop`` it whatever happens."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self._log = directory / "demo.log"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("VONGGAC_")},
            "VONGGAC_DATA_DIR": str(directory / "data"),
            "VONGGAC_PORT": str(free_port()),
            **settings,
        }
        self._directory = directory
        self._process: ServerProcess | None = None
        #: Where the console is, without a slash at its end.
        self.url = ""
        #: A key of role operator.
        self.key = ""
        #: Where the simulator takes faults.
        self.control_url = ""

    def start(self, *options: str) -> None:
        """Return when the demo has registered its site. Cameras come up within seconds after that."""
        self._directory.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "services", "demo", *options]
        # TERM, so that the demo ends its simulator too when the test run is killed.
        self._process = ServerProcess(command, log=self._log, env=self._environment, dies_by="TERM")
        self._process.wait_until(self._introduced, timeout_s=_START_S)
        told = self._log.read_text()
        self.url = self._told(r"Console\s+(\S+)/$", told)
        self.key = self._told(r"Key\s+(vg_\S+)", told)
        self.control_url = self._told(r"Faults\s+(\S+)", told)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop(signal.SIGTERM, timeout_s=_STOP_S)

    def new_key(self, role: str, *provinces: str) -> str:
        """A key of this role, as an operator makes it on the command line; ``provinces`` are codes."""
        more = ("--province", *provinces) if provinces else ()
        printed = self._command("keys", "create", "--name", f"demo {role}", "--role", role, *more)
        return printed.splitlines()[-1]

    def set_fault(self, camera: str, fault: str) -> None:
        """Switch the fault of a simulated camera, such as ``camera-1``."""
        self._command("simulate", "--set-fault", self.control_url, camera, fault)

    def get(self, path: str) -> Any:
        """What the API answers, asked with the operator's key."""
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.key}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """What the API answers to this document."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=json.dumps(body).encode(), headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{path}: {error.code} {error.read().decode()}") from error

    def simulated_cameras(self) -> dict[str, Any]:
        """The cameras and channels of the simulator by name, with their addresses and passwords."""
        with urllib.request.urlopen(f"{self.control_url}/site", timeout=10) as answer:
            return {camera["name"]: camera for camera in json.load(answer)["cameras"]}

    def facility_id(self, code: str) -> str:
        found: str = self.get(f"/v1/facilities?code={code}")["items"][0]["id"]
        return found

    def wait_until_up(self, code: str, *, timeout_s: float = 60.0) -> None:
        """Return once every camera of this facility gives a picture and is measured. Raises TimeoutError."""
        facility = self.facility_id(code)
        cameras = [camera["id"] for camera in self.get(f"/v1/cameras?facility_id={facility}")["items"]]
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            statuses = [self.get(f"/v1/cameras/{camera}/status") for camera in cameras]
            if all(status["condition"] in {"online", "degraded"} and status["stream"]["codec"] for status in statuses):
                return
            time.sleep(_POLL_S)
        raise TimeoutError(f"the cameras of {code} were not up within {timeout_s} s")

    def _introduced(self) -> bool:
        return "Registered:" in self._log.read_text()

    def _command(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "services", *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"vonggac {arguments[0]} failed: {done.stderr}")
        return done.stdout

    @staticmethod
    def _told(pattern: str, text: str) -> str:
        found = re.search(pattern, text, re.MULTILINE)
        if found is None:
            raise RuntimeError(f"the demo did not introduce itself:\n{text}")
        return found[1]
