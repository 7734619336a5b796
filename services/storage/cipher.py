"""Encryption of secrets at rest: AES-256-GCM, bound to the row, with key ids.

A stored secret is ``v1.<key id>.<base64 of nonce and ciphertext>``. The row's identity is the associated data, so a
ciphertext that is copied into another row does not decrypt.
"""

import base64
import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.contracts.errors import Unavailable

_KEY_FILE = re.compile(r"^[0-9A-Za-z_-]{1,32}$")


class KeyUnavailable(Unavailable):
    """A stored secret was encrypted with a key that is not in the key directory. Put its file back and restart."""

    code = "key-unavailable"


class SecretCorrupt(Unavailable):
    """A stored secret does not decrypt in its row: it was altered or moved. Enter it anew."""

    code = "secret-corrupt"


class KeyRing:
    """The keys of a directory: each file ``<id>.key`` holds 32 bytes in base64. The last id in order encrypts."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        if not keys:
            raise ValueError("a key ring needs at least one key")
        self._keys = dict(keys)
        self._newest = max(keys)

    @classmethod
    def open(cls, directory: Path) -> "KeyRing":
        """Read the directory; make it, with a first key, if it holds none. Files are readable by their owner only."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not any(directory.glob("*.key")):
            _create_exclusively(directory / "k001.key", base64.b64encode(secrets.token_bytes(32)))
        keys = {}
        for file in sorted(directory.glob("*.key")):
            if not _KEY_FILE.match(file.stem):
                raise ValueError(f"{file}: a key id has only letters, digits, - and _")
            key = base64.b64decode(file.read_bytes().strip(), validate=True)
            if len(key) != 32:
                raise ValueError(f"{file}: a key must be 32 bytes in base64, this one has {len(key)}")
            keys[file.stem] = key
        return cls(keys)

    @property
    def key_ids(self) -> frozenset[str]:
        return frozenset(self._keys)

    def encrypt(self, secret: str, row: str) -> str:
        """The secret, readable only with ``row`` again, for example ``credential:<camera id>:password``."""
        nonce = os.urandom(12)
        sealed = AESGCM(self._keys[self._newest]).encrypt(nonce, secret.encode(), row.encode())
        return f"v1.{self._newest}.{base64.b64encode(nonce + sealed).decode()}"

    def decrypt(self, stored: str, row: str) -> str:
        """The secret. Raises KeyUnavailable or SecretCorrupt."""
        version, _, rest = stored.partition(".")
        key_id, _, body = rest.partition(".")
        if version != "v1" or not body:
            raise SecretCorrupt
        key = self._keys.get(key_id)
        if key is None:
            raise KeyUnavailable(f"The key {key_id} is not in the key directory. Put its file back and restart.")
        try:
            sealed = base64.b64decode(body, validate=True)
            return AESGCM(key).decrypt(sealed[:12], sealed[12:], row.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise SecretCorrupt from error

    def derive(self, purpose: str) -> dict[str, bytes]:
        """32-byte keys for another purpose, one per key id, newest last (HKDF-SHA256)."""
        return {
            key_id: HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(self._keys[key_id])
            for key_id in sorted(self._keys)
        }

    def fingerprint(self, *parts: str) -> str:
        """A keyed digest of the parts, by the oldest key: equal parts give equal digests, and it tells nothing else."""
        key = self.derive("vonggac fingerprint")[min(self._keys)]
        digest = hmac.new(key, digestmod=hashlib.sha256)
        for part in parts:
            raw = part.encode()
            digest.update(len(raw).to_bytes(4, "big") + raw)
        return digest.hexdigest()[:32]


def _create_exclusively(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, unless another process was faster."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
