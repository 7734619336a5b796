"""The committed renderings are what the sources give, known with kubectl and without it."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deploy.manifests import KUBERNETES, OVERLAYS, Manifest, load, namespace_of, title

_SUMS = Path("rendered/SHA256SUMS")


def stale(kubernetes: Path) -> list[str]:
    """What in a ``k8s`` directory is not what ``rendered/SHA256SUMS`` says, and so was not rendered since."""
    recorded = {}
    for line in (kubernetes / _SUMS).read_text().splitlines():
        digest, _, name = line.partition("  ")
        recorded[name] = digest
    found = {
        str(path.relative_to(kubernetes)): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in ("base", "overlays", "rendered")
        for path in (kubernetes / folder).rglob("*")
        if path.is_file() and path.relative_to(kubernetes) != _SUMS
    }
    return sorted(name for name in {*recorded, *found} if recorded.get(name) != found.get(name))


def _by_name(path: Path) -> dict[tuple[str, str], Manifest]:
    return {(namespace_of(manifest), title(manifest)): manifest for manifest in load(path)}


def test_nothing_changed_since_the_overlays_were_rendered() -> None:
    assert stale(KUBERNETES) == [], "run make k8s-render"


def test_rendering_again_gives_the_same_objects(tmp_path: Path) -> None:
    """With kubectl they are rendered again; without it, the digests of the test above stand for it."""
    if shutil.which("kubectl") is None:
        assert stale(KUBERNETES) == []
        return
    subprocess.run([KUBERNETES / "render.sh", tmp_path], check=True, timeout=120, capture_output=True)
    for overlay in OVERLAYS:
        assert _by_name(tmp_path / f"{overlay}.yaml") == _by_name(KUBERNETES / "rendered" / f"{overlay}.yaml")


def _edit_a_source(kubernetes: Path) -> str:
    file = kubernetes / "base" / "api.yaml"
    file.write_text(file.read_text().replace("8443", "8444"))
    return "base/api.yaml"


def _edit_a_rendering(kubernetes: Path) -> str:
    file = kubernetes / "rendered" / "production.yaml"
    file.write_text(file.read_text().replace("replicas: 6", "replicas: 7"))
    return "rendered/production.yaml"


def _add_a_source(kubernetes: Path) -> str:
    (kubernetes / "overlays" / "production" / "more.yaml").write_text("kind: ConfigMap\n")
    return "overlays/production/more.yaml"


def _remove_a_rendering(kubernetes: Path) -> str:
    (kubernetes / "rendered" / "trial.yaml").unlink()
    return "rendered/trial.yaml"


@pytest.mark.parametrize("change", [_edit_a_source, _edit_a_rendering, _add_a_source, _remove_a_rendering])
def test_a_change_that_was_not_rendered_is_found(change: Callable[[Path], str], tmp_path: Path) -> None:
    copied = tmp_path / "k8s"
    shutil.copytree(KUBERNETES, copied)
    assert stale(copied) == []
    changed = change(copied)
    assert stale(copied) == [changed]
