"""Who may do what, and where."""

import itertools
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi.routing import APIRoute

from services.access.roles import ROLE_SCOPES, Role, Scope
from services.api.app import ROUTERS
from services.api.auth import Needs
from tests.harness.application import Application

#: Routes for anybody; live media is guarded by its links.
PUBLIC = {
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/live/{camera_id}/index.m3u8"),
    ("GET", "/live/{camera_id}/media.m3u8"),
    ("GET", "/live/{camera_id}/init-{number}.mp4"),
    ("GET", "/live/{camera_id}/seg-{index}.m4s"),
}

#: What each scope opens, spelled out: a role must not gain a route by a slip in a table.
ROLES_OF_SCOPE = {
    Scope.REGISTRY_READ: {Role.INTEGRATOR, Role.MONITOR, Role.OPERATOR},
    Scope.REGISTRY_WRITE: {Role.INTEGRATOR, Role.OPERATOR},
    Scope.STATUS_READ: {Role.INTEGRATOR, Role.MONITOR, Role.OPERATOR},
    Scope.PICTURE_READ: {Role.MONITOR, Role.OPERATOR},
    Scope.LIVE_REQUEST: {Role.MONITOR, Role.OPERATOR},
    Scope.PROGRAMME_READ: {Role.INTEGRATOR, Role.MONITOR, Role.OPERATOR},
    Scope.PROGRAMME_WRITE: {Role.INTEGRATOR, Role.OPERATOR},
    Scope.ACCEPTANCE_WRITE: {Role.OPERATOR},
    Scope.KEYS_MANAGE: {Role.OPERATOR},
    Scope.AUDIT_READ: {Role.OPERATOR},
    Scope.WORKER: {Role.WORKER},
}


def routes() -> Iterator[tuple[str, str, Scope | None]]:
    """Method, path and needed scope of every route."""
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            scopes = [need.call.scope for need in route.dependant.dependencies if isinstance(need.call, Needs)]
            assert len(scopes) <= 1
            for method in sorted(route.methods or ()):
                yield method, route.path, scopes[0] if scopes else None


def test_every_route_has_a_scope_or_is_meant_to_be_public() -> None:
    without = {(method, path) for method, path, scope in routes() if scope is None}
    assert without == PUBLIC


def test_the_roles_are_what_they_are_said_to_be() -> None:
    assert set(ROLES_OF_SCOPE) == set(Scope)
    for scope, roles in ROLES_OF_SCOPE.items():
        assert {role for role in Role if scope in ROLE_SCOPES[role]} == roles, scope


def address(path: str) -> str:
    for name in re.findall(r"{(\w+_id)}", path):
        path = path.replace(f"{{{name}}}", str(uuid4()))
    return path.replace("{number}", "0").replace("{index}", "0")


async def test_a_key_of_each_role_is_refused_on_every_route_that_is_not_its_own(application: Application) -> None:
    clients = {role: await application.client_of(role) for role in Role}
    checked = 0
    for method, path, scope in routes():
        if scope is None:
            continue
        for role, client in clients.items():
            answer = await client.request(method, address(path))
            if role in ROLES_OF_SCOPE[scope]:
                assert answer.status_code not in {401, 403} or path.startswith("/v1/workers"), (role, method, path)
            else:
                assert answer.status_code == 403, (role, method, path, answer.status_code)
                assert answer.headers["content-type"] == "application/problem+json"
                checked += 1
    assert checked > 80


async def test_without_a_valid_key_every_route_answers_401(application: Application) -> None:
    good = await application.key(Role.OPERATOR)
    prefix, _, secret = good.rpartition("_")
    foreign = await application.key(Role.OPERATOR)
    keys = [
        None,
        "",
        "nonsense",
        f"{prefix}_{secret[::-1]}",
        f"{prefix}_{foreign.rpartition('_')[2]}",
        good[:-1],
        good + "x",
        good.upper(),
    ]
    for key, (method, path, scope) in itertools.product(keys, list(routes())):
        if scope is not None:
            answer = await application.client(key).request(method, address(path))
            assert answer.status_code == 401, (key, method, path)
            assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_key_may_come_in_either_header(application: Application) -> None:
    key = await application.key(Role.MONITOR)
    async with application.client(None) as client:
        answer = await client.get("/v1/facilities", headers={"X-API-Key": key})
    assert answer.status_code == 200


