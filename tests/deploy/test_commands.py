"""The command lines that deployments and their READMEs give are ones that ``vonggac`` takes."""

import re
from collections.abc import Iterator

import pytest

from services.cli.main import main
from tests.deploy.compose import DEPLOY, FILE, parsed
from tests.deploy.manifests import KUBERNETES, OVERLAYS, rendered, workloads

_README_COMMAND = re.compile(r"\bvonggac ((?:migrate|keys|simulate|serve)\b[^|\n`]*)")


def _of_compose() -> Iterator[list[str]]:
    variables = {"POSTGRES_PASSWORD": "x", "RABBITMQ_PASSWORD": "y"}
    for service in parsed(FILE.read_text(encoding="utf-8"), variables).services.values():
        if service.is_ours and not service.entrypoint:
            yield service.command


def _of_kubernetes() -> Iterator[list[str]]:
    for overlay in OVERLAYS:
        for workload in workloads(rendered(overlay)):
            if workload.is_ours:
                yield from (container["args"] for container in workload.containers)


def _of_readmes() -> Iterator[list[str]]:
    for readme in (DEPLOY / "README.md", DEPLOY / "make-secrets.sh", KUBERNETES / "README.md"):
        for command in _README_COMMAND.finditer(readme.read_text(encoding="utf-8")):
            yield command[1].split()


COMMANDS = sorted({tuple(command) for command in (*_of_compose(), *_of_kubernetes(), *_of_readmes())})


def _is_taken(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> bool:
    """Whether ``vonggac`` takes a command line: a setting that does not fit then ends it, before it does anything."""
    monkeypatch.setenv("VONGGAC_PORT", "none")
    try:
        status = main(command)
    except SystemExit:
        return False
    return status == 2 and "VONGGAC_PORT" in capsys.readouterr().err


def test_commands_were_found_everywhere() -> None:
    assert len(COMMANDS) >= 7
    assert {command[0] for command in COMMANDS} == {"serve", "migrate", "keys", "simulate"}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_command_is_taken(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _is_taken(command, monkeypatch, capsys)


@pytest.mark.parametrize(
    "command", [("serve", "--role", "web"), ("serve", "--port", "1"), ("keys", "create", "--name", "x"), ("simulat",)]
)
def test_another_command_is_not_taken(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not _is_taken(command, monkeypatch, capsys)
