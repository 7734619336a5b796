"""The interface describes itself truly."""

from typing import Any

import jsonschema
import pytest

from services.access.roles import Role
from services.api.app import openapi_of_routes
from tests.harness.application import Application


async def test_the_document_is_served_and_is_openapi_3_1(application: Application) -> None:
    answer = await application.client(None).get("/openapi.json")
    assert answer.status_code == 200
    assert answer.json() == openapi_of_routes()
    assert answer.json()["openapi"].startswith("3.1")


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in openapi_of_routes()["paths"].items()
        for method, operation in methods.items()
    ]


@pytest.mark.parametrize(("method", "path", "operation"), operations(), ids=lambda value: str(value)[:60])
def test_every_operation_says_what_it_does_and_how_it_fails(method: str, path: str, operation: dict[str, Any]) -> None:
    assert operation["description"].strip().endswith((".", "`.")), (method, path)
    failures = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
    if path not in {"/livez", "/readyz", "/metrics"}:
        assert failures
    for answer in failures.values():
        assert list(answer["content"]) == ["application/problem+json"]


def test_bodies_of_registrations_have_examples_that_fit_their_schema() -> None:
    schemas = openapi_of_routes()["components"]["schemas"]
    resolver = {"components": {"schemas": schemas}}
    shown = 0
    for name, schema in schemas.items():
        for example in schema.get("examples", []):
            whole = {"$ref": f"#/components/schemas/{name}", **resolver}
            jsonschema.Draft202012Validator(whole).validate(example)
            shown += 1
    assert shown >= 6


async def test_every_error_fits_the_problem_schema(application: Application) -> None:
    schemas = openapi_of_routes()["components"]["schemas"]
    validator = jsonschema.Draft202012Validator(
        {"$ref": "#/components/schemas/Problem", "components": {"schemas": schemas}}
    )
    operator = await application.client_of(Role.OPERATOR)
    worker = await application.client_of(Role.WORKER)
    answers = [
        await application.client(None).get("/v1/facilities"),
        await worker.get("/v1/facilities"),
        await operator.get("/v1/facilities/01890a5d-ac96-774b-bcce-b302099a8057"),
        await operator.get("/nowhere"),
        await operator.put("/v1/facilities"),
        await operator.post("/v1/facilities", json={}),
        await operator.post("/v1/facilities", content=b"{", headers={"Content-Type": "application/json"}),
        await operator.get("/v1/facilities", params={"cursor": "x"}),
        await operator.get("/v1/facilities", params={"limit": 0}),
        await operator.post("/v1/facilities", content=b"x" * 1_100_000),
    ]
    assert [answer.status_code for answer in answers] == [401, 403, 404, 404, 405, 422, 400, 422, 422, 413]
    for answer in answers:
        assert answer.headers["content-type"] == "application/problem+json"
        validator.validate(answer.json())