async def test_a_revoked_key_is_refused_and_an_expired_one_too(application: Application) -> None:
    operator = await application.client_of(Role.OPERATOR)
    body = {"name": "soon gone", "role": "monitor"}
    made = (await operator.post("/v1/keys", json=body)).json()
    client = application.client(made["key"])
    assert (await client.get("/v1/facilities")).status_code == 200
    assert (await operator.delete(f"/v1/keys/{made['id']}")).status_code == 204
    assert (await client.get("/v1/facilities")).status_code == 401
    expired = (await operator.post("/v1/keys", json=body | {"expires_at": "2021-05-10T00:00:00Z"})).json()
    assert (await application.client(expired["key"]).get("/v1/facilities")).status_code == 401
    listed = (await operator.get("/v1/keys")).text
    assert made["key"] not in listed
    assert made["key"].rpartition("_")[2] not in listed


# One province


@pytest.fixture
async def two_provinces(application: Application) -> dict[str, Any]:
    """A facility with a camera in Hậu Giang and one in Hải Dương."""
    operator = await application.client_of(Role.OPERATOR)
    made: dict[str, Any] = {"operator": operator}
    for name, code in (("hau_giang", "93"), ("hai_duong", "30")):
        facility = (
            await operator.post("/v1/facilities", json={"code": f"F-{code}", "name": name, "province_code": code})
        ).json()
        camera = (
            await operator.post(
                "/v1/cameras",
                json={
                    "facility_id": facility["id"],
                    "name": name,
                    "zone": "gate",
                    "source": {"kind": "rtsp", "url": f"rtsp://10.20.{code}.4/a"},
                },
            )
        ).json()
        found = await operator.post(
            "/v1/discoveries", json={"facility_id": facility["id"], "hosts": [f"10.20.{code}.4"], "credentials": []}
        )
        site = await operator.post(
            f"/v1/facilities/{facility['id']}/credential-sets", json={"label": "x", "username": "a", "password": "b"}
        )
        made[name] = {
            "facility": facility,
            "camera": camera,
            "ids": {
                "facility_id": facility["id"],
                "camera_id": camera["id"],
                "device_id": camera["device_id"],
                "discovery_id": found.json()["id"],
                "set_id": site.json()["id"],
            },
        }
    return made


async def test_a_key_of_one_province_sees_nothing_of_another(
    application: Application, two_provinces: dict[str, Any]
) -> None:
    foreign = two_provinces["hai_duong"]
    ids: dict[str, str] = foreign["ids"]
    for role in (Role.INTEGRATOR, Role.MONITOR, Role.OPERATOR):
        client = await application.client_of(role, "2021-93")
        for method, path, scope in routes():
            if scope is None or role not in ROLES_OF_SCOPE[scope]:
                continue
            if "{" not in path and method == "GET":
                answer = await client.get(path)
                assert not any(one in answer.text for one in ids.values()), (role, path)
                assert "F-30" not in answer.text, (role, path)
            elif "key_id" not in path and "{" in path:
                where = path
                for name, value in ids.items():
                    where = where.replace(f"{{{name}}}", value)
                answer = await client.request(
                    method, address(where), json=None if method == "GET" else BODIES.get(path, {})
                )
                assert answer.status_code == 404, (role, method, path, answer.status_code, answer.text[:300])
    operator = two_provinces["operator"]
    unchanged = await operator.get(f"/v1/cameras/{foreign['camera']['id']}")
    assert unchanged.json() == foreign["camera"]
    assert (await operator.get(f"/v1/discoveries/{ids['discovery_id']}")).json()["status"] == "running"


