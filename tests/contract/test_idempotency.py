"""Requests that are repeated with an Idempotency-Key, on each kind of database."""

import asyncio
from typing import Any

import httpx
import pytest

from services.access.roles import Role
from tests.harness.application import Application

FACILITY = {"code": "HG-001", "name": "Cơ sở", "province_code": "93"}


@pytest.fixture
async def client(application_on_each: Application) -> httpx.AsyncClient:
    return await application_on_each.client_of(Role.INTEGRATOR)


async def post(client: httpx.AsyncClient, key: str, body: Any = FACILITY) -> httpx.Response:
    return await client.post("/v1/facilities", json=body, headers={"Idempotency-Key": key})


async def test_a_repetition_gets_the_first_answer_and_does_nothing(client: httpx.AsyncClient) -> None:
    first, again = await post(client, "k1"), await post(client, "k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["idempotent-replayed"] == "true"
    assert len((await client.get("/v1/facilities")).json()["items"]) == 1


async def test_without_a_key_or_with_another_a_repetition_is_a_new_request(client: httpx.AsyncClient) -> None:
    await post(client, "k1")
    assert (await post(client, "k2")).status_code == 409
    assert (await client.post("/v1/facilities", json=FACILITY)).status_code == 409


async def test_another_body_under_the_same_key_is_refused(client: httpx.AsyncClient) -> None:
    await post(client, "k1")
    other = await post(client, "k1", FACILITY | {"code": "HG-002"})
    assert (other.status_code, other.json()["errors"][0]["pointer"]) == (422, "/Idempotency-Key")


async def test_a_request_that_failed_may_be_mended_under_the_same_key(client: httpx.AsyncClient) -> None:
    assert (await post(client, "k1", FACILITY | {"province_code": "99"})).status_code == 422
    assert (await post(client, "k1")).status_code == 201


async def test_requests_that_come_together_are_carried_out_once(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(post(client, "k1") for _ in range(6)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert sum(answer.status_code == 201 for answer in answers) >= 1
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert (await post(client, "k1")).status_code == 201


async def test_keys_of_two_principals_do_not_meet(client: httpx.AsyncClient, application_on_each: Application) -> None:
    other = await application_on_each.client_of(Role.INTEGRATOR)
    await post(client, "k1")
    assert (await post(other, "k1")).status_code == 409, "its own request, for a code that is taken"


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_that_is_none_is_refused(client: httpx.AsyncClient, key: str) -> None:
    assert (await post(client, key)).status_code == 422
