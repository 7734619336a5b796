"""Registrations that cannot be accepted: each gets an error that names the field, and nothing is stored."""

import json
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from services.access.roles import Role
from services.registry.tables import Camera, Credential, Device, Facility, Stream
from tests.harness.application import Application

GOOD_URL = "rtsp://10.20.3.4/a"


def source(url: str) -> dict[str, Any]:
    return {"source": {"kind": "rtsp", "url": url}}


def onvif(**members: Any) -> dict[str, Any]:
    return {"source": {"kind": "onvif", "host": "10.20.3.5", "port": 80} | members}


#: What is wrong → changes to a good camera, and the field that the error must name. None removes a member.
BAD_CAMERAS: dict[str, tuple[dict[str, Any], str]] = {
    # schemes
    "http": (source("http://10.20.3.4/a"), "/source/url"),
    "rtspu": (source("rtspu://10.20.3.4/a"), "/source/url"),
    "rtmp": (source("rtmp://10.20.3.4/a"), "/source/url"),
    "file": (source("file:///etc/passwd"), "/source/url"),
    "no scheme": (source("10.20.3.4/a"), "/source/url"),
    "empty": (source(""), "/source/url"),
    "no host": (source("rtsp:///a"), "/source/url"),
    # hosts outside the allowed networks, in every notation
    "loopback": (source("rtsp://127.0.0.1/a"), "/source/url"),
    "localhost": (source("rtsp://localhost/a"), "/source/url"),
    "other private network": (source("rtsp://10.21.0.1/a"), "/source/url"),
    "public address": (source("rtsp://198.51.100.7/a"), "/source/url"),
    "cloud metadata": (source("rtsp://169.254.169.254/a"), "/source/url"),
    "any address": (source("rtsp://0.0.0.0/a"), "/source/url"),
    "broadcast": (source("rtsp://255.255.255.255/a"), "/source/url"),
    "multicast": (source("rtsp://239.255.255.250/a"), "/source/url"),
    "IPv6 loopback": (source("rtsp://[::1]/a"), "/source/url"),
    "IPv4 in IPv6": (source("rtsp://[::ffff:127.0.0.1]/a"), "/source/url"),
    "IPv6 zone": (source("rtsp://[fe80::1%25lo]/a"), "/source/url"),
    "decimal": (source("rtsp://2130706433/a"), "/source/url"),
    "hexadecimal": (source("rtsp://0x7f000001/a"), "/source/url"),
    "octal": (source("rtsp://0177.0.0.1/a"), "/source/url"),
    "short": (source("rtsp://127.1/a"), "/source/url"),
    "full-width digits": (source("rtsp://\uff11\uff12\uff17.0.0.1/a"), "/source/url"),
    "percent-encoded": (source("rtsp://%31%32%37.0.0.1/a"), "/source/url"),
    "name that nobody knows": (source("rtsp://camera.invalid/a"), "/source/url"),
    "name with one address outside": (source("rtsp://half-outside.example/a"), "/source/url"),
    "ONVIF loopback": (onvif(host="127.0.0.1"), "/source/host"),
    "ONVIF name of loopback": (onvif(host="localhost"), "/source/host"),
    "ONVIF decimal": (onvif(host="2130706433"), "/source/host"),
    # credentials where they do not belong
    "user and password in the URL": (source("rtsp://admin:hunter2@10.20.3.4/a"), "/source/url"),
    "user in the URL": (source("rtsp://admin@10.20.3.4/a"), "/source/url"),
    # ports and paths
    "port 0": (source("rtsp://10.20.3.4:0/a"), "/source/url"),
    "port 65536": (source("rtsp://10.20.3.4:65536/a"), "/source/url"),
    "ONVIF port -1": (onvif(port=-1), "/source/port"),
    "ONVIF port 70000": (onvif(port=70000), "/source/port"),
    "line break in the path": (source("rtsp://10.20.3.4/a\r\nTEARDOWN"), "/source/url"),
    "space in the path": (source("rtsp://10.20.3.4/a b"), "/source/url"),
    "fragment": (source("rtsp://10.20.3.4/a#b"), "/source/url"),
    "ONVIF host with a path": (onvif(host="10.20.3.5/onvif"), "/source/host"),
    "ONVIF host with a port": (onvif(host="10.20.3.5:80"), "/source/host"),
    # sizes
    "name of 1 MB": ({"name": "x" * 1_000_000}, "/name"),
    "URL of 1 MB": (source("rtsp://10.20.3.4/" + "x" * 1_000_000), "/source/url"),
    "password of 1 MB": ({"credentials": {"username": "a", "password": "x" * 1_000_000}}, "/credentials/password"),
    "path of 2,000": (source("rtsp://10.20.3.4/" + "x" * 1_300), "/source/url"),
    # shapes
    "no name": ({"name": None}, "/name"),
    "blank name": ({"name": "   "}, "/name"),
    "name with a control character": ({"name": "a\u0000b"}, "/name"),
    "name that is a number": ({"name": 7}, "/name"),
    "no zone": ({"zone": None}, "/zone"),
    "zone that does not exist": ({"zone": "kitchen"}, "/zone"),
    "inside a room": ({"zone": "inside_room"}, "/zone"),
    "toilet": ({"zone": "toilet"}, "/zone"),
    "bathroom": ({"zone": "bathroom"}, "/zone"),
    "facility that does not exist": ({"facility_id": "01890a5d-ac96-774b-bcce-b302099a8057"}, "/facility_id"),
    "facility that is no id": ({"facility_id": "HG-001"}, "/facility_id"),
    "no source": ({"source": None}, "/source"),
    "source of unknown kind": ({"source": {"kind": "webrtc", "url": GOOD_URL}}, "/source"),
    "source that is text": ({"source": GOOD_URL}, "/source"),
    "credentials without a password": ({"credentials": {"username": "a"}}, "/credentials/password"),
    "credentials with an empty user": ({"credentials": {"username": "", "password": "b"}}, "/credentials/username"),
    "unknown field": ({"url": GOOD_URL}, "/url"),
    "unknown field of the source": ({"source": {"kind": "rtsp", "url": GOOD_URL, "user": "a"}}, "/source/user"),
    "enabled that is text": ({"enabled": "perhaps"}, "/enabled"),
    "watch policy that does not exist": ({"watch_policy": "often"}, "/watch_policy"),
    "sampled too often": ({"watch_policy": "sampled", "sample_every_s": 59}, "/sample_every_s"),
    "sampled too rarely": ({"watch_policy": "sampled", "sample_every_s": 86_401}, "/sample_every_s"),
    "stream that does not exist": ({"stream_choice": "third"}, "/stream_choice"),
    "no choice of stream": ({"stream_choice": 7}, "/stream_choice"),
}

