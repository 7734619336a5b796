"""The addresses of database and broker that ``k8s/README.md`` gives really check the certificate they meet.

The other side here only speaks TLS: what matters is whether anything is said to it at all.
"""

import contextlib
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.bus.rabbit import RabbitBus
from services.contracts.errors import Unavailable
from services.storage.database import Database
from tests.deploy.compose import DEPLOY
from tests.deploy.documented import readme
from tests.harness.bus import LIMITS

_POSTGRES_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


class TlsPeer:
    """Takes connections on loopback until closed, and keeps what it was told inside of TLS."""

    def __init__(self, certificates: Path, greet: Callable[[socket.socket], None]) -> None:
        self.told = b""
        self._greet = greet
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificates / "tls.crt", certificates / "tls.key")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(20)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=20)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(5)
            with connection, contextlib.suppress(OSError):
                self._greet(connection)
                with self._context.wrap_socket(connection, server_side=True) as wrapped:
                    self.told += wrapped.recv(1024)


def _say_nothing(_: socket.socket) -> None:
    """AMQP over TLS begins with TLS."""


def _as_postgres(connection: socket.socket) -> None:
    """PostgreSQL is asked for TLS in clear, and says S for yes."""
    if connection.recv(8) == _POSTGRES_SSL_REQUEST:
        connection.sendall(b"S")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directories ``ours`` and ``foreign``, each with a certificate for localhost and its authority."""
    directory = tmp_path_factory.mktemp("certificates")
    for name in ("ours", "foreign"):
        place = directory / name
        subprocess.run([DEPLOY / "make-certificates.sh", place, place, "localhost"], check=True, timeout=60)
    return directory


@pytest.fixture
def peer(certificates: Path, request: pytest.FixtureRequest) -> Iterator[TlsPeer]:
    peer = TlsPeer(certificates / "ours", request.param)
    yield peer
    peer.close()


def _documented(secret: str, port: int, authority: Path) -> str:
    row = re.search(rf"^\| Secret \| `{secret}` \| `url` \| all \| `(?P<url>[^`]+)`", readme(), re.MULTILINE)
    assert row is not None
    assert "@HOST/" in row["url"]
    url = row["url"].replace("USER:PASSWORD@HOST", f"user:password@localhost:{port}")
    return re.sub(r"/etc/vonggac/trust/\w+\.crt", str(authority), url)


@pytest.mark.parametrize("peer", [_say_nothing], indirect=True)
@pytest.mark.parametrize(("trusted", "told"), [("ours", b"AMQP\x00\x00\x09\x01"), ("foreign", b"")])
async def test_a_broker_is_talked_to_only_with_its_certificate(
    trusted: str, told: bytes, peer: TlsPeer, certificates: Path
) -> None:
    bus = RabbitBus(_documented("vonggac-bus", peer.port, certificates / trusted / "ca.crt"), LIMITS, "/tests", "tests")
    with pytest.raises(Unavailable):
        await bus.open()
    await bus.close()
    assert peer.told[:8] == told


@pytest.mark.parametrize("peer", [_as_postgres], indirect=True)
@pytest.mark.parametrize(("trusted", "talks"), [("ours", True), ("foreign", False)])
async def test_a_database_is_talked_to_only_with_its_certificate(
    trusted: str, talks: bool, peer: TlsPeer, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLROOTCERT", str(certificates / trusted / "ca.crt"))
    database = Database(_documented("vonggac-database", peer.port, certificates))
    with pytest.raises(Unavailable):
        await database.ping()
    await database.close()
    assert (b"user\x00" in peer.told) is talks