#: Bodies that fit, so that the answer is about the province and not about the body.
BODIES: dict[str, Any] = {
    "/v1/facilities/{facility_id}": {"name": "x"},
    "/v1/cameras/{camera_id}": {"name": "x"},
    "/v1/cameras/{camera_id}/credentials": {"username": "a", "password": "b"},
    "/v1/devices/{device_id}/credentials": {"username": "a", "password": "b"},
    "/v1/devices/{device_id}/identity": {"accept": True},
    "/v1/discoveries/{discovery_id}/adopt": {"all": True},
    "/v1/facilities/{facility_id}/credential-sets": {"label": "x", "username": "a", "password": "b"},
    "/v1/credential-sets/{set_id}": {"label": "x", "username": "a", "password": "b"},
    "/v1/facilities/{facility_id}/stage": {"stage": "closed", "notes": "x"},
    "/v1/facilities/{facility_id}/surveys": {"mode": "remote", "scheduled_at": "2026-12-01T00:00:00Z", "team": "x"},
    "/v1/facilities/{facility_id}/surveys/{survey_id}/protection": {
        "guidance": "x",
        "equipment": "x",
        "route": "x",
        "confirmed_by": "x",
    },
    "/v1/facilities/{facility_id}/surveys/{survey_id}/result": {
        "present": {"cameras": 4},
        "conclusion": "eligible",
    },
    "/v1/facilities/{facility_id}/obstacles": {"code": "no_line", "owner": "x", "due": "2027-01-01"},
    "/v1/facilities/{facility_id}/obstacles/{obstacle_id}/escalation": {},
    "/v1/facilities/{facility_id}/obstacles/{obstacle_id}/resolution": {"resolution": "x"},
    "/v1/facilities/{facility_id}/plan": {"kind": "reuse", "zones": ["gate"]},
    "/v1/facilities/{facility_id}/acceptance": {},
}


async def test_a_key_of_one_province_registers_only_there(
    application: Application, two_provinces: dict[str, Any]
) -> None:
    client = await application.client_of(Role.INTEGRATOR, "2021-93")
    refused = await client.post("/v1/facilities", json={"code": "X", "name": "x", "province_code": "30"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/province_code")
    foreign = two_provinces["hai_duong"]["facility"]["id"]
    for path, body in (("", {"multicast": True}), ("/findings", {"found": []})):
        answer = await client.post(f"/v1/discoveries{path}", json={"facility_id": foreign, **body})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (404, "/facility_id")
    camera = {
        "facility_id": two_provinces["hai_duong"]["facility"]["id"],
        "name": "x",
        "zone": "gate",
        "source": {"kind": "rtsp", "url": "rtsp://10.20.9.9/a"},
    }
    assert (await client.post("/v1/cameras", json=camera)).status_code == 404


async def test_a_duplicate_in_another_province_is_not_told_by_name(
    application: Application, two_provinces: dict[str, Any]
) -> None:
    client = await application.client_of(Role.INTEGRATOR, "2021-93")
    camera = {
        "facility_id": two_provinces["hau_giang"]["facility"]["id"],
        "name": "x",
        "zone": "gate",
        "source": {"kind": "rtsp", "url": "rtsp://10.20.30.4/a"},
    }
    answer = await client.post("/v1/cameras", json=camera)
    assert answer.status_code == 409
    assert two_provinces["hai_duong"]["camera"]["id"] not in answer.text


async def test_an_operator_of_one_province_makes_keys_for_it_only(application: Application) -> None:
    client = await application.client_of(Role.OPERATOR, "2021-93")
    assert (await client.post("/v1/keys", json={"name": "x", "role": "monitor"})).status_code == 403
    other = await client.post("/v1/keys", json={"name": "x", "role": "monitor", "provinces": ["30"]})
    assert (other.status_code, other.json()["errors"][0]["pointer"]) == (422, "/provinces/0")
    own = await client.post("/v1/keys", json={"name": "x", "role": "monitor", "provinces": ["93"]})
    assert own.status_code == 201
    names = {item["name"] for item in (await client.get("/v1/keys")).json()["items"]}
    assert names == {"test operator", "x"}


async def test_a_unit_of_2025_reaches_the_provinces_that_went_into_it(
    application: Application, two_provinces: dict[str, Any]
) -> None:
    client: httpx.AsyncClient = await application.client_of(Role.MONITOR, "2025-92")
    codes = [item["code"] for item in (await client.get("/v1/facilities")).json()["items"]]
    assert codes == ["F-93"], "Hậu Giang went into Cần Thơ"
    filtered = await two_provinces["operator"].get("/v1/facilities", params={"province": "31@2025"})
    assert [item["code"] for item in filtered.json()["items"]] == ["F-30"], "Hải Dương went into Hải Phòng"
