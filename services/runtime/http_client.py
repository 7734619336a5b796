"""HTTP between our own processes. Sole importer of httpx. Every answer is bounded in time and size."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from json import loads as json_of
from pathlib import Path
from typing import Any

import httpx

from services.contracts.errors import Conflict, Forbidden, NotFound, ServiceError, Unauthenticated, Unavailable

_ERRORS: dict[int, type[ServiceError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: Conflict,
}


_DETAIL_LENGTH = 300


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A successful answer."""

    status: int
    body: bytes


def trusting(ca: Path | None) -> ssl.SSLContext:
    """Trusts the system's authorities, or only those of a PEM file."""
    return ssl.create_default_context(cafile=str(ca) if ca is not None else None)


def pinned_to(certificate_pem: str) -> ssl.SSLContext:
    """Trusts exactly one certificate, whatever name or address it is reached by."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=certificate_pem)
    return context


class HttpClient:
    """Talks to one process of ours. Redirects are not followed, proxies of the environment not used."""

    def __init__(self, base_url: str, token: str, tls: ssl.SSLContext, *, timeout_s: float) -> None:
        """``timeout_s`` bounds a request from its beginning to the last byte of the answer."""
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(
            base_url=base_url,
            headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"},
            verify=tls,
            timeout=httpx.Timeout(None, connect=min(timeout_s, 5.0)),
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=8),
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        params: Mapping[str, str | int] | None = None,
        max_bytes: int = 8 * 1024 * 1024,
        timeout_s: float | None = None,
    ) -> HttpAnswer:
        """The answer, if it is a 2xx. Raises Unavailable, or the category of error that the status tells.

        ``timeout_s``: another bound for this request.
        """
        try:
            async with (
                asyncio.timeout(timeout_s if timeout_s is not None else self._timeout_s),
                self._client.stream(method, path, json=json, content=content, params=params) as answer,
            ):
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > max_bytes:
                        raise Unavailable(f"{path} answered with more than {max_bytes} bytes.")
        except (httpx.HTTPError, OSError) as error:  # TimeoutError and ssl.SSLError are OSErrors
            raise Unavailable(f"{method} {path} got no answer: {type(error).__name__}.") from error
        if answer.is_success:
            return HttpAnswer(answer.status_code, bytes(body))
        category = _ERRORS.get(answer.status_code, Unavailable)
        told = _detail(bytes(body))
        raise category(f"{method} {path} answered {answer.status_code}{f': {told}' if told else '.'}")


def _detail(body: bytes) -> str:
    """What a problem document (RFC 9457) says to people, on one line; empty when it is none."""
    try:
        told = json_of(body)
    except (ValueError, RecursionError):
        return ""
    detail = told.get("detail") if isinstance(told, dict) else None
    return " ".join(detail.split())[:_DETAIL_LENGTH] if isinstance(detail, str) else ""