BAD_FACILITIES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown province": ({"province_code": "99"}, "/province_code"),
    "province by name": ({"province_code": "Hậu Giang"}, "/province_code"),
    "code of 2025 in 2021": ({"province_code": "00"}, "/province_code"),
    "unknown edition": ({"province_edition": 1976}, "/province_edition"),
    "no code": ({"code": None}, "/code"),
    "code with a space": ({"code": "HG 001"}, "/code"),
    "name of 1 MB": ({"name": "x" * 1_000_000}, "/name"),
    "reach with a bar": ({"reach": "a|b"}, "/reach"),
    "negative capacity": ({"capacity": -1}, "/capacity"),
    "e-mail without an at": ({"contact_email": "an.example"}, "/contact_email"),
    "kind that does not exist": ({"kind": "prison"}, "/kind"),
    "unknown field": ({"stage": "accepted"}, "/stage"),
}


async def counts(application: Application) -> list[int]:
    async with application.database.read() as session:
        return [
            await session.scalar(select(func.count()).select_from(table)) or 0
            for table in (Facility, Device, Camera, Stream, Credential)
        ]


@pytest.fixture
async def integrator(application: Application) -> httpx.AsyncClient:
    return await application.client_of(Role.INTEGRATOR)


async def post(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> httpx.Response:
    present = {name: value for name, value in body.items() if value is not None}
    return await client.post(path, content=json.dumps(present), headers={"Content-Type": "application/json"})


def check_problem(answer: httpx.Response, pointer: str, statuses: set[int]) -> None:
    assert answer.status_code in statuses, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) >= {"type", "title", "status", "detail", "errors"}
    assert problem["status"] == answer.status_code
    assert pointer in [error["pointer"] for error in problem["errors"]], problem["errors"]
    assert all(error["detail"] for error in problem["errors"])
    assert "hunter2" not in answer.text
    assert len(answer.content) < 4096, "an error must not give a large value back"


