"""A private PostgreSQL on a free port in a temporary directory."""

import itertools
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.harness.server_process import ServerProcess, find_program, free_port, port_answers

_PACKAGE = "postgresql-15"

#: Safe to give up in tests: the data is thrown away with the directory.
_FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


def _directories() -> Sequence[str]:
    """Where Debian keeps the server programs, newest version first; they are not on the PATH."""
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(re.sub(r"\D", "", path.parent.name) or 0)
    )
    return [str(path) for path in reversed(versions)]


class PostgresServer:
    """A PostgreSQL server of our own. Trusts every connection from loopback, and listens nowhere else.

    ``durable`` keeps fsync on, for tests that kill it and look what survived.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._postgres = find_program("postgres", _PACKAGE, _directories())
        self._psql = find_program("psql", _PACKAGE, _directories())
        self._settings = () if durable else _FAST
        # PostgreSQL refuses to run as root.
        self._user = "postgres" if os.getuid() == 0 else None
        self._dir = Path(tempfile.mkdtemp(prefix="vonggac-postgres-"))
        self._data = self._dir / "data"
        self._numbers = itertools.count(1)
        self._process: ServerProcess | None = None
        self.port = free_port()
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            os.chown(self._dir, account.pw_uid, account.pw_gid)
        initdb = find_program("initdb", _PACKAGE, _directories())
        self._run(
            initdb,
            *("-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
        )

    def start(self) -> None:
        """Start on the same data. Also after ``kill``."""
        settings = [
            *self._settings,
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self._dir}",
            "max_connections=200",
            "jit=off",
            "timezone=UTC",
        ]
        command = [
            self._postgres,
            *("-D", str(self._data), "-p", str(self.port)),
            *(word for setting in settings for word in ("-c", setting)),
        ]
        deadline = time.monotonic() + 60
        while True:
            self._process = ServerProcess(command, log=self._dir / "server.log", user=self._user, dies_by="QUIT")
            try:
                self._process.wait_until(self._answers, timeout_s=60)
            except RuntimeError as error:
                # The children of a killed server take a moment to notice, and hold its shared memory until then.
                if "shared memory" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def kill(self) -> None:
        """SIGKILL to the postmaster; its children notice and leave."""
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        """Stop for good and remove the data."""
        if self._process is not None:
            self._process.stop(signal.SIGINT, timeout_s=10)
        shutil.rmtree(self._dir, ignore_errors=True)

    def create_database(self) -> str:
        """A fresh, empty database: its ``postgresql+asyncpg://`` URL."""
        name = f"test_{next(self._numbers)}"
        self.query(f"CREATE DATABASE {name}")
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/{name}"

    def drop_database(self, url: str) -> None:
        """Remove a database that ``create_database`` made, whoever is still connected to it."""
        self.query(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def query(self, sql: str, database: str = "postgres") -> str:
        """What psql prints for one statement: rows by line, columns by ``|``."""
        return self._run(
            self._psql,
            *("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"),
            *("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database, "-c", sql),
        )

    def _answers(self) -> bool:
        if not port_answers(self.port):
            return False
        try:
            return self.query("SELECT 1") == "1"
        except RuntimeError:  # still starting: it accepts connections and refuses them
            return False

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command,
            user=self._user,
            group=self._user,
            extra_groups=None if self._user is None else (),
            cwd=self._dir,
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(self._dir), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{Path(command[0]).name} failed: {done.stderr.strip()}")
        return done.stdout.strip()
