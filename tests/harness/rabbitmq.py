"""A private RabbitMQ on free ports in a temporary directory, with an epmd of its own."""

import base64
import contextlib
import itertools
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.harness.server_process import ServerProcess, find_program, free_port, port_answers

_PACKAGE = "rabbitmq-server"
#: Debian's /usr/sbin/rabbitmq-server changes to the user rabbitmq and the system's directories; these scripts do not.
_DIRECTORIES = ("/usr/lib/rabbitmq/bin",)

CONSISTENT_HASH = "rabbitmq_consistent_hash_exchange"

_CONFIG = """
listeners.tcp.default = 127.0.0.1:{port}
management.tcp.ip = 127.0.0.1
management.tcp.port = {management_port}
management_agent.disable_metrics_collector = true
disk_free_limit.absolute = 50MB
log.console = true
log.console.level = warning
log.file = false
"""


class RabbitServer:
    """A RabbitMQ node of our own. User and password are ``guest``, from loopback only."""

    def __init__(self, plugins: Sequence[str] = (CONSISTENT_HASH,)) -> None:
        self._server = find_program("rabbitmq-server", _PACKAGE, _DIRECTORIES)
        self._ctl = find_program("rabbitmqctl", _PACKAGE, _DIRECTORIES)
        self._epmd_program = find_program("epmd", "erlang-base")
        self._dir = Path(tempfile.mkdtemp(prefix="vonggac-rabbitmq-"))
        self._numbers = itertools.count(1)
        self._process: ServerProcess | None = None
        self._epmd: ServerProcess | None = None
        self.port = free_port()
        self._management_port = free_port()
        self._epmd_port = free_port()
        self._env = self._environment()
        cookie = self._dir / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(16))
        cookie.chmod(0o400)
        (self._dir / "rabbitmq.conf").write_text(_CONFIG.format(port=self.port, management_port=self._management_port))
        (self._dir / "enabled_plugins").write_text(f"[{','.join(['rabbitmq_management', *plugins])}].\n")

    def _environment(self) -> dict[str, str]:
        here = str(self._dir)
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": here,
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "RABBITMQ_NODENAME": f"vonggac-{secrets.token_hex(4)}@localhost",
            "RABBITMQ_CONF_ENV_FILE": f"{here}/none.conf",
            "RABBITMQ_CONFIG_FILE": f"{here}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{here}/enabled_plugins",
            "RABBITMQ_MNESIA_BASE": f"{here}/data",
            "RABBITMQ_LOG_BASE": f"{here}/log",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{here}/generated",
            "RABBITMQ_SCHEMA_DIR": f"{here}/schema",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # The start script then replaces itself by the Erlang machine, so that our child is the broker itself;
            # -noinput keeps that from reading a console. Two cores are shared here: no busy waiting.
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-noinput -start_epmd false "
            "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
            "RABBITMQ_CTL_ERL_ARGS": "-start_epmd false +S 1:1 +sbwt none",
        }

    def start(self) -> None:
        """Start on the same data and wait until it serves. Also after ``kill``."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """The first half of ``start``, which returns at once. Not from a thread that ends before the broker may."""
        if self._epmd is None:
            self._epmd = ServerProcess([self._epmd_program], log=self._dir / "epmd.log", env=self._env)
            self._epmd.wait_until(lambda: port_answers(self._epmd_port), timeout_s=10)
        self._process = ServerProcess([self._server], log=self._dir / "broker.log", env=self._env)

    def wait_until_ready(self) -> None:
        """The second half of ``start``; this one may run in any thread."""
        if self._process is None:
            raise RuntimeError("launch it first")
        self._process.wait_until(self._ready, timeout_s=90)

    def sync_metadata(self) -> None:
        """Before a ``kill`` soon after a declaration: let the broker write down which queues it has.

        RabbitMQ keeps the names of quorum queues in a DETS file that is written some seconds late. Killed before, 3.10.8
        came back with the newest queue listed as live that confirmed nothing any more (4 of 6 runs; after 4 s 0 of 4).
        """
        self.ctl("eval", "[ok = dets:sync(Table) || Table <- dets:all()].")

    def kill(self) -> None:
        """SIGKILL: the broker is gone at once, what it had confirmed is on disk."""
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        """Stop for good and remove the data. An orderly end would take seconds and save nothing."""
        for process in (self._process, self._epmd):
            if process is not None:
                process.kill()
        shutil.rmtree(self._dir, ignore_errors=True)

    def create_vhost(self) -> str:
        """A fresh virtual host: its ``amqp://`` URL."""
        name = f"test-{next(self._numbers)}"
        self.manage("PUT", f"vhosts/{name}")
        self.manage("PUT", f"permissions/{name}/guest", {"configure": ".*", "write": ".*", "read": ".*"})
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{name}"

    def delete_vhost(self, url: str) -> None:
        """Remove a virtual host that ``create_vhost`` made, with its queues."""
        self.manage("DELETE", f"vhosts/{url.rpartition('/')[2]}")

    def delete_queue(self, url: str, queue: str) -> None:
        """Remove one queue, with its messages, under the hands of whoever uses it."""
        self.manage("DELETE", f"queues/{url.rpartition('/')[2]}/{queue}")

    def declare_queue(self, url: str, queue: str, arguments: dict[str, Any]) -> None:
        """Declare a durable queue as somebody else would."""
        self.manage("PUT", f"queues/{url.rpartition('/')[2]}/{queue}", {"durable": True, "arguments": arguments})

    def set_memory_watermark(self, fraction: float) -> None:
        """Raise the memory alarm with 0, clear it with 0.4: publishers are blocked while it stands."""
        self.ctl("set_vm_memory_high_watermark", str(fraction))

    def ctl(self, *arguments: str) -> str:
        """What ``rabbitmqctl`` prints."""
        done = subprocess.run(
            [self._ctl, "--quiet", *arguments],
            env=self._env,
            cwd=self._dir,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"rabbitmqctl {arguments[0]} failed: {done.stdout}{done.stderr}")
        return done.stdout

    def manage(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call of the management API; ``path`` comes after ``/api/``. Milliseconds, where rabbitmqctl takes a second."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._management_port}/api/{path}",
            method=method,
            data=json.dumps(body or {}).encode() if method in {"PUT", "POST"} else None,
            headers={
                "Content-Type": "application/json",
                "Authorization": "Basic " + base64.b64encode(b"guest:guest").decode(),
            },
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            text = response.read(1_000_000)
        return json.loads(text) if text else None

    def _ready(self) -> bool:
        if not port_answers(self.port):
            return False
        with contextlib.suppress(urllib.error.URLError, OSError):
            self.manage("GET", "whoami")
            return True
        return False
