"""HTTP Digest (RFC 7616): read the challenges of a server, choose one, answer it. MD5 and SHA-256, ``qop=auth`` or none.

Basic is read, so that it is not mistaken for something else, and never answered.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

#: Strongest first (IOTechSystems/onvif issue 41: devices that offer both).
ALGORITHMS = ("SHA-256", "MD5")

_SCHEME = re.compile(r"\s*,?\s*([A-Za-z][A-Za-z0-9._~+-]*)(?=\s|,|$)(?!\s*=)")
_PARAMETER = re.compile(r"\s*,?\s*([A-Za-z0-9_*-]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s,\"]+))")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge of a WWW-Authenticate header. Names of parameters are in lower case."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def algorithm(self) -> str:
        return self.parameters.get("algorithm", "MD5").upper()

    @property
    def stale(self) -> bool:
        """Whether the server refused the nonce only, not the password (RFC 7616 section 3.3)."""
        return self.parameters.get("stale", "").lower() == "true"

    @property
    def answerable(self) -> bool:
        """Whether we can answer it: Digest with an algorithm we know, and a quality of protection we know or none."""
        qops = self._qops()
        return (
            self.scheme == "digest"
            and self.algorithm in ALGORITHMS
            and "nonce" in self.parameters
            and (not qops or "auth" in qops)
        )

    @property
    def protected(self) -> bool:
        """Whether the answer must carry ``qop=auth`` (RFC 2617), and not the old form of RFC 2069."""
        return bool(self._qops())

    def _qops(self) -> set[str]:
        return {qop.strip().lower() for qop in self.parameters.get("qop", "").split(",")} - {""}


def read_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """All challenges in the values of WWW-Authenticate headers; one value may hold several (RFC 9110 section 11.6.1)."""
    challenges = []
    for header in headers:
        position = 0
        text = _CONTROL.sub(" ", header)
        while scheme := _SCHEME.match(text, position):
            position = scheme.end()
            parameters: dict[str, str] = {}
            while parameter := _PARAMETER.match(text, position):
                position = parameter.end()
                quoted, plain = parameter[2], parameter[3]
                value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
                parameters.setdefault(parameter[1].lower(), value)
            challenges.append(Challenge(scheme[1].lower(), parameters))
    return tuple(challenges)


def choose(challenges: Iterable[Challenge]) -> Challenge | None:
    """The strongest challenge that we can answer."""
    return min(
        (challenge for challenge in challenges if challenge.answerable),
        key=lambda challenge: ALGORITHMS.index(challenge.algorithm),
        default=None,
    )


def authorization(
    challenge: Challenge, *, method: str, uri: str, username: str, password: str, client_nonce: str
) -> bytes:
    """The value of the Authorization header that answers an answerable challenge, for the first use of its nonce."""
    new_hash = hashlib.sha256 if challenge.algorithm == "SHA-256" else hashlib.md5

    def digest(*parts: bytes) -> bytes:
        return new_hash(b":".join(parts)).hexdigest().encode("ascii")

    # What the device said goes back byte for byte: header values are read as Latin-1.
    realm, nonce = (challenge.parameters.get(name, "").encode("latin-1") for name in ("realm", "nonce"))
    user = username.encode()
    target = uri.encode("ascii")
    secret = digest(user, realm, password.encode())
    request = digest(method.encode("ascii"), target)
    fields = [(b"username", user), (b"realm", realm), (b"nonce", nonce), (b"uri", target)]
    bare = []
    if challenge.protected:
        count, cnonce = b"00000001", client_nonce.encode("ascii")
        response = digest(secret, nonce, count, cnonce, b"auth", request)
        fields.append((b"cnonce", cnonce))
        bare = [b"qop=auth", b"nc=" + count]
    else:
        response = digest(secret, nonce, request)
    fields.append((b"response", response))
    if "opaque" in challenge.parameters:
        fields.append((b"opaque", challenge.parameters["opaque"].encode("latin-1")))
    if "algorithm" in challenge.parameters:
        # Without quotes (RFC 7616 section 3.4); old firmware compares the text.
        bare.append(b"algorithm=" + challenge.algorithm.encode("ascii"))
    return b"Digest " + b", ".join([*(name + b"=" + _quoted(value) for name, value in fields), *bare])


def _quoted(value: bytes) -> bytes:
    return b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
