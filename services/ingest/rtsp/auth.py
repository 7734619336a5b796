"""Answers to challenges: Digest (RFC 2617, RFC 7616) and, where it is allowed, Basic (RFC 7617).

The strongest scheme that the camera offers and we know is taken, never two at once.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.contracts.camera import Credentials


class AuthUnsupported(Exception):
    """None of the challenges can be answered: an unknown algorithm, or Basic where it is not allowed."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge of a ``WWW-Authenticate`` header. Names are in lower case."""

    scheme: str
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def stale(self) -> bool:
        """Whether only the nonce was too old: the password was right."""
        return self.params.get("stale", "").lower() == "true"

    @property
    def algorithm(self) -> str:
        return self.params.get("algorithm", "MD5").upper()


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


#: Strongest first.
_ALGORITHMS: dict[str, Callable[[bytes], str]] = {
    "SHA-256": _sha256,
    "SHA-256-SESS": _sha256,
    "MD5": _md5,
    "MD5-SESS": _md5,
}

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # noqa: S105 - the grammar's word for a word
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PARAM = re.compile(rf'[\s,;]*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*))')
_SCHEME = re.compile(rf"[\s,;]*({_TOKEN})(?=\s|,|$)(?!\s*=)")


def parse_challenges(values: Iterable[str]) -> list[Challenge]:
    """The challenges in all ``WWW-Authenticate`` headers of a response, in their order.

    Several may share one header. What cannot be understood is left out; nothing is raised.
    """
    challenges = []
    for value in values:
        position = 0
        while scheme := _SCHEME.match(value, position):
            params: dict[str, str] = {}
            position = scheme.end()
            while param := _PARAM.match(value, position):
                quoted, plain = param[2], param[3]
                params.setdefault(param[1].lower(), plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
                position = param.end()
            challenges.append(Challenge(scheme[1].lower(), params))
    return challenges


def strongest(challenges: Sequence[Challenge], *, allow_basic: bool) -> Challenge:
    """The challenge to answer. Raises AuthUnsupported when there is none that can be answered."""
    known = list(_ALGORITHMS)
    digests = [challenge for challenge in challenges if _is_answerable_digest(challenge)]
    if digests:
        return min(digests, key=lambda challenge: known.index(challenge.algorithm))
    for challenge in challenges:
        if challenge.scheme == "basic" and allow_basic:
            return challenge
    offered = ", ".join(sorted({_offer(challenge) for challenge in challenges})) or "nothing"
    raise AuthUnsupported(f"the camera offers {offered}")


def _is_answerable_digest(challenge: Challenge) -> bool:
    return (
        challenge.scheme == "digest"
        and challenge.params.get("nonce", "") != ""
        and challenge.algorithm in _ALGORITHMS
        and _qop(challenge) is not None
    )


def _qop(challenge: Challenge) -> str | None:
    """``auth``; "" when the challenge asks for none; None when only others are offered."""
    offered = {word.strip().lower() for word in challenge.params.get("qop", "").split(",")} - {""}
    if not offered:
        return ""
    return "auth" if "auth" in offered else None


def _offer(challenge: Challenge) -> str:
    """The challenge in a few harmless words, for logs."""
    words = [challenge.scheme, challenge.params.get("algorithm", ""), challenge.params.get("qop", "")]
    return re.sub(r"[^\w ,-]", "", " ".join(words).strip())[:60]


class Authorizer:
    """Makes ``Authorization`` headers for one connection. Holds the challenge that is answered at present."""

    def __init__(
        self,
        credentials: Credentials | None,
        *,
        allow_basic: bool = False,
        make_cnonce: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._credentials = credentials
        self._allow_basic = allow_basic
        self._make_cnonce = make_cnonce
        self._challenge: Challenge | None = None
        self._cnonce = ""
        self._count = 0

    @property
    def has_credentials(self) -> bool:
        return self._credentials is not None

    @property
    def nonce(self) -> str | None:
        """The nonce that is answered at present, if any."""
        return self._challenge.params.get("nonce") if self._challenge else None

    def choose(self, challenges: Iterable[Challenge]) -> Challenge:
        """The challenge to answer. Raises AuthUnsupported, also for a user name that no header can carry."""
        if self._credentials is not None and _CONTROL.search(self._credentials.username):
            raise AuthUnsupported("the user name holds a control character")
        return strongest(list(challenges), allow_basic=self._allow_basic)

    def adopt(self, challenge: Challenge) -> None:
        """Answer this challenge from now on."""
        self._challenge = challenge
        self._cnonce = self._make_cnonce()
        self._count = 0

    def header(self, method: str, uri: str) -> str | None:
        """The value of ``Authorization`` for this request; None before a challenge or without credentials.

        ``uri`` must be the request URI, letter for letter: cameras compare it.
        """
        if self._challenge is None or self._credentials is None:
            return None
        if self._challenge.scheme == "basic":
            pair = f"{self._credentials.username}:{self._credentials.password}"
            return f"Basic {base64.b64encode(pair.encode()).decode()}"
        self._count += 1
        return digest_header(
            self._challenge, self._credentials, method=method, uri=uri, cnonce=self._cnonce, count=self._count
        )


def digest_header(
    challenge: Challenge, credentials: Credentials, *, method: str, uri: str, cnonce: str, count: int
) -> str:
    """The answer to one digest challenge. Pure: the same arguments give the same header (RFC 7616 section 3.4)."""
    params = challenge.params
    digest = _ALGORITHMS[challenge.algorithm]
    # The realm is hashed as the bytes that came (headers are Latin-1 here); what people typed is UTF-8.
    realm, nonce = params.get("realm", ""), params["nonce"]
    username, password = credentials.username.encode(), credentials.password.encode()
    secret = digest(b"%b:%b:%b" % (username, _raw(realm), password))
    if challenge.algorithm.endswith("-SESS"):
        secret = digest(_raw(f"{secret}:{nonce}:{cnonce}"))
    request = digest(_raw(f"{method}:{uri}"))
    qop = _qop(challenge)
    middle = f"{nonce}:{count:08x}:{cnonce}:{qop}" if qop else nonce
    fields = [
        ("username", _quoted(username.decode("latin-1"))),
        ("realm", _quoted(realm)),
        ("nonce", _quoted(nonce)),
        ("uri", _quoted(uri)),
        ("response", _quoted(digest(_raw(f"{secret}:{middle}:{request}")))),
    ]
    if "algorithm" in params:
        fields.append(("algorithm", params["algorithm"]))
    if qop:
        fields += [("qop", qop), ("nc", f"{count:08x}")]
    if qop or challenge.algorithm.endswith("-SESS"):
        fields.append(("cnonce", _quoted(cnonce)))
    if "opaque" in params:
        fields.append(("opaque", _quoted(params["opaque"])))
    return "Digest " + ", ".join(f"{name}={value}" for name, value in fields)


def _raw(text: str) -> bytes:
    return text.encode("latin-1")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
