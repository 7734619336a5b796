"""``deploy/make-certificates.sh``: what it makes is trusted by those who should, for the names it was made for."""

import ssl
import stat
import subprocess
import threading
from pathlib import Path
from socket import create_connection, create_server

import pytest

from tests.deploy.compose import DEPLOY

SCRIPT = DEPLOY / "make-certificates.sh"


def make(directory: Path, *names: str) -> str:
    """Run the script; what it prints."""
    done = subprocess.run(
        [SCRIPT, directory / "api", directory / "trust", *names],
        check=True,
        timeout=60,
        capture_output=True,
        text=True,
    )
    return done.stdout


def greet(directory: Path, name: str, authority: Path) -> None:
    """One TLS handshake over loopback, as a worker that asks for ``name``. Raises SSLCertVerificationError."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(directory / "api" / "tls.crt", directory / "api" / "tls.key")
    trusting = ssl.create_default_context(cafile=str(authority))
    with create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        server = threading.Thread(target=_answer_once, args=(listener, serving))
        server.start()
        try:
            with (
                create_connection(listener.getsockname(), timeout=10) as plain,
                trusting.wrap_socket(plain, server_hostname=name) as wrapped,
            ):
                assert wrapped.recv(5) == b"hello"
        finally:
            server.join(timeout=10)


def _answer_once(listener: object, context: ssl.SSLContext) -> None:
    connection, _ = listener.accept()  # type: ignore[attr-defined]
    connection.settimeout(10)
    try:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            wrapped.sendall(b"hello")
    except OSError:
        connection.close()


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("certificates")
    make(directory, "vonggac-api", "localhost", "127.0.0.1", "::1")
    return directory


@pytest.mark.parametrize("name", ["vonggac-api", "localhost", "127.0.0.1", "::1"])
def test_a_worker_trusts_the_api_under_each_name(made: Path, name: str) -> None:
    greet(made, name, made / "trust" / "ca.crt")


@pytest.mark.parametrize("name", ["other", "vonggac-api.elsewhere", "127.0.0.2"])
def test_a_worker_refuses_another_name(made: Path, name: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
        greet(made, name, made / "trust" / "ca.crt")


def test_a_worker_refuses_another_authority(made: Path, tmp_path: Path) -> None:
    make(tmp_path, "vonggac-api")
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        greet(made, "vonggac-api", tmp_path / "trust" / "ca.crt")


def test_the_key_is_private_and_the_authority_s_key_is_gone(made: Path) -> None:
    assert sorted(contents(made)) == ["api/tls.crt", "api/tls.key", "trust/ca.crt"]
    assert stat.S_IMODE((made / "api" / "tls.key").stat().st_mode) == 0o600
    assert b"PRIVATE KEY" not in (made / "trust" / "ca.crt").read_bytes() + (made / "api" / "tls.crt").read_bytes()


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    make(tmp_path, "vonggac-api", "10.0.0.1")
    before = contents(tmp_path)
    assert "fits and stays" in make(tmp_path, "vonggac-api", "10.0.0.1")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("names", [("vonggac-api", "another"), ("vonggac-api", "10.0.0.1")])
def test_a_name_more_makes_a_new_certificate(names: tuple[str, ...], tmp_path: Path) -> None:
    make(tmp_path, "vonggac-api")
    assert "made a certificate" in make(tmp_path, *names)
    greet(tmp_path, names[-1], tmp_path / "trust" / "ca.crt")


@pytest.mark.parametrize("lost", ["api/tls.key", "api/tls.crt", "trust/ca.crt"])
def test_what_was_lost_is_made_anew(lost: str, tmp_path: Path) -> None:
    make(tmp_path, "vonggac-api")
    (tmp_path / lost).unlink()
    assert "made a certificate" in make(tmp_path, "vonggac-api")
    greet(tmp_path, "vonggac-api", tmp_path / "trust" / "ca.crt")


def test_a_key_that_does_not_belong_to_the_certificate_is_replaced(tmp_path: Path) -> None:
    make(tmp_path / "a", "vonggac-api")
    make(tmp_path / "b", "vonggac-api")
    (tmp_path / "b" / "api" / "tls.key").replace(tmp_path / "a" / "api" / "tls.key")
    assert "made a certificate" in make(tmp_path / "a", "vonggac-api")
    greet(tmp_path / "a", "vonggac-api", tmp_path / "a" / "trust" / "ca.crt")


@pytest.mark.parametrize(("days", "kept"), [(29, False), (31, True)])
def test_a_certificate_is_renewed_in_its_last_thirty_days(days: int, kept: bool, tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    (tmp_path / "trust").mkdir()
    certificate, key = tmp_path / "api" / "tls.crt", tmp_path / "api" / "tls.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", str(days), "-subj", "/CN=old", "-addext", "subjectAltName=DNS:vonggac-api"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        timeout=60,
        capture_output=True,
    )
    (tmp_path / "trust" / "ca.crt").write_bytes(certificate.read_bytes())
    assert ("fits and stays" in make(tmp_path, "vonggac-api")) is kept


@pytest.mark.parametrize("names", [(), ("a b",), ("a,DNS:b",), ("$(id)",), ("",)])
def test_what_is_no_name_is_refused(names: tuple[str, ...], tmp_path: Path) -> None:
    command: list[str | Path] = [SCRIPT, tmp_path / "api", tmp_path / "trust", *names]
    assert subprocess.run(command, check=False, timeout=60, capture_output=True).returncode == 2
    assert contents(tmp_path) == {}
