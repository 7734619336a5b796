"""Digest access authentication as a device demands it (RFC 7616, with the older forms that clients still send)."""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

_PAIR = re.compile(r'([A-Za-z][A-Za-z0-9-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


class DigestAlgorithm(StrEnum):
    """The hashes a device may offer."""

    MD5 = "MD5"
    SHA256 = "SHA-256"


class Verdict(Enum):
    """What a device thinks of the credentials of a request."""

    ACCEPTED = auto()
    MISSING = auto()
    STALE = auto()
    REFUSED = auto()


@dataclass(frozen=True, slots=True)
class DigestPolicy:
    """What is demanded. Without ``qop`` the challenges have the form of RFC 2069."""

    realm: str
    algorithms: tuple[DigestAlgorithm, ...] = (DigestAlgorithm.MD5,)
    qop: bool = True
    nonce_lifetime_s: float = 300.0


class DigestGuard:
    """Issues challenges and judges the answers. Nonces carry their own date and seal, so none is stored."""

    def __init__(self, policy: DigestPolicy, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy
        self._monotonic = monotonic
        self._seal = secrets.token_bytes(32)

    def challenges(self, *, stale: bool = False, only_for: str = "") -> tuple[str, ...]:
        """One value of WWW-Authenticate for each algorithm, the strongest first (RFC 7616 section 3.7).

        ``only_for``: the URI for which alone the nonces hold; empty: for any.
        """
        strongest_first = sorted(self._policy.algorithms, key=lambda algorithm: algorithm is DigestAlgorithm.MD5)
        return tuple(self._challenge(algorithm, stale, only_for) for algorithm in strongest_first)

    def judge(
        self,
        authorization: str | None,
        *,
        method: str,
        uri: str,
        username: str,
        password: str,
        only_for: str = "",
    ) -> Verdict:
        """Judge the value of an Authorization header against the account. ``only_for`` as in ``challenges``."""
        if authorization is None:
            return Verdict.MISSING
        scheme, _, rest = authorization.strip().partition(" ")
        if scheme.lower() != "digest":
            return Verdict.REFUSED
        given = {name.lower(): quoted or token for name, quoted, token in _PAIR.findall(rest)}
        try:
            algorithm = DigestAlgorithm(given.get("algorithm", "MD5").upper())
        except ValueError:
            return Verdict.REFUSED
        if algorithm not in self._policy.algorithms or given.get("uri") != uri:
            return Verdict.REFUSED
        issued = self._issued_at(given.get("nonce", ""), only_for)
        if issued is None:
            return Verdict.REFUSED
        if not self._is_right(given, algorithm, method, username, password):
            return Verdict.REFUSED
        return Verdict.STALE if self._monotonic() - issued > self._policy.nonce_lifetime_s else Verdict.ACCEPTED

    def _challenge(self, algorithm: DigestAlgorithm, stale: bool, only_for: str) -> str:
        nonce = self._nonce(only_for)
        parts = [f'realm="{self._policy.realm}"', f'nonce="{nonce}"', f"algorithm={algorithm.value}"]
        if self._policy.qop:
            parts.append('qop="auth"')
        if stale:
            parts.append("stale=true")
        return "Digest " + ", ".join(parts)

    def _is_right(
        self, given: dict[str, str], algorithm: DigestAlgorithm, method: str, username: str, password: str
    ) -> bool:
        secret = _hash(algorithm, f"{username}:{self._policy.realm}:{password}")
        request = _hash(algorithm, f"{method}:{given['uri']}")
        if "qop" in given:
            if given["qop"] != "auth" or not self._policy.qop:
                return False
            middle = f"{given['nonce']}:{given.get('nc', '')}:{given.get('cnonce', '')}:auth"
        else:
            middle = given["nonce"]
        expected = _hash(algorithm, f"{secret}:{middle}:{request}")
        return (
            given.get("username") == username
            and given.get("realm") == self._policy.realm
            and hmac.compare_digest(expected.encode(), given.get("response", "").lower().encode())
        )

    def _nonce(self, only_for: str) -> str:
        date = f"{int(self._monotonic() * 1000):x}.{secrets.token_hex(4)}"
        return f"{date}.{self._sealed(date, only_for)}"

    def _issued_at(self, nonce: str, only_for: str) -> float | None:
        date, _, seal = nonce.rpartition(".")
        if not hmac.compare_digest(self._sealed(date, only_for).encode(), seal.encode()):
            return None
        return int(date.partition(".")[0], 16) / 1000

    def _sealed(self, date: str, only_for: str) -> str:
        return hmac.new(self._seal, f"{date} {only_for}".encode(), hashlib.sha256).hexdigest()[:32]


def _hash(algorithm: DigestAlgorithm, text: str) -> str:
    data = text.encode()
    if algorithm is DigestAlgorithm.SHA256:
        return hashlib.sha256(data).hexdigest()
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
