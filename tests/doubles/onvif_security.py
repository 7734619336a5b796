"""How devices guard themselves: WS-Security and HTTP Digest, checked with arithmetic of its own."""

import base64
import hashlib
import itertools
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.doubles.onvif_device import Request
from tests.doubles.onvif_messages import Response, fault


@dataclass
class WsSecurity:
    """A device with WS-Security only: faults, no challenge, replay protection, a window of time.

    ``created_form`` is what it accepts as Created. ``refusal`` answers what it refuses.
    """

    username: str
    password: str
    clock_offset: timedelta = timedelta(0)
    window: timedelta = timedelta(seconds=5)
    created_form: str = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    forbidden: str | None = None
    refusal: Response = field(default_factory=lambda: fault("ter:NotAuthorized", "Sender not Authorized"))
    nonces: list[bytes] = field(default_factory=list)

    def refuse(self, request: Request) -> Response | None:
        return None if self._is_right(request) else self.refusal

    def _is_right(self, request: Request) -> bool:
        created, nonce = request.text("Created"), base64.b64decode(request.text("Nonce"))
        if not re.fullmatch(self.created_form, created) or nonce in self.nonces or len(nonce) != 16:
            return False
        if self.forbidden is not None and self.forbidden in request.body:
            return False
        self.nonces.append(nonce)
        moment = datetime.strptime(created, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        if abs(moment - (datetime.now(UTC) + self.clock_offset)) > self.window:
            return False
        expected = base64.b64encode(hashlib.sha1(nonce + created.encode() + self.password.encode()).digest()).decode()
        return request.text("Username") == self.username and request.text("Password") == expected


@dataclass
class HttpDigest:
    """A device with HTTP Digest only. A nonce is good for one request to one URL."""

    username: str
    password: str
    algorithms: tuple[str, ...] = ("MD5",)
    qop: str | None = "auth"
    realm: str = "Login to 1a2b"
    other_challenges: tuple[str, ...] = ()
    one_header: bool = False
    #: How many right answers it calls stale before it accepts one.
    stale_answers: int = 0
    refusal_body: bytes = b"<html><body>401 Unauthorized</body></html>"
    refusal_status: int = 401
    answered_algorithms: list[str] = field(default_factory=list)
    _count: "itertools.count[int]" = field(default_factory=itertools.count)
    _open: dict[str, str] = field(default_factory=dict)

    def refuse(self, request: Request) -> Response | None:
        given = request.headers.get("authorization", "")
        if not given:
            return self._challenge(request, status=401)
        if not self._is_right(request, given):
            return self._challenge(request, status=self.refusal_status)
        if self.stale_answers > 0:
            self.stale_answers -= 1
            return self._challenge(request, status=401, stale=True)
        return None

    def _challenge(self, request: Request, *, status: int, stale: bool = False) -> Response:
        offers = list(self.other_challenges)
        for algorithm in self.algorithms:
            nonce = f"nonce{next(self._count)}"
            self._open[nonce] = request.path
            qop = f', qop="{self.qop}"' if self.qop else ""
            mark = ", stale=TRUE" if stale else ""
            offers.append(
                f'Digest realm="{self.realm}", nonce="{nonce}", opaque="o,p=q", algorithm={algorithm}{qop}{mark}'
            )
        values = [", ".join(offers)] if self.one_header else offers
        headers = (("Content-Type", "text/html"), *(("WWW-Authenticate", value) for value in values))
        return Response(self.refusal_body, status, headers)

    def _is_right(self, request: Request, given: str) -> bool:
        fields = {
            name: quoted or plain
            for name, quoted, plain in re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))', given)
        }
        algorithm = fields.get("algorithm", "MD5")
        self.answered_algorithms.append(algorithm)
        if self._open.pop(fields.get("nonce", ""), None) != request.path or fields.get("uri") != request.path:
            return False

        def digest(text: str) -> str:
            return hashlib.new({"MD5": "md5", "SHA-256": "sha256"}[algorithm], text.encode()).hexdigest()

        secret = digest(f"{self.username}:{self.realm}:{self.password}")
        target = digest(f"POST:{request.path}")
        middle = f"{fields['nc']}:{fields['cnonce']}:auth:" if self.qop else ""
        expected = digest(f"{secret}:{fields['nonce']}:{middle}{target}")
        return fields.get("response") == expected and fields.get("username") == self.username
