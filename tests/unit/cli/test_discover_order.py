"""From arguments to the order of a search."""

import argparse
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from services.cli import discover
from services.cli.discover_order import WrongCall, make_order, read_credentials
from services.contracts.networks import CameraNetworks

ALLOWED = CameraNetworks([ip_network("127.0.0.0/8")])


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    discover.add(parser)
    return parser.parse_args(arguments)


def sets(*arguments: str, environment: dict[str, str] | None = None) -> list[tuple[str, str]]:
    given = parsed(*arguments)
    found = read_credentials(given.sign_in, given.credentials_file, environment or {})
    return [(one.username, one.password) for one in found]


@pytest.fixture
def secret(tmp_path: Path) -> str:
    path = tmp_path / "password"
    path.write_text("mật khẩu, 2021 \n", encoding="utf-8")
    return str(path)


def test_sets_keep_the_order_in_which_they_were_given(secret: str, tmp_path: Path) -> None:
    file = tmp_path / "sets.csv"
    file.write_text('username,password\nlab,"a,b"\n\nroot,\n', encoding="utf-8-sig")
    arguments = ["--username", "b", "--password-env", "CAMERA", "--username", "a", "--password-file", secret]
    arguments += ["--credentials-file", str(file)]
    assert sets(*arguments, environment={"CAMERA": "x"}) == [
        ("b", "x"),
        ("a", "mật khẩu, 2021 "),
        ("lab", "a,b"),
        ("root", ""),
    ]


def test_no_option_takes_a_password(secret: str) -> None:
    with pytest.raises(SystemExit):
        parsed("--username", "admin", "--password", "secret")
    with pytest.raises(SystemExit):
        parsed("--pass", secret)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--username", "a"), "--password-file"),
        (("--username", "a", "--username", "b"), "--password-file"),
        (("--password-env", "CAMERA"), "--username"),
        (("--username", "a", "--password-env", "MISSING"), "MISSING"),
    ],
)
def test_sets_that_are_not_whole_are_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(WrongCall, match=message):
        sets(*arguments, environment={"CAMERA": "x"})


def test_a_file_of_sets_that_is_none_is_refused_without_showing_it(tmp_path: Path) -> None:
    file = tmp_path / "sets.csv"
    file.write_text("admin;s3cret\n", encoding="utf-8")
    with pytest.raises(WrongCall) as refused:
        sets("--credentials-file", str(file))
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "multicast"),
    [
        (("--network", "127.1.0.0/24"), True),
        (("--host", "127.1.0.1"), False),
        (("--host", "127.1.0.1", "--multicast"), True),
        (("--network", "127.1.0.0/24", "--no-multicast"), False),
        ((), True),
    ],
)
def test_the_link_is_asked_unless_only_hosts_are_named(arguments: tuple[str, ...], multicast: bool) -> None:
    assert make_order(parsed(*arguments), ALLOWED, ()).multicast is multicast


@pytest.mark.parametrize("arguments", [("--network", "10.0.0.0/24"), ("--host", "10.0.0.1"), ("--no-multicast",)])
def test_what_cannot_be_looked_at_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(WrongCall) as refused:
        make_order(parsed(*arguments), ALLOWED, ())
    if "--no-multicast" not in arguments:
        assert "VONGGAC_CAMERA_NETWORKS (127.0.0.0/8)" in str(refused.value)


def test_without_camera_networks_the_setting_is_named() -> None:
    with pytest.raises(WrongCall, match="VONGGAC_CAMERA_NETWORKS is empty"):
        make_order(parsed("--network", "127.1.0.0/24"), CameraNetworks([]), ())


@pytest.mark.parametrize(
    ("host", "address"),
    [("localhost", "127.0.0.1"), ("localhost:8001", "127.0.0.1:8001"), ("127.0.0.9:80", "127.0.0.9:80")],
)
def test_names_are_looked_up_once(host: str, address: str) -> None:
    assert make_order(parsed("--host", host), ALLOWED, ()).hosts == (address,)


def test_a_name_that_nobody_knows_is_said() -> None:
    with pytest.raises(WrongCall, match=r"camera\.invalid"):
        make_order(parsed("--host", "camera.invalid"), ALLOWED, ())


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "many"])
def test_a_rate_is_a_number_above_zero(rate: str) -> None:
    with pytest.raises(SystemExit):
        parsed("--rate", rate)


def test_help_is_there_in_any_width(monkeypatch: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for columns in ("40", "80", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        with pytest.raises(SystemExit):
            parsed("--help")
    assert "--password-file" in capsys.readouterr().out
