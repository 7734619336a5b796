"""``docs/configuration.md`` and ``deploy/env.example`` say what ``services/settings.py`` says."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from services.settings import Settings
from tests.deploy.environment import settings_from
from tests.deploy.manifests import ROOT

SCRIPT = ROOT / "docs" / "render_configuration.py"


@pytest.fixture(scope="module")
def renderer() -> ModuleType:
    specification = importlib.util.spec_from_file_location("render_configuration", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["render_configuration"] = module
    specification.loader.exec_module(module)
    return module


def _names() -> set[str]:
    return {f"VONGGAC_{name.upper()}" for name in Settings.model_fields}


def _run(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [sys.executable, SCRIPT, "--root", root, *options]
    return subprocess.run(command, check=False, timeout=60, capture_output=True, text=True)


def test_both_files_are_current() -> None:
    done = _run(ROOT, "--check")
    assert (done.returncode, done.stdout) == (0, "")


def test_every_setting_is_there_once_with_a_sentence_and_a_heading(renderer: ModuleType) -> None:
    variables = list(renderer.variables())
    assert [variable.name for variable in variables if not variable.description or not variable.section] == []
    assert sorted(variable.name for variable in variables) == sorted(_names())


def test_the_example_taken_in_whole_is_exactly_the_defaults() -> None:
    lines = (ROOT / "deploy" / "env.example").read_text(encoding="utf-8").splitlines()
    taken_in = dict(line.removeprefix("#").split("=", 1) for line in lines if line.startswith("#VONGGAC_"))
    assert set(taken_in) == _names()
    assert settings_from(taken_in) == settings_from({})


def test_the_example_as_it_stands_sets_nothing() -> None:
    lines = (ROOT / "deploy" / "env.example").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_a_file_that_is_not_current_is_found_and_then_made_current(tmp_path: Path) -> None:
    assert _run(tmp_path).returncode == 0
    assert _run(tmp_path, "--check").returncode == 0
    page = tmp_path / "docs" / "configuration.md"
    page.write_text(page.read_text(encoding="utf-8").replace("`8000`", "`8001`"), encoding="utf-8")
    checked = _run(tmp_path, "--check")
    assert checked.returncode == 1
    assert "docs/configuration.md" in checked.stdout
    assert _run(tmp_path).returncode == 0
    assert _run(tmp_path, "--check").returncode == 0


def test_bounds_and_choices_are_told(renderer: ModuleType) -> None:
    allowed = {variable.name: variable.allowed for variable in renderer.variables()}
    assert allowed["VONGGAC_PORT"] == "whole number, at least 0, at most 65535"
    assert allowed["VONGGAC_LEASE_TTL"] == "number, more than 0"
    assert allowed["VONGGAC_LOG_FORMAT"] == "`json`, `plain`"
    assert allowed["VONGGAC_TLS_TERMINATED"] == "`true` or `false`"
    assert allowed["VONGGAC_API_CA"] == "path"
