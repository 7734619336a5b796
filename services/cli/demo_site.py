"""What the demo registers, through the API like any integrator: a connected site, and one that is not there yet."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from services.runtime.http_client import HttpClient

_SITE = {
    "code": "HG-001",
    "name": "Khu cách ly tập trung Trường Cao đẳng Hậu Giang (mô phỏng)",
    "province_code": "93",
    "kind": "province_run",
    "managing_authority": "UBND thành phố Vị Thanh",
    "contact_name": "Nguyễn Thị Mai",
    "contact_position": "Phó trưởng khu cách ly",
    "contact_phone": "+84 293 000 001",
    "capacity": 320,
}
_BLOCKED_SITE = {
    "code": "HD-014",
    "name": "Khu cách ly tập trung Trường Quân sự Hải Dương (mô phỏng)",
    "province_code": "30",
    "kind": "army_run",
    "managing_authority": "Bộ Chỉ huy quân sự tỉnh Hải Dương",
    "capacity": 180,
}
_PLACES = (
    ("Cổng chính", "gate"),
    ("Sân trước", "yard"),
    ("Hành lang tầng 1", "corridor"),
    ("Khu tiếp nhận", "reception"),
    ("Khu lấy mẫu", "sampling"),
    ("Phòng khám", "medical_check"),
    ("Khu giao nhận hàng", "goods_handover"),
    ("Sảnh tầng 2", "floor_lobby"),
)


async def register_site(client: HttpClient, site: dict[str, Any]) -> list[str]:
    """Register what is not registered yet. Returns the codes of the facilities."""
    facility_id = await _facility(client, _SITE)
    await _cameras(client, facility_id, site)
    blocked_id = await _facility(client, _BLOCKED_SITE)
    await _obstacle(client, blocked_id)
    return [_SITE["code"], _BLOCKED_SITE["code"]]  # type: ignore[list-item]


async def _facility(client: HttpClient, facility: dict[str, Any]) -> str:
    found = await _get(client, "/v1/facilities", code=facility["code"])
    if found["items"]:
        known: str = found["items"][0]["id"]
        return known
    made: str = (await _post(client, "/v1/facilities", facility))["id"]
    return made


async def _cameras(client: HttpClient, facility_id: str, site: dict[str, Any]) -> None:
    known = {camera["name"]: camera for camera in (await _get(client, "/v1/cameras", facility_id=facility_id))["items"]}
    for index, camera in enumerate(site["cameras"]):
        place, zone = _PLACES[index % len(_PLACES)]
        name = f"{place} ({camera['name']})"
        source = _source(index, camera)
        if name not in known:
            body = {
                "facility_id": facility_id,
                "name": name,
                "zone": zone,
                "source": source,
                "credentials": {"username": camera["username"], "password": camera["password"]},
            }
            await _post(client, "/v1/cameras", body)
        elif known[name]["source"] != source:  # its port was taken, so the simulator chose another
            await client.request("PATCH", f"/v1/cameras/{known[name]['id']}", json={"source": source})


def _source(index: int, camera: dict[str, Any]) -> dict[str, Any]:
    """Cameras in turn by RTSP address and by ONVIF; channels of the recorder by their profile."""
    if camera["kind"] == "camera" and index % 2 == 0:
        return {"kind": "rtsp", "url": camera["streams"]["main"]["url"]}
    onvif = {"kind": "onvif", "host": camera["onvif"]["host"], "port": camera["onvif"]["port"]}
    profile = camera["streams"]["main"]["profile"] if camera["kind"] == "recorder" else None
    return {**onvif, "profile": profile}


async def _obstacle(client: HttpClient, facility_id: str) -> None:
    file = await _get(client, f"/v1/facilities/{facility_id}/stage")
    if not file["obstacles"]:
        obstacle = {
            "code": "locked_credentials",
            "owner": "Bộ Chỉ huy quân sự tỉnh Hải Dương",
            "due": (datetime.now(UTC) + timedelta(days=7)).date().isoformat(),
            "level": "province_committee",
            "notes": "Không ai biết mật khẩu đầu ghi.",
        }
        await _post(client, f"/v1/facilities/{facility_id}/obstacles", obstacle)


async def _get(client: HttpClient, path: str, **params: str) -> Any:
    return json.loads((await client.request("GET", path, params=params)).body)


async def _post(client: HttpClient, path: str, body: dict[str, Any]) -> Any:
    return json.loads((await client.request("POST", path, json=body)).body)
