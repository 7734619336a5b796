"""WS-Security UsernameToken as a device checks it (OASIS UsernameToken Profile 1.0, ONVIF Core section 5.9)."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.simulator.quirks import Quirk

FRESHNESS = timedelta(seconds=60)

_DIGEST_TYPE_ENDS = "#PasswordDigest"
_NONCES_KEPT = 10_000
#: 16 bytes in base64.
_NONCE_MAX = 24


@dataclass(frozen=True, slots=True)
class UsernameToken:
    """The texts of the token as they came; any of them may be empty or nonsense."""

    username: str
    password: str = field(repr=False)
    password_type: str
    nonce: str
    created: str
    prefix: str = ""  # that of the Security header; empty for none


class TokenJudge:
    """Judges tokens and remembers the last ten thousand nonces, far more than a minute of requests."""

    def __init__(self) -> None:
        self._seen: dict[str, datetime] = {}

    def knows(self, token: UsernameToken) -> bool:
        """Whether its nonce was accepted before."""
        return token.nonce in self._seen

    def accepts(self, token: UsernameToken, *, username: str, password: str, now: datetime) -> bool:
        """Whether the token proves knowledge of the password, is fresh by the device's clock and was not used before."""
        try:
            nonce = base64.b64decode(token.nonce, validate=True)
            created = datetime.fromisoformat(token.created)
        except (binascii.Error, ValueError):
            return False
        if created.tzinfo is None or abs(created - now) > FRESHNESS or token.nonce in self._seen:
            return False
        digest = hashlib.sha1(nonce + token.created.encode() + password.encode(), usedforsecurity=False).digest()
        right = (
            token.password_type.endswith(_DIGEST_TYPE_ENDS)
            and token.username == username
            and hmac.compare_digest(base64.b64encode(digest), token.password.encode())
        )
        if right:
            self._remember(token.nonce, created)
        return right

    def _remember(self, nonce: str, created: datetime) -> None:
        while len(self._seen) >= _NONCES_KEPT:
            del self._seen[next(iter(self._seen))]
        self._seen[nonce] = created


def is_odd(token: UsernameToken, quirks: frozenset[Quirk]) -> bool:
    """Whether a device with these quirks refuses the token for its form, whatever the password."""
    form = {
        Quirk.CREATED_Z_ONLY: not token.created.endswith("Z"),
        Quirk.SHORT_TOKENS_ONLY: len(token.nonce) > _NONCE_MAX or "." in token.created,
        Quirk.NO_WSSE_PREFIX: token.prefix == "wsse",
    }
    return any(odd for quirk, odd in form.items() if quirk in quirks)
