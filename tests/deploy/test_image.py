"""The image of all roles, as far as it can be known without building one."""

import re
import tomllib
from pathlib import Path, PurePosixPath

import pytest

from tests.deploy.dockerfile import DOCKERFILE, IGNORE, copied_from_context, image_faults, instructions, is_sent
from tests.deploy.manifests import ROOT, rendered, workloads

TEXT = DOCKERFILE.read_text(encoding="utf-8")


def _project() -> dict[str, object]:
    project: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return project


def test_the_image_is_sound() -> None:
    assert image_faults(TEXT) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("COPY services ./services", "COPY service ./services", "COPY of service, which does not exist"),
        ("USER 10001:10001", "USER vonggac", "does not run as a user with a number"),
        ("USER 10001:10001", "USER 0", "does not run as a user with a number"),
        ("USER 10001:10001\n", "", "does not run as a user with a number"),
        ("pip install --require-hashes", "pip install", "without hashes"),
        ("--no-index ", "", "without hashes"),
        ("requirements.lock", "other.txt", "not checked against requirements.lock"),
        ("WORKDIR /var/lib", "RUN apt-get install gcc\nWORKDIR /var/lib", "the last stage installs something"),
        ("WORKDIR /var/lib", "ENV VONGGAC_API_KEY=x\nWORKDIR /var/lib", "leaves a secret"),
        ("\n\nFROM python:3.11-slim-bookworm\n", "\n\nFROM python:3.11-slim\n", "different bases"),
        ("FROM python:3.11-slim-bookworm", "FROM python", "another image tomorrow"),
        ("COPY pyproject.toml", "ADD pyproject.toml", "use COPY"),
        ('ENTRYPOINT ["vonggac"]', "ENTRYPOINT vonggac", "entry point"),
    ],
)
def test_an_unsound_image_is_found(old: str, new: str, told: str) -> None:
    assert old in TEXT
    assert any(told in fault for fault in image_faults(TEXT.replace(old, new)))


def test_a_single_stage_is_found() -> None:
    assert any("needs stages" in fault for fault in image_faults(TEXT[TEXT.index("\nFROM python", 500) :]))


def test_the_image_has_the_python_of_the_project() -> None:
    (base,) = {instruction.text.split()[0] for instruction in instructions(TEXT) if instruction.word == "FROM"}
    version = re.search(r":(\d+\.\d+)", base)
    assert version is not None
    assert _project()["project"]["requires-python"] == f">={version[1]}"  # type: ignore[index]


def test_the_user_of_the_image_is_the_user_of_the_pods() -> None:
    (user,) = {instruction.text for instruction in instructions(TEXT) if instruction.word == "USER"}
    for workload in workloads(rendered("production")):
        security = workload.pod["securityContext"]
        assert user == f"{security['runAsUser']}:{security['runAsGroup']}"


@pytest.mark.parametrize("source", copied_from_context(instructions(TEXT)))
def test_what_is_copied_is_sent_to_the_build(source: str) -> None:
    assert is_sent(source, IGNORE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "path",
    [
        "deploy/.env",
        "deploy/vonggac.env",
        "deploy/certificates/tls.key",
        "k8s/secrets/k001.key",
        "var/keys/k001.key",
        "var/vonggac.db",
        ".git/config",
        ".venv/bin/python",
        "services/api/__pycache__/app.cpython-311.pyc",
        "tests/conftest.py",
    ],
)
def test_what_is_secret_or_useless_is_not_sent_to_the_build(path: str) -> None:
    assert not is_sent(path, IGNORE.read_text(encoding="utf-8"))


def test_code_and_data_are_sent_to_the_build() -> None:
    ignore = IGNORE.read_text(encoding="utf-8")
    assert is_sent("services/api/app.py", ignore)
    assert is_sent("services/registry/data/provinces-2021.csv", ignore)


@pytest.mark.parametrize("lock", ["requirements.lock", "deploy/requirements-build.lock"])
def test_every_line_of_a_lock_has_a_version_and_hashes(lock: str) -> None:
    text = re.sub(r"\\\n\s*", " ", (ROOT / lock).read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(lines) >= 3
    assert [
        line for line in lines if not re.match(r"^[\w.\[\]-]+==\S+( ;.*?)? .*--hash=sha256:[0-9a-f]{64}", line)
    ] == []


def test_the_image_builds_with_the_setuptools_that_the_project_asks_for() -> None:
    lock = (ROOT / "deploy" / "requirements-build.lock").read_text(encoding="utf-8")
    locked = re.search(r"^setuptools==(\d+)", lock, re.MULTILINE)
    (asked,) = _project()["build-system"]["requires"]  # type: ignore[index]
    least = re.fullmatch(r"setuptools>=(\d+)", asked)
    assert locked is not None
    assert least is not None
    assert int(locked[1]) >= int(least[1])


def _left_out(root: Path, patterns: list[str]) -> list[str]:
    """Files beside the code that a wheel would not carry: those that fit no pattern of ``package-data``."""
    files = [path.relative_to(root) for path in (root / "services").rglob("*") if path.is_file()]
    return [
        str(file)
        for file in files
        if file.suffix not in {".py", ".pyc"} and not any(_fits(file, pattern) for pattern in patterns)
    ]


def _fits(file: Path, pattern: str) -> bool:
    """A pattern of setuptools: relative to the package, its ``*`` stays within one folder."""
    wanted = PurePosixPath("services", pattern)
    return len(wanted.parts) == len(file.parts) and file.match(str(wanted))


def test_every_file_beside_the_code_is_in_the_wheel(tmp_path: Path) -> None:
    patterns: list[str] = _project()["tool"]["setuptools"]["package-data"]["services"]  # type: ignore[index]
    assert _left_out(ROOT, patterns) == []
    (tmp_path / "services" / "console").mkdir(parents=True)
    (tmp_path / "services" / "console" / "forgotten.svg").touch()
    assert _left_out(tmp_path, patterns) == ["services/console/forgotten.svg"]
