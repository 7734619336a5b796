"""A facility's way from the list to its acceptance, over HTTP, and the report on it."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook

from services.access.roles import Role
from services.contracts.ladder import Reason, Rung
from tests.harness.application import Application
from tests.harness.reports import report_all

PARTIES = ["facility", "so_tttt", "enterprise"]
SIGNATURES = {"so_tttt": "Lê Văn Cường", "enterprise": "Phạm Thị Dung", "facility": "Ngô Văn Em"}


class Walk:
    """One facility and an operator."""

    def __init__(self, client: httpx.AsyncClient, facility_id: str) -> None:
        self.client = client
        self.facility_id = facility_id

    async def post(self, what: str, body: dict[str, Any], status: int = 201) -> dict[str, Any]:
        answer = await self.client.post(f"/v1/facilities/{self.facility_id}/{what}", json=body)
        assert answer.status_code == status, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def stage(self) -> str:
        file = (await self.client.get(f"/v1/facilities/{self.facility_id}/stage")).json()
        stage: str = file["stage"]
        return stage

    async def camera(self, zone: str) -> str:
        body = {
            "facility_id": self.facility_id,
            "name": zone,
            "zone": zone,
            "source": {"kind": "rtsp", "url": f"rtsp://10.20.3.4/{zone}"},
        }
        camera_id: str = (await self.client.post("/v1/cameras", json=body)).json()["id"]
        return camera_id


@pytest.fixture
async def walk(application: Application) -> Walk:
    client = await application.client_of(Role.OPERATOR)
    body = {
        "code": "HG-001",
        "name": "Cơ sở",
        "province_code": "93",
        "contact_name": "Nguyễn Thị Mai",
        "contact_phone": "0293",
    }
    return Walk(client, (await client.post("/v1/facilities", json=body)).json()["id"])


async def test_from_the_list_to_the_acceptance(walk: Walk, application: Application) -> None:
    assert await walk.stage() == "contact_named"
    obstacle = await walk.post(
        "obstacles", {"code": "facility_refuses", "owner": "UBND huyện", "due": "2099-05-20", "level": "district"}
    )
    assert obstacle["cause"]["vi"] == "cơ sở không phối hợp"
    assert await walk.stage() == "survey_blocked"
    await walk.post(f"obstacles/{obstacle['id']}/escalation", {}, 200)
    await walk.post(f"obstacles/{obstacle['id']}/resolution", {"resolution": "Đã đồng ý"}, 200)
    assert await walk.stage() == "contact_named"

    visit = {"mode": "on_site", "scheduled_at": (datetime.now(UTC) + timedelta(days=1)).isoformat(), "team": "VNPT"}
    survey = await walk.post("surveys", visit)
    assert await walk.stage() == "contact_named", "the team's protection is not confirmed"
    protection = {"guidance": "HD 12", "equipment": "PPE", "route": "Cổng sau", "confirmed_by": "Bà Bình"}
    confirmed = await walk.client.put(
        f"/v1/facilities/{walk.facility_id}/surveys/{survey['id']}/protection", json=protection
    )
    assert confirmed.status_code == 200, confirmed.text
    assert await walk.stage() == "survey_scheduled"
    result = {"present": {"cameras": 4, "onvif": True}, "conclusion": "eligible"}
    recorded = await walk.client.put(f"/v1/facilities/{walk.facility_id}/surveys/{survey['id']}/result", json=result)
    assert recorded.status_code == 200, recorded.text
    assert await walk.stage() == "surveyed"

    plan = {
        "kind": "reuse",
        "zones": ["gate", "corridor"],
        "line": "internet",
        "addressing": "nat",
        "due": "2099-06-12",
        "agreed_by": PARTIES,
    }
    await walk.post("plan", plan)
    assert await walk.stage() == "plan_agreed"
    await walk.post("stage", {"stage": "connecting"}, 200)

    refused = await walk.post("acceptance", {"signatures": SIGNATURES}, 409)
    assert refused["type"] == "urn:vonggac:problem:acceptance-refused"
    assert {(one["code"], one["zone"]) for one in refused["missing"]} == {
        ("zone_without_camera", "gate"),
        ("zone_without_camera", "corridor"),
    }
    gate, corridor = await walk.camera("gate"), await walk.camera("corridor")
    await report_all(application, {gate: (Rung.PICTURE,), corridor: (Rung.FRAMES, Reason.BLACK)})
    refused = await walk.post("acceptance", {"signatures": SIGNATURES}, 409)
    assert [(one["code"], one["zone"]) for one in refused["missing"]] == [("zone_not_proved", "corridor")]
    assert refused["missing"][0]["detail"]["vi"]
    assert await walk.stage() == "connecting"

    await report_all(application, {gate: (Rung.PICTURE,), corridor: (Rung.PICTURE,)})
    accepted = await walk.post("acceptance", {"signatures": SIGNATURES})
    evidence = {zone["zone"]: zone for zone in accepted["zones"]}
    assert evidence["gate"]["camera_id"] == gate
    assert (evidence["corridor"]["rung"], evidence["corridor"]["codec"]) == ("picture", "h264")
    assert await walk.stage() == "accepted"


async def test_an_acceptance_without_anything_says_all_that_is_missing(walk: Walk) -> None:
    refused = await walk.post("acceptance", {}, 409)
    assert {"stage", "plan_agreed", "signatures"} & {one["code"] for one in refused["missing"]}
    assert all(one["detail"]["en"] and one["detail"]["vi"] for one in refused["missing"])


async def test_a_plan_without_a_zone_is_never_accepted(walk: Walk) -> None:
    survey = {
        "mode": "remote",
        "scheduled_at": datetime.now(UTC).isoformat(),
        "team": "VNPT",
        "result": {"present": {"cameras": 1}, "conclusion": "eligible"},
    }
    await walk.post("surveys", survey)
    await walk.post("plan", {"kind": "reuse", "line": "internet", "due": "2099-06-12", "agreed_by": PARTIES})
    await walk.post("stage", {"stage": "connecting"}, 200)
    refused = await walk.post("acceptance", {"signatures": SIGNATURES}, 409)
    assert [one["code"] for one in refused["missing"]] == ["plan_zones"]


@pytest.mark.parametrize(
    ("what", "body", "pointer"),
    [
        ("stage", {"stage": "forgotten"}, "/stage"),
        ("surveys", {"mode": "by post", "scheduled_at": "2021-05-14T02:00:00Z", "team": "x"}, "/mode"),
        ("surveys", {"mode": "remote", "scheduled_at": "tomorrow", "team": "x"}, "/scheduled_at"),
        ("obstacles", {"code": "no_line", "owner": "x"}, "/due"),
        ("obstacles", {"code": "bad luck", "owner": "x", "due": "2099-01-01"}, "/code"),
        ("obstacles", {"code": "no_line", "owner": " ", "due": "2099-01-01"}, "/owner"),
        ("plan", {"zones": ["kitchen"]}, "/zones/0"),
        ("plan", {"zones": ["gate", "toilet"]}, "/zones/1"),
        ("acceptance", {"signatures": {"so_tttt": "x"}}, "/signatures/enterprise"),
        ("plan", {"kind": "reuse", "budget": 1}, "/budget"),
    ],
)
async def test_bad_input_names_the_field(walk: Walk, what: str, body: dict[str, Any], pointer: str) -> None:
    refused = await walk.post(what, body, 422)
    assert pointer in [error["pointer"] for error in refused["errors"]]


async def test_the_report_tells_the_same_as_json_and_as_a_workbook(walk: Walk, application: Application) -> None:
    await walk.post(
        "obstacles", {"code": "no_line", "owner": "Viễn thông", "due": "2021-05-20", "level": "district"}, 422
    )
    await walk.post("obstacles", {"code": "no_line", "owner": "Viễn thông", "due": "2099-05-20"})
    report = (await walk.client.get("/v1/reports/progress")).json()
    assert len(report["provinces"]) == 63
    (row,) = [one for one in report["provinces"] if one["province_code"] == "93"]
    assert (row["name"]["vi"], row["figures"]["listed"]) == ("Hậu Giang", 1)
    assert row["figures"]["blocked_by_cause"] == {"no_line": 1}
    assert report["total"]["listed"] == 1
    assert [one["facility_code"] for one in report["obstacles"]] == ["HG-001"]

    sheet_answer = await walk.client.get("/v1/reports/progress", params={"format": "xlsx", "province": "93"})
    assert sheet_answer.headers["content-type"].endswith("spreadsheetml.sheet")
    book = load_workbook(io.BytesIO(sheet_answer.content))
    cells = [str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row if cell.value is not None]
    assert any("Hậu Giang" in cell for cell in cells)
    monitor = await application.client_of(Role.MONITOR, "2021-30")
    foreign = (await monitor.get("/v1/reports/progress")).json()
    assert foreign["total"]["listed"] == 0
    assert foreign["obstacles"] == []
