"""Findings of a search on site, handed to the API and adopted: devices and cameras come to be."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.cli.discover_order import WrongCall
from services.contracts.camera import Credentials
from services.contracts.discovery import Found
from services.contracts.errors import NotFound
from services.runtime.http_client import HttpClient, trusting
from services.settings import is_loopback

#: Adoption of hundreds of cameras in one transaction.
_TIMEOUT_S = 60.0


def api_client(url: str, key: str, ca: Path | None) -> HttpClient:
    """Raises WrongCall when the key would leave this machine in the clear."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise WrongCall("--api-url must be the address of the API, such as https://vonggac.example.vn")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise WrongCall("--api-url must begin with https:// unless the API runs on this machine")
    if not key:
        raise WrongCall("--facility needs --api-key-file, or VONGGAC_API_KEY")
    return HttpClient(url, key, trusting(ca), timeout_s=_TIMEOUT_S)


async def facility_id(client: HttpClient, text: str) -> UUID:
    """The facility of this code or id. Raises NotFound."""
    listed = json.loads((await client.request("GET", "/v1/facilities", params={"code": text})).body)
    if listed["items"]:
        return UUID(listed["items"][0]["id"])
    try:
        wanted = UUID(text)
    except ValueError:
        raise NotFound(f"No facility within your provinces has the code {text}.") from None
    return UUID(json.loads((await client.request("GET", f"/v1/facilities/{wanted}")).body)["id"])


async def send_findings(
    client: HttpClient, facility: UUID, found: Sequence[Found], sets: Sequence[Credentials]
) -> UUID:
    """Hand in what was found; gives the id of the search that it is kept as."""
    body = {
        "facility_id": str(facility),
        "found": [one.model_dump(mode="json") for one in found],
        "credentials": [{"username": one.username, "password": one.password} for one in sets],
    }
    return UUID(json.loads((await client.request("POST", "/v1/discoveries/findings", json=body)).body)["id"])


async def adopt(client: HttpClient, discovery: UUID, zone: str) -> dict[str, Any]:
    """Adopt all that can be: the API's answer."""
    answer = await client.request("POST", f"/v1/discoveries/{discovery}/adopt", json={"all": True, "zone": zone})
    told: dict[str, Any] = json.loads(answer.body)
    return told


def print_adoption(console: Console, told: dict[str, Any]) -> None:
    """What was adopted, and what was left out with the reason and what to do."""
    cameras = told.get("cameras", [])
    made = sum(1 for camera in cameras if camera.get("created"))
    console.print(f"Adopted: {made} cameras registered, {len(cameras) - made} were registered before.")
    if cameras:
        table = Table("Address", "Channel", "Camera", "")
        for camera in cameras:
            table.add_row(
                escape(str(camera.get("address", ""))),
                escape(str(camera.get("channel") or "")),
                escape(str(camera.get("id", ""))),
                "new" if camera.get("created") else "known",
            )
        console.print(table)
    left_out = told.get("left_out", [])
    if left_out:
        console.print(f"Left out: {len(left_out)}.")
        table = Table("Address", "Reason", "What to do / Việc cần làm")
        for one in left_out:
            advice = one.get("advice") or {}
            both = "\n".join(text for text in (advice.get("en"), advice.get("vi")) if text)
            table.add_row(escape(str(one.get("address", ""))), escape(str(one.get("reason", ""))), escape(both))
        console.print(table)