async def test_no_bad_camera_is_stored(integrator: httpx.AsyncClient, application: Application) -> None:
    made = await post(integrator, "/v1/facilities", {"code": "HG-001", "name": "x", "province_code": "93"})
    good = {"facility_id": made.json()["id"], "name": "Cổng", "zone": "gate", **source(GOOD_URL)}
    before = await counts(application)
    for what, (changes, pointer) in BAD_CAMERAS.items():
        answer = await post(integrator, "/v1/cameras", good | changes)
        statuses = {404} if what == "facility that does not exist" else {422}
        try:
            check_problem(answer, pointer, statuses)
        except AssertionError as error:
            raise AssertionError(what) from error
        assert await counts(application) == before, what
    assert (await post(integrator, "/v1/cameras", good)).status_code == 201, "the good one is good"
    duplicate = await post(integrator, "/v1/cameras", good)
    check_problem(duplicate, "/source", {409})
    assert len(BAD_CAMERAS) >= 40


async def test_no_bad_facility_is_stored(integrator: httpx.AsyncClient, application: Application) -> None:
    good = {"code": "HG-001", "name": "Cơ sở", "province_code": "93"}
    before = await counts(application)
    for what, (changes, pointer) in BAD_FACILITIES.items():
        answer = await post(integrator, "/v1/facilities", good | changes)
        try:
            check_problem(answer, pointer, {422})
        except AssertionError as error:
            raise AssertionError(what) from error
        assert await counts(application) == before, what
    assert (await post(integrator, "/v1/facilities", good)).status_code == 201


async def test_a_forbidden_zone_is_refused_with_the_reason(integrator: httpx.AsyncClient) -> None:
    made = await post(integrator, "/v1/facilities", {"code": "HG-001", "name": "x", "province_code": "93"})
    body = {"facility_id": made.json()["id"], "name": "x", "zone": "inside_room", **source(GOOD_URL)}
    problem = (await post(integrator, "/v1/cameras", body)).json()
    assert problem["type"] == "urn:vonggac:problem:zone-forbidden"
    assert "privacy" in problem["errors"][0]["detail"]


async def test_a_patch_is_checked_like_a_registration(integrator: httpx.AsyncClient) -> None:
    made = await post(integrator, "/v1/facilities", {"code": "HG-001", "name": "x", "province_code": "93"})
    good = {"facility_id": made.json()["id"], "name": "Cổng", "zone": "gate", **source(GOOD_URL)}
    camera = (await post(integrator, "/v1/cameras", good)).json()
    for changes, pointer in (
        (source("rtsp://127.0.0.1/a"), "/source/url"),
        ({"zone": "toilet"}, "/zone"),
        ({"name": None}, "/name"),
        ({"facility_id": made.json()["id"]}, "/facility_id"),
    ):
        answer = await integrator.patch(f"/v1/cameras/{camera['id']}", json=changes)
        check_problem(answer, pointer, {422})
    assert (await integrator.get(f"/v1/cameras/{camera['id']}")).json() == camera


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b'{"code": NaN}', b"\xff\xfe", b"[" * 100_000, b'{"code": "\\ud800"}']
)
async def test_what_is_no_json_object_is_refused(integrator: httpx.AsyncClient, body: bytes) -> None:
    answer = await integrator.post("/v1/facilities", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


async def test_without_allowed_networks_nothing_is_registered(sqlite_url: str, tmp_path: Any) -> None:
    from tests.harness.application import running_application

    async with running_application(sqlite_url, tmp_path, camera_networks=()) as application:
        client = await application.client_of(Role.INTEGRATOR)
        made = await post(client, "/v1/facilities", {"code": "HG-001", "name": "x", "province_code": "93"})
        body = {"facility_id": made.json()["id"], "name": "Cổng", "zone": "gate", **source(GOOD_URL)}
        answer = await post(client, "/v1/cameras", body)
        check_problem(answer, "/source/url", {422})
        assert "VONGGAC_CAMERA_NETWORKS" in answer.text
