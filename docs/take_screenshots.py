"""Take the pictures of the console in ``docs/images`` from a running demo with a few more sites.

Run it from the top of the repository: ``python -m docs.take_screenshots``. It needs Chromium and takes about a minute.
Nothing is painted: sites are registered through the API, their cameras are those of the simulator, and what is wrong
with some of them is switched on there or, for a password, registered wrongly.
"""

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser

from tests.harness.browser import new_page, running_browser, sign_in
from tests.harness.demo import Demo

IMAGES = Path(__file__).resolve().parent / "images"
BYTES_MAX = 300 * 1024
_SETTLED_S = 60.0


@dataclass(frozen=True)
class Site:
    """A facility and the simulated cameras that it has. Each has a reach of its own, so that they may be shared."""

    code: str
    name: str
    province: str
    kind: str
    cameras: tuple[str, ...]
    state: str
    password: str | None = None


SITES = (
    Site("BN-003", "Khách sạn Hòa Bình, Bắc Ninh (mô phỏng)", "27", "hotel", ("camera-1", "camera-2"), "connected"),
    Site("TN-011", "Ký túc xá Đại học Thái Nguyên (mô phỏng)", "19", "province_run", ("camera-2",), "connected"),
    Site("HN-021", "Trung đoàn 59, Hà Nội (mô phỏng)", "01", "army_run", ("camera-1", "camera-6"), "degraded"),
    Site("KT-002", "Trường Chính trị Kon Tum (mô phỏng)", "62", "province_run", ("camera-5",), "disconnected", "wrong"),
    Site("BG-007", "Trường Trung cấp nghề Bắc Giang (mô phỏng)", "24", "province_run", ("camera-6",), "disconnected"),
)
_ZONES = ("gate", "yard")
_OFF = "camera-6"
_FROZEN = "camera-3"


def register(demo: Demo) -> None:
    """The sites, through the API like any integrator."""
    simulated = demo.simulated_cameras()
    for site in SITES:
        facility = {
            "code": site.code,
            "name": site.name,
            "province_code": site.province,
            "kind": site.kind,
            "reach": site.code.lower(),
        }
        facility_id = demo.post("/v1/facilities", facility)["id"]
        for name, zone in zip(site.cameras, _ZONES, strict=False):
            camera = simulated[name]
            body = {
                "facility_id": facility_id,
                "name": f"Camera {zone}",
                "zone": zone,
                "source": {"kind": "rtsp", "url": camera["streams"]["main"]["url"]},
                "credentials": {"username": camera["username"], "password": site.password or camera["password"]},
            }
            demo.post("/v1/cameras", body)


def wait_until_settled(demo: Demo) -> None:
    """Until every site is in the state it is meant to show."""
    wanted = {**{site.code: site.state for site in SITES}, "HG-001": "degraded"}
    ids = {code: demo.facility_id(code) for code in wanted}
    deadline = time.monotonic() + _SETTLED_S
    while time.monotonic() < deadline:
        states = {code: demo.get(f"/v1/facilities/{facility}/status")["state"] for code, facility in ids.items()}
        if states == wanted:
            return
        time.sleep(0.5)
    raise TimeoutError(f"not settled: {states}")


async def take(browser: Browser, demo: Demo) -> None:
    facility = demo.facility_id("HG-001")
    cameras = demo.get(f"/v1/cameras?facility_id={facility}")["items"]
    live = next(camera["id"] for camera in cameras if "(camera-1)" in camera["name"])
    shots: list[tuple[str, str, dict[str, Any]]] = [
        ("console-overview", "/", {"viewport": {"width": 1366, "height": 560}}),
        ("console-facility", f"/facilities/{facility}", {"viewport": {"width": 1366, "height": 768}}),
        ("console-camera", f"/cameras/{live}", {"viewport": {"width": 1080, "height": 690}, "color_scheme": "dark"}),
    ]
    for name, path, options in shots:
        async with new_page(browser, **options) as (page, seen):
            await sign_in(page, demo.url, demo.key, path)
            if path.startswith("/cameras/"):
                await page.click("[data-live-for]")
                await page.wait_for_function("() => document.querySelector('video').currentTime > 2", timeout=20_000)
            await page.wait_for_load_state("networkidle" if "cameras" not in path else "load")
            target = IMAGES / f"{name}.png"
            await page.screenshot(path=target)
            size = target.stat().st_size
            print(f"{target.name}: {size / 1024:.0f} KiB", *seen.complaints)
            if size > BYTES_MAX or seen.complaints:
                raise SystemExit(f"{target.name} is too large, or the page complained")


async def photograph(demo: Demo) -> None:
    async with running_browser() as browser:
        await take(browser, demo)


def main() -> int:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        demo = Demo(Path(directory))
        try:
            demo.start("--cameras", "6", "--recorder-channels", "2")
            demo.set_fault(_OFF, "off")
            demo.set_fault(_FROZEN, "frozen")
            register(demo)
            wait_until_settled(demo)
            asyncio.run(photograph(demo))
        finally:
            demo.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
