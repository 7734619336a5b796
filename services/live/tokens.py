"""Signed tokens of live links and of the sessions they open (JWT, HS256). Pure but for the keys.

A *link* token may be opened until it expires. Opening it gives a *session* token, which stands in every URL of the
playlist and lasts at most the session's length. Neither can be used for the other, nor for another camera.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from services.contracts.errors import Forbidden

_ISSUER = "vonggac"
_AUDIENCE = "vonggac-live"


class LinkRefused(Forbidden):
    """This live link is not valid (any more). Ask for a new one."""

    code = "live-link-refused"


class Use(StrEnum):
    """What a token is for."""

    LINK = "link"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Pass:
    """What a token says."""

    use: Use
    grant_id: UUID
    principal_id: UUID
    camera_id: UUID
    expires_at: datetime


class TokenSigner:
    """Signs with the newest key, accepts any. ``keys`` maps key ids to 32 bytes, newest last."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        imported = [
            OctKey.import_key(secret, {"kid": key_id, "use": "sig", "alg": "HS256"}) for key_id, secret in keys.items()
        ]
        self._keys = KeySet([*imported])
        self._newest = imported[-1]

    def sign(self, permit: Pass) -> str:
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "use": permit.use.value,
            "jti": str(permit.grant_id),
            "sub": str(permit.principal_id),
            "cam": str(permit.camera_id),
            "exp": int(permit.expires_at.timestamp()),
        }
        return jwt.encode({"alg": "HS256", "kid": self._newest.kid}, claims, self._newest)

    def verify(self, token: str, use: Use, camera_id: UUID, now: datetime) -> Pass:
        """What the token says, if it is genuine, of this use, for this camera and not expired. Raises LinkRefused."""
        try:
            claims = jwt.decode(token, self._keys, algorithms=["HS256"]).claims
            permit = Pass(
                use=Use(claims["use"]),
                grant_id=UUID(claims["jti"]),
                principal_id=UUID(claims["sub"]),
                camera_id=UUID(claims["cam"]),
                expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            )
            issued_by_us = (claims["iss"], claims["aud"]) == (_ISSUER, _AUDIENCE)
        except (JoseError, KeyError, ValueError, TypeError) as error:
            raise LinkRefused from error
        if not issued_by_us or permit.use is not use or permit.camera_id != camera_id or now >= permit.expires_at:
            raise LinkRefused
        return permit
