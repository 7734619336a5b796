"""Encryption keys are read as a cluster lays them down: links into a hidden folder, which cannot be written."""

import subprocess
from pathlib import Path

from services.storage.cipher import KeyRing


def _lay_down_as_kubelet(volume: Path, keys: dict[str, bytes]) -> None:
    hidden = volume / "..2026_11_24_15_00_00.1"
    hidden.mkdir(parents=True)
    for name, content in keys.items():
        (hidden / name).write_bytes(content)
    (volume / "..data").symlink_to(hidden.name)
    for name in keys:
        (volume / name).symlink_to(Path("..data") / name)


def test_keys_made_as_the_readme_says_are_read_from_a_secret_volume(tmp_path: Path) -> None:
    made = [
        subprocess.run(["openssl", "rand", "-base64", "32"], check=True, capture_output=True, timeout=30).stdout
        for _ in range(2)
    ]
    volume = tmp_path / "keys"
    _lay_down_as_kubelet(volume, {"k001.key": made[0], "k002.key": made[1]})
    before = sorted(path.name for path in volume.rglob("*"))
    ring = KeyRing.open(volume)
    assert ring.key_ids == {"k001", "k002"}
    assert ring.decrypt(ring.encrypt("secret", "row"), "row") == "secret"
    assert sorted(path.name for path in volume.rglob("*")) == before
