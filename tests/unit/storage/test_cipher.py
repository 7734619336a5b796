"""Secrets at rest."""

import base64
import stat
from pathlib import Path

import pytest

from services.storage.cipher import KeyRing, KeyUnavailable, SecretCorrupt

OLD, NEW = b"o" * 32, b"n" * 32


def test_a_secret_comes_back_in_its_row_only() -> None:
    ring = KeyRing({"k1": OLD})
    stored = ring.encrypt("mật khẩu", "credential:1:password")
    assert ring.decrypt(stored, "credential:1:password") == "mật khẩu"
    with pytest.raises(SecretCorrupt):
        ring.decrypt(stored, "credential:2:password")


def test_the_same_secret_is_never_stored_alike() -> None:
    ring = KeyRing({"k1": OLD})
    assert ring.encrypt("a", "row") != ring.encrypt("a", "row")
    assert "a" * 20 not in ring.encrypt("a" * 20, "row")


def test_the_newest_key_encrypts_and_older_ones_still_decrypt() -> None:
    before = KeyRing({"k1": OLD}).encrypt("a", "row")
    ring = KeyRing({"k1": OLD, "k2": NEW})
    assert ring.encrypt("a", "row").startswith("v1.k2.")
    assert ring.decrypt(before, "row") == "a"
    with pytest.raises(KeyUnavailable, match="k1"):
        KeyRing({"k2": NEW}).decrypt(before, "row")


@pytest.mark.parametrize("spoiled", ["", "v1", "v1.k1.", "v2.k1.AAAA", "v1.k1.@@@", "v1.k1.AAAA"])
def test_what_was_altered_does_not_decrypt(spoiled: str) -> None:
    with pytest.raises((SecretCorrupt, KeyUnavailable)):
        KeyRing({"k1": OLD}).decrypt(spoiled, "row")


def test_a_first_key_is_made_for_its_owner_only(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    ring = KeyRing.open(directory)
    (file,) = directory.glob("*.key")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert KeyRing.open(directory).decrypt(ring.encrypt("a", "row"), "row") == "a"


def test_a_key_file_of_the_wrong_length_is_refused(tmp_path: Path) -> None:
    (tmp_path / "k1.key").write_bytes(base64.b64encode(b"short"))
    with pytest.raises(ValueError, match="32 bytes"):
        KeyRing.open(tmp_path)


def test_fingerprints_are_equal_for_equal_parts_and_survive_a_new_key() -> None:
    one, two = KeyRing({"k1": OLD}), KeyRing({"k1": OLD, "k2": NEW})
    assert one.fingerprint("device", "admin", "secret") == two.fingerprint("device", "admin", "secret")
    assert one.fingerprint("ab", "c") != one.fingerprint("a", "bc")
    assert one.fingerprint("a") != KeyRing({"k1": NEW}).fingerprint("a")


def test_derived_keys_differ_by_purpose() -> None:
    ring = KeyRing({"k1": OLD})
    assert ring.derive("a")["k1"] != ring.derive("b")["k1"]
    assert len(ring.derive("a")["k1"]) == 32
