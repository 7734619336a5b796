"""Errors as problem documents (RFC 9457). Which category is which status stands in one table."""

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from services.contracts.errors import (
    Conflict,
    Fault,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    ServiceError,
    Unauthenticated,
    Unavailable,
)

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUS: dict[type[ServiceError], int] = {
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    PreconditionFailed: 412,
    Invalid: 422,
    Unavailable: 503,
}

TITLES = {
    400: "Malformed request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Unsupported media type",
    422: "Not acceptable as it is",
    500: "Internal error",
    503: "Not available now",
}


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    faults: Sequence[Fault] = (),
    headers: dict[str, str] | None = None,
    extra: dict[str, Any] | None = None,
) -> JSONResponse:
    """A problem document. ``code`` is the stable last part of its type."""
    body: dict[str, Any] = {
        "type": f"urn:vonggac:problem:{code}",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "errors": [{"pointer": fault.pointer, "detail": fault.detail} for fault in faults],
    }
    body.update(extra or {})
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def service_error(error: ServiceError) -> JSONResponse:
    """The document of an error of ours."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="vonggac"'
    if status == 503:
        headers["Retry-After"] = "5"
    return problem(status, error.code, error.detail, faults=error.faults, headers=headers, extra=error.extra)


def validation_error(error: RequestValidationError) -> JSONResponse:
    """The document of a request that does not fit its schema: every field at fault, none of its values."""
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        return problem(400, "malformed-json", "The body is not valid JSON.", faults=(Fault("", "is not valid JSON"),))
    faults = [Fault(pointer(item["loc"]), item["msg"]) for item in found[:50]]
    return problem(422, "invalid", "Some fields cannot be accepted; see errors.", faults=faults)


def pointer(location: Sequence[str | int]) -> str:
    """The JSON pointer of a place in the body, or ``/name`` of a parameter."""
    parts = [str(part) for part in location[1:]]
    if len(parts) > 1 and parts[0] == "source" and parts[1] in {"rtsp", "onvif"}:
        del parts[1]  # the variant that pydantic chose, which is no part of the document
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def install(app: FastAPI) -> None:
    """Let every error of the app leave it as a problem document."""

    async def on_service_error(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ServiceError)  # noqa: S101 - registered for nothing else
        return service_error(error)

    async def on_validation_error(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        return validation_error(error)

    async def on_http_error(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101
        codes = {400: "malformed-request", 404: "route-not-found", 405: "method-not-allowed"}
        details = {404: "There is nothing at this address.", 405: "This address does not take this method."}
        return problem(
            error.status_code,
            codes.get(error.status_code, "http-error"),
            details.get(error.status_code, str(error.detail)),
            headers=dict(error.headers or {}),
        )

    async def on_bug(request: Request, error: Exception) -> JSONResponse:
        log.error("unexpected error", exc_info=error, extra={"path": request.url.path})
        return problem(500, "internal", "Something went wrong on our side; it was logged. Try again, then tell us.")

    app.add_exception_handler(ServiceError, on_service_error)
    app.add_exception_handler(RequestValidationError, on_validation_error)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(Exception, on_bug)
