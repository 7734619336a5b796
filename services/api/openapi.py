"""The OpenAPI document: what FastAPI gives, with every error told as the problem document that it is."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict, Field

from services.api.errors import MEDIA_TYPE
from services.api.idempotency import HEADER, IdempotentRoute


class FaultOut(BaseModel):
    """One field at fault."""

    pointer: str = Field(description="JSON pointer into the body, or `/name` of a parameter; empty: the whole body.")
    detail: str


class Problem(BaseModel):
    """A problem document (RFC 9457). Some kinds carry more members, for example `channels`, `missing` or `reasons`."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:vonggac:problem:zone-forbidden",
                    "title": "Not acceptable as it is",
                    "status": 422,
                    "detail": "Cameras may not look into rooms, toilets or bathrooms.",
                    "errors": [{"pointer": "/zone", "detail": "is a private place"}],
                }
            ]
        },
    )

    type: str = Field(description="Stable name of the kind of problem.")
    title: str
    status: int
    detail: str = Field(description="What is wrong and what to do next, in a sentence.")
    errors: list[FaultOut] = Field(description="The fields at fault; empty when none is.")


_DESCRIPTIONS = {
    "400": "The body is not valid JSON.",
    "401": "No valid key.",
    "403": "The key's role does not allow it, or the live link is not valid (any more).",
    "404": "Nothing with this id within your provinces.",
    "409": "The present state of the resource does not allow it.",
    "412": "It changed since you read it.",
    "413": "The body is larger than 1 MiB, or 8 MiB where it says so.",
    "422": "A field cannot be accepted; `errors` names it.",
    "503": "A part of the system does not answer now; `Retry-After` says when to try again.",
}

#: Routes that answer without a key and fail in no way of their own.
_PLAIN = frozenset({"/livez", "/readyz", "/metrics"})

#: Routes that name a facility in the body.
_FACILITY_IN_BODY = frozenset(
    {("post", "/v1/cameras"), ("post", "/v1/discoveries"), ("post", "/v1/discoveries/findings")}
)


def document(app: FastAPI) -> dict[str, Any]:
    """The document of an app, made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _made(app)
    return app.openapi_schema


def _made(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = made["components"]["schemas"]
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs")
    schemas["Problem"] = problem
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    _tell_of_idempotency(app, made)
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            statuses = [] if path in _PLAIN else _statuses(path, method, operation)
            operation["responses"].pop("422", None)
            operation["responses"] |= {
                status: {"description": _DESCRIPTIONS[status], "content": content} for status in statuses
            }
    return made


def _statuses(path: str, method: str, operation: dict[str, Any]) -> list[str]:
    statuses = ["403", "422", "503"]
    if operation.get("security"):
        statuses.append("401")
    if "{" in path or (method, path) in _FACILITY_IN_BODY:
        statuses.append("404")
    if method in {"post", "patch", "put", "delete"}:
        statuses += ["409", "400", "413"] if "requestBody" in operation else ["409"]
    if any(parameter["name"] == "if-match" for parameter in operation.get("parameters", [])):
        statuses.append("412")
    return sorted(statuses)


def _tell_of_idempotency(app: FastAPI, made: dict[str, Any]) -> None:
    header = {
        "name": HEADER,
        "in": "header",
        "required": False,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "description": "Repeat the request with the same key and you get the first answer; nothing is done twice.",
    }
    for route in app.routes:
        if isinstance(route, IdempotentRoute) and "POST" in (route.methods or ()):
            made["paths"][route.path]["post"].setdefault("parameters", []).append(header)
