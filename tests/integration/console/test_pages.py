"""What the pages show, how fast, and with which headers. The questions to the database run on both kinds of it."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, insert, text

from services.access.roles import Role
from services.aggregator.tables import FacilityState
from services.contracts.ids import new_id
from services.contracts.ladder import Condition, Rung, State
from services.programme.texts import ZONE_NAMES
from services.registry.tables import Facility, FacilityKind
from services.runtime.clock import SystemClock
from tests.harness.application import Application
from tests.harness.console import (
    Visitor,
    conclude_camera,
    conclude_facility,
    register_camera,
    register_facility,
    until_quiet,
    visitor_of,
)


@contextmanager
def counted_statements(application: Application) -> Iterator[list[str]]:
    """The SELECTs that are sent meanwhile."""
    sent: list[str] = []

    def before(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            sent.append(statement)

    engine = application.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", before)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", before)


async def many_facilities(application: Application, count: int, unit: str = "2021-27") -> None:
    """Facilities with states in turn, written at once."""
    now = SystemClock().now()
    states = list(State)
    facilities = [
        {
            "id": new_id(),
            "code": f"BN-{index:04}",
            "name": f"Trường Quân sự số {index}",
            "province_unit_id": unit,
            "kind": FacilityKind.ARMY_RUN,
            "designated_enterprise": "viettel",
            "reach": "default",
            "version": 1,
            "created_at": now,
            "updated_at": now,
        }
        for index in range(count)
    ]
    verdicts = [
        {
            "facility_id": facility["id"],
            "state": states[index % len(states)],
            "reasons": [] if states[index % len(states)] is State.CONNECTED else ["stalled", "timeout"],
            "since": now,
            "derived_at": now,
        }
        for index, facility in enumerate(facilities)
    ]
    async with application.database.write() as session:
        await session.execute(insert(Facility), facilities)
        await session.execute(insert(FacilityState), verdicts)


async def test_the_overview_counts_facilities_cameras_and_trouble(application_on_each: Application) -> None:
    application = application_on_each
    connected = await register_facility(application, "HG-001", "93")
    camera = await register_camera(application, connected, "10.20.0.5")
    await register_camera(application, connected, "10.20.0.6", maintenance=True)
    await conclude_camera(application, connected, camera, Condition.ONLINE, Rung.PICTURE)
    await conclude_facility(application, connected, State.CONNECTED)
    lost = await register_facility(application, "HD-014", "30")
    await register_camera(application, lost, "10.20.1.5")
    await conclude_facility(application, lost, State.DISCONNECTED, "timeout")
    await register_facility(application, "HD-015", "30")
    visitor = await visitor_of(application, Role.MONITOR)
    page = await visitor.page("/")
    assert "1 without a camera yet" in page
    assert "<b>1<i>/2</i></b>" in page, "one of the two cameras that are watched is online"
    assert page.index("/provinces/2021-30") < page.index("/provinces/2021-93"), "the one in trouble comes first"
    troubled = page[page.index('id="troubled"') :]
    assert f"/facilities/{lost}" in troubled
    assert "no answer" in troubled
    assert f"/facilities/{connected}" not in troubled
    assert "Provinces without any facility: 61" in page


async def test_a_list_is_searched_filtered_and_paged(application_on_each: Application) -> None:
    application = application_on_each
    await many_facilities(application, 120)
    other = await register_facility(application, "HG-001", "93", name="Trường Cao đẳng Hậu Giang")
    visitor = await visitor_of(application, Role.INTEGRATOR)
    seen: list[str] = []
    path: str | None = "/provinces/2021-27"
    while path is not None:
        page = await visitor.page(path)
        seen += re.findall(r'class="code">(BN-\d+)<', page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        path = following[1] if following else None
    assert len(seen) == len(set(seen)) == 120
    assert str(other) not in await visitor.page("/provinces/2021-27")
    assert f"/facilities/{other}" in await visitor.page("/facilities?q=hau+giang")
    only = await visitor.page("/facilities?state=disconnected")
    assert len(re.findall(r'class="pill tone-down"', only)) == 20
    assert "No facility fits." in await visitor.page("/facilities?q=nirgendwo")


async def test_a_facility_is_shown_with_why_its_cameras_and_its_way(application_on_each: Application) -> None:
    application = application_on_each
    facility = await register_facility(
        application, "HG-001", "93", name="Khu cách ly <b>số 1</b>", contact_name="Nguyễn Thị Mai"
    )
    gate = await register_camera(application, facility, "10.20.0.5", name="Cổng chính")
    yard = await register_camera(application, facility, "10.20.0.6", name="Sân", zone="yard")
    await conclude_camera(application, facility, gate, Condition.ONLINE, Rung.PICTURE)
    await conclude_camera(application, facility, yard, Condition.DEGRADED, Rung.FRAMES, "frozen")
    await conclude_facility(application, facility, State.DEGRADED, "frozen")
    operator = await application.client_of(Role.OPERATOR)
    obstacle = {"code": "no_line", "owner": "VNPT Hậu Giang", "due": "2099-01-01"}
    assert (await operator.post(f"/v1/facilities/{facility}/obstacles", json=obstacle)).status_code == 201
    plan = {
        "kind": "reuse",
        "zones": ["gate", "sampling"],
        "line": "internet",
        "due": "2099-01-01",
        "agreed_by": ["facility", "so_tttt", "enterprise"],
    }
    assert (await operator.post(f"/v1/facilities/{facility}/plan", json=plan)).status_code == 201
    visitor = await visitor_of(application, Role.MONITOR)
    answer = await visitor.get(f"/facilities/{facility}")
    assert "Khu cách ly &lt;b&gt;số 1&lt;/b&gt;" in answer.text, "names are escaped"
    page = await visitor.page(f"/facilities/{facility}")
    assert "Restart the camera." in page
    assert f'(<a href="/cameras/{yard}">Sân</a>)' in page
    assert "1 of 2 cameras online" in page
    assert "Survey blocked" in page
    assert "VNPT Hậu Giang" in page
    assert "1 Jan 2099" in page
    zones = page[page.index('id="zones-title"') : page.index('id="contact-title"')]
    assert "Gate" in zones
    assert "no camera" in zones
    assert ZONE_NAMES_YARD not in zones


ZONE_NAMES_YARD = next(text.en for zone, text in ZONE_NAMES.items() if zone == "yard").capitalize()


async def test_a_camera_is_shown_with_its_ladder_and_without_secrets(application_on_each: Application) -> None:
    application = application_on_each
    facility = await register_facility(application, "HG-001")
    login = {"username": "admin-geheim", "password": "passwort-geheim"}
    camera = await register_camera(application, facility, "10.20.0.5:8554", credentials=login)
    await conclude_camera(application, facility, camera, Condition.OFFLINE, Rung.ANSWERING, "auth_failed", "clock_skew")
    page = await (await visitor_of(application, Role.OPERATOR)).page(f"/cameras/{camera}")
    ladder = page[page.index('class="ladder"') :]
    assert ladder.count("is-reached") == 2
    assert ladder.count("is-stopped") == 1
    assert "enter the right ones" in page
    assert page.index("Wrong password") < page.index("Clock wrong")
    assert "rtsp://10.20.0.5:8554/main" in page
    assert "geheim" not in page


async def test_the_progress_report_is_a_workbook_of_the_same_scope(application: Application) -> None:
    await register_facility(application, "HG-001", "93")
    visitor = await visitor_of(application, Role.MONITOR, "2021-93")
    answer = await visitor.get("/reports/progress.xlsx")
    assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
    assert answer.content.startswith(b"PK")
    assert re.fullmatch(r'attachment; filename="vong-gac-\d{4}-\d\d-\d\d.xlsx"', answer.headers["content-disposition"])
    assert (await visitor.get("/reports/progress.xlsx?unit=nonsense")).status_code == 404


async def all_pages(application: Application) -> list[str]:
    facility = await register_facility(application, "HG-001")
    camera = await register_camera(application, facility, "10.20.0.5")
    await conclude_camera(application, facility, camera, Condition.DEGRADED, Rung.FRAMES, "frozen", "clock_skew")
    await conclude_facility(application, facility, State.DEGRADED, "frozen")
    return ["/", "/facilities", "/provinces/2021-93", f"/facilities/{facility}", f"/cameras/{camera}", "/nowhere"]


@pytest.mark.parametrize(("language", "word"), [("en", "Sign out"), ("vi", "Đăng xuất")])
async def test_every_page_is_in_the_language_of_the_reader(application: Application, language: str, word: str) -> None:
    paths = await all_pages(application)
    visitor = await visitor_of(application, Role.OPERATOR, Accept_Language="fr")
    answer = await visitor.get(f"/language?to={language}&next=/facilities")
    assert (answer.status_code, answer.headers["location"]) == (303, "/facilities")
    for path in paths:
        page = (await visitor.get(path)).text
        assert f'<html lang="{language}">' in page
        assert word in page
        assert page.count("Đăng xuất") + page.count("Sign out") == 1


async def test_a_language_link_never_leads_away_and_takes_only_our_languages(application: Application) -> None:
    answer = await Visitor(application).get("/language?to=xx&next=//evil.example")
    assert answer.headers["location"] == "/"
    assert "set-cookie" not in answer.headers


async def test_every_page_has_strict_headers_and_nothing_inline(application: Application) -> None:
    paths = await all_pages(application)
    visitor = await visitor_of(application, Role.OPERATOR)
    for path in [*paths, "/sign-in"]:
        answer = await visitor.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", answer.text), path
        for address in re.findall(r'(?:src|href)="([^"]*)"', answer.text):
            assert address.startswith(("/", "#", "tel:", "mailto:")), address
            assert not address.startswith("//"), address


async def test_static_files_are_kept_for_ever_under_an_address_of_their_content(application: Application) -> None:
    visitor = Visitor(application)
    page = (await visitor.get("/sign-in")).text
    addresses = re.findall(r'"(/static/[^"]+)"', page)
    assert len(addresses) == 2
    for address in addresses:
        answer = await visitor.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert (await visitor.get("/static/console.css")).status_code == 404
    for path in ("/static/..%2Fpages.py", "/static/../pages.py", "/static/%2e%2e/pages.py"):
        assert (await visitor.get(path)).status_code in {303, 404}, path


async def test_the_number_of_questions_does_not_grow_with_the_number_of_rows(application: Application) -> None:
    visitor = await visitor_of(application, Role.OPERATOR)
    facility = await register_facility(application, "HG-001")
    first = await register_camera(application, facility, "10.20.0.5")
    paths = {"/": 8, "/facilities": 6, "/provinces/2021-27": 6, f"/facilities/{facility}": 30, f"/cameras/{first}": 9}

    async def counts() -> dict[str, int]:
        await until_quiet(application)
        found = {}
        for path in paths:
            with counted_statements(application) as sent:
                await visitor.page(path)
            found[path] = len(sent)
        return found

    few = await counts()
    await many_facilities(application, 60)
    for index in range(6, 18):
        await register_camera(application, facility, f"10.20.0.{index}")
    many = await counts()
    assert many == few
    for path, most in paths.items():
        assert many[path] <= most, (path, many[path])


async def test_a_province_of_500_facilities_is_rendered_at_once(application: Application) -> None:
    await many_facilities(application, 500)
    visitor = await visitor_of(application, Role.MONITOR)
    await visitor.page("/provinces/2021-27")
    took = []
    for path in ("/provinces/2021-27", "/provinces/2021-27?q=truong+quan", "/"):
        started = time.perf_counter()
        page = await visitor.page(path)
        took.append(time.perf_counter() - started)
        assert len(page.encode()) < 80_000, path
    assert max(took) < 0.3, took


async def test_a_fault_of_ours_is_a_page_that_tells_nothing_of_it(application: Application) -> None:
    visitor = await visitor_of(application, Role.OPERATOR)
    facility = await register_facility(application, "HG-001")
    await conclude_facility(application, facility, State.DISCONNECTED, "timeout")
    async with application.database.write() as session:
        await session.execute(text("UPDATE facility_state SET reasons = '[\"no such reason\"]'"))
    answer = await visitor.get("/")
    assert answer.status_code == 500
    assert "it was logged" in answer.text
    assert "no such reason" not in answer.text
