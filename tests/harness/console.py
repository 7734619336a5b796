"""The console without a browser: forms are filled in and cookies kept as a browser would."""

import asyncio
import html
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx

from services.access.roles import Role
from services.aggregator.tables import CameraHealth, FacilityState
from services.bus.memory import MemoryBus
from services.contracts.ids import new_id
from services.contracts.ladder import Condition, Rung, State
from services.runtime.clock import SystemClock
from tests.harness.application import Application

PAGE = {"Accept": "text/html,application/xhtml+xml", "Accept-Language": "en"}


class Visitor:
    """Somebody with cookies. Redirects are not followed."""

    def __init__(self, application: Application, base_url: str = "http://testserver", **headers: str) -> None:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        self.client = httpx.AsyncClient(
            transport=application.transport, base_url=base_url, headers={**PAGE, **more}, timeout=10
        )

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    async def page(self, path: str) -> str:
        """A page that must be there, as text."""
        answer = await self.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return html.unescape(answer.text)

    async def sign_in(self, key: str, target: str = "/", **headers: str) -> httpx.Response:
        """Fill in the form of the sign-in page and send it."""
        page = await self.client.get("/sign-in", params={"next": target})
        fields = {"csrf": hidden(page.text, "csrf"), "next": html.unescape(hidden(page.text, "next")), "key": key}
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post("/sign-in", data=fields, headers=more)

    async def csrf(self) -> str:
        """The token of the session."""
        found = re.search(r'name="csrf-token" content="([^"]+)"', (await self.get("/")).text)
        assert found is not None
        return found[1]


async def visitor_of(application: Application, role: Role, *units: str, **headers: str) -> Visitor:
    """Somebody who is signed in with a new key."""
    visitor = Visitor(application, **headers)
    answer = await visitor.sign_in(await application.key(role, *units))
    assert answer.status_code == 303
    return visitor


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'type="hidden" name="{name}" value="([^"]*)"', page)
    assert found is not None, page
    return found[1]


async def register_facility(application: Application, code: str, province: str = "93", **more: Any) -> UUID:
    client = await application.client_of(Role.OPERATOR)
    body = {"code": code, "name": f"Cơ sở {code}", "province_code": province, **more}
    answer = await client.post("/v1/facilities", json=body)
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["id"])


async def register_camera(application: Application, facility: UUID, host: str, **more: Any) -> UUID:
    client = await application.client_of(Role.OPERATOR)
    source = {"kind": "rtsp", "url": f"rtsp://{host}/main"}
    body = {"facility_id": str(facility), "name": f"Camera {host}", "zone": "gate", "source": source, **more}
    answer = await client.post("/v1/cameras", json=body)
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["id"])


async def until_quiet(application: Application) -> None:
    """Return once the aggregator has handled every message, so that nothing is derived anew behind the test's back."""
    bus = application.process.bus
    assert isinstance(bus, MemoryBus)
    async with asyncio.timeout(10):
        while any(queue.bodies for queue in bus._queues()):  # the bus has no event for it
            await asyncio.sleep(0.01)


async def conclude_camera(
    application: Application, facility: UUID, camera: UUID, condition: Condition, rung: Rung, *reasons: str
) -> None:
    """Write what the aggregator would have concluded of a camera."""
    await until_quiet(application)
    now = SystemClock().now()
    row = CameraHealth(
        camera_id=camera,
        facility_id=facility,
        worker_id=new_id(),
        epoch=1,
        sequence=1,
        base=condition,
        condition=condition,
        rung=rung,
        reasons=list(reasons),
        since=now,
        changes=[],
        observed_at=now,
        received_at=now,
        stale_at=now + timedelta(minutes=5),
        stream={"codec": "h264", "width": 1280, "height": 720, "fps": 25.0, "bitrate_kbps": 1500.0},
        watch="reactor",
    )
    async with application.database.write() as session:
        await session.merge(row)


async def conclude_facility(application: Application, facility: UUID, state: State, *reasons: str) -> None:
    """Write what the aggregator would have concluded of a facility."""
    await until_quiet(application)
    now = SystemClock().now()
    async with application.database.write() as session:
        await session.merge(
            FacilityState(facility_id=facility, state=state, reasons=list(reasons), since=now, derived_at=now)
        )
