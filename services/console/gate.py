"""Who asks, and whether a form is ours."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from services.access.sessions import ConsoleSessions, CsrfFailed, SignedIn
from services.contracts.errors import Invalid, Unauthenticated

_FORM_TYPE = "application/x-www-form-urlencoded"
_FORM_BYTES_MAX = 16 * 1024
_FIELDS_MAX = 20
_LANGUAGE_S = 365 * 24 * 3600


class FormUnreadable(Invalid):
    """The form could not be read. Load the page again and repeat."""

    code = "form-unreadable"


class Gate:
    """The cookies of the console and what they open.

    With TLS their names begin with ``__Host-``, so that no other host of the domain can set them (RFC 6265bis,
    section 4.1.3.2).
    """

    def __init__(self, sessions: ConsoleSessions, *, secure: bool, public_url: str) -> None:
        self._sessions = sessions
        self._secure = secure
        self._public_host = urlsplit(public_url).netloc
        prefix = "__Host-" if secure else ""
        self.session_cookie = f"{prefix}vonggac_session"
        self.form_cookie = f"{prefix}vonggac_form"
        self.language_cookie = f"{prefix}vonggac_language"

    async def signed_in(self, request: Request) -> SignedIn:
        """Raises Unauthenticated."""
        value = request.cookies.get(self.session_cookie)
        if not value:
            raise Unauthenticated
        signed_in = await self._sessions.signed_in(value)
        request.state.principal_id = signed_in.principal.id
        return signed_in

    def check_origin(self, request: Request) -> None:
        """Raises CsrfFailed for a request that a page of another site made.

        Browsers tell by Sec-Fetch-Site, older ones by Origin. Who tells neither is held to the token alone.
        """
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            if site != "same-origin":
                raise CsrfFailed
            return
        origin = request.headers.get("origin")
        if origin is None:
            return
        # "null" and whatever else names no host is nobody we know.
        host = urlsplit(origin).netloc
        if not host or host not in {request.headers.get("host"), self._public_host}:
            raise CsrfFailed

    def keep_session(self, response: Response, value: str) -> None:
        self._set(response, self.session_cookie, value, int(self._sessions.lifetime.total_seconds()))

    def keep_form_token(self, response: Response, value: str) -> None:
        self._set(response, self.form_cookie, value, None)

    def keep_language(self, response: Response, value: str) -> None:
        self._set(response, self.language_cookie, value, _LANGUAGE_S)

    def forget(self, response: Response, *cookies: str) -> None:
        for cookie in cookies:
            response.delete_cookie(cookie, path="/", secure=self._secure, httponly=True, samesite="strict")

    def _set(self, response: Response, cookie: str, value: str, max_age_s: int | None) -> None:
        response.set_cookie(
            cookie, value, max_age=max_age_s, path="/", secure=self._secure, httponly=True, samesite="strict"
        )


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a form, the first of each name. Raises FormUnreadable."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM_TYPE:
        raise FormUnreadable
    body = await request.body()
    if len(body) > _FORM_BYTES_MAX:
        raise FormUnreadable
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_MAX)
    except ValueError as error:
        raise FormUnreadable from error
    return dict(reversed(pairs))


def client_of(request: Request) -> str:
    """The address the request came from."""
    return request.client.host if request.client else "unknown"
