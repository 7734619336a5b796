"""``docs/openapi.json``: the interface as the API serves it at ``/openapi.json``, so that changes to it are seen."""

from typing import Any

from services.api.app import openapi_of_routes


def openapi_document() -> dict[str, Any]:
    """The OpenAPI 3.1 document. It needs no running services."""
    return openapi_of_routes()
