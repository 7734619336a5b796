"""The console as people use it: a real browser, real cameras of the simulator, no trace of an error."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.harness.browser import Seen, new_page, sign_in
from tests.harness.demo import Demo

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

SITE = "HG-001"
H264, H265 = "camera-1", "camera-2"


def camera_page(demo: Demo, name: str) -> str:
    """Path of the page of a simulated camera; the demo puts its name in brackets."""
    cameras = demo.get(f"/v1/cameras?facility_id={demo.facility_id(SITE)}")["items"]
    return "/cameras/" + next(str(camera["id"]) for camera in cameras if f"({name})" in camera["name"])


def all_paths(demo: Demo) -> list[str]:
    return ["/", "/facilities", "/provinces/2021-93", f"/facilities/{demo.facility_id(SITE)}", camera_page(demo, H264)]


def assert_stayed_at_home(seen: Seen, demo: Demo) -> None:
    assert seen.complaints == []
    assert [url for url in seen.requests if not url.startswith((f"{demo.url}/", f"blob:{demo.url}/"))] == []


async def playing_s(page: Page) -> float:
    seconds: float = await page.eval_on_selector("video", "video => video.hidden ? 0 : video.currentTime")
    return seconds


async def until_playing(page: Page, beyond_s: float, timeout_ms: float = 20_000) -> None:
    await page.wait_for_function(
        "s => { const v = document.querySelector('video'); return !v.hidden && v.currentTime > s; }",
        arg=beyond_s,
        timeout=timeout_ms,
    )


async def test_somebody_signs_in_and_walks_through_every_page_in_both_languages(browser: Browser, demo: Demo) -> None:
    async with new_page(browser) as (page, seen):
        await sign_in(page, demo.url, demo.key)
        cookie = next(one for one in await page.context.cookies() if one["name"] == "vonggac_session")
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
        await expect(page.locator(".tile")).to_have_count(6)
        await page.click("text=Hau Giang")
        await page.click("text=HG-001 >> xpath=..//a")
        await expect(page.locator(".card")).to_have_count(2)
        await expect(page.locator(".card img").first).to_have_js_property("complete", True)
        assert await page.eval_on_selector(".card img", "img => img.naturalWidth") > 0
        await page.click(f".card h3 >> text=({H264})")
        await expect(page.locator(".ladder li")).to_have_count(7)
        await page.click("text=Tiếng Việt")
        await expect(page.locator("html")).to_have_attribute("lang", "vi")
        assert page.url == demo.url + camera_page(demo, H264)
        for path in all_paths(demo):
            await page.goto(demo.url + path)
            await expect(page.locator("html")).to_have_attribute("lang", "vi")
            assert "Đăng xuất" in await page.inner_text("header")
        await page.click("text=Đăng xuất")
        await page.wait_for_url(f"{demo.url}/sign-in")
        await expect(page.locator("h1")).to_have_text("Đăng nhập")
        assert_stayed_at_home(seen, demo)


async def test_the_live_view_plays_and_keeps_playing(browser: Browser, demo: Demo) -> None:
    async with new_page(browser) as (page, seen):
        path = camera_page(demo, H264)
        await sign_in(page, demo.url, demo.key, path)
        await page.click("[data-live-for]")
        await until_playing(page, 2.0)
        shown = await page.eval_on_selector("video", "video => [video.videoWidth, video.videoHeight, video.muted]")
        assert shown == [640, 360, True]
        assert await page.inner_text(".view-note") == ""
        await expect(page.locator(".live-badge")).to_be_visible()
        await page.click("[data-live-for]")
        await expect(page.locator("video")).to_be_hidden()
        await expect(page.locator(".live-badge")).to_be_hidden()
        await expect(page.locator(".view img")).to_be_visible()
        await page.goto("about:blank")
        await page.goto(f"{demo.url}{path}#live")  # the address of a live button opens the view by itself
        await until_playing(page, 0.5)
        assert_stayed_at_home(seen, demo)


async def test_the_live_view_comes_back_after_an_interruption(browser: Browser, demo: Demo) -> None:
    async with new_page(browser) as (page, _):
        await sign_in(page, demo.url, demo.key, camera_page(demo, H264))
        await page.click("[data-live-for]")
        await until_playing(page, 1.0)
        await page.route(re.compile("/live/"), lambda route: route.abort())
        await expect(page.locator(".view-note")).to_contain_text("interrupted", timeout=10_000)
        await expect(page.locator("video")).to_be_hidden()
        await page.unroute_all()
        await until_playing(page, 1.0)
        assert await page.inner_text(".view-note") == ""


async def test_a_codec_that_the_browser_cannot_play_is_explained_beside_the_picture(
    browser: Browser, demo: Demo
) -> None:
    async with new_page(browser) as (page, seen):
        await sign_in(page, demo.url, demo.key, camera_page(demo, H265))
        await page.click("[data-live-for]")
        await expect(page.locator(".view-note")).to_contain_text("cannot play the camera's codec (H.265)")
        await expect(page.locator("video")).to_be_hidden()
        assert await page.eval_on_selector(".view img", "img => img.naturalWidth") > 0
        assert_stayed_at_home(seen, demo)


async def test_pages_refresh_in_place_and_leave_the_live_view_alone(browser: Browser, demo: Demo) -> None:
    async with new_page(browser) as (page, seen):
        await sign_in(page, demo.url, demo.key, f"/facilities/{demo.facility_id(SITE)}")
        await page.evaluate("globalThis.neverReloaded = true")
        await page.locator("[data-live-for]").first.click()
        await until_playing(page, 1.0)
        demo.set_fault(H265, "off")
        try:
            lost = page.locator(".card", has_text=f"({H265})").locator(".pill")
            await expect(lost).to_have_text("Offline", timeout=25_000)
            before = await playing_s(page)
            await until_playing(page, before + 1.0)
        finally:
            demo.set_fault(H265, "none")
        assert await page.evaluate("globalThis.neverReloaded") is True
        await expect(lost).not_to_have_text("Offline", timeout=25_000)
        assert_stayed_at_home(seen, demo)


async def test_a_page_says_when_the_centre_does_not_answer_and_when_it_does_again(browser: Browser, demo: Demo) -> None:
    async with new_page(browser) as (page, _):
        await sign_in(page, demo.url, demo.key, "/facilities")
        await page.context.set_offline(True)
        stale = page.locator("#as-of")
        await expect(stale).to_have_class(re.compile("is-stale"), timeout=15_000)
        await expect(stale).to_contain_text("The centre does not answer. What you see is of")
        await page.context.set_offline(False)
        await expect(stale).not_to_have_class(re.compile("is-stale"), timeout=15_000)
        await expect(stale).to_contain_text("As of")


async def test_everything_but_live_works_without_scripts(browser: Browser, demo: Demo) -> None:
    async with new_page(browser, java_script_enabled=False) as (page, _):
        await sign_in(page, demo.url, demo.key)
        for path in all_paths(demo):
            answer = await page.goto(demo.url + path)
            assert answer is not None
            assert answer.status == 200
        await expect(page.locator(".view img")).to_be_visible()
        # Playwright's switch stops scripts but lets the parser believe in them, so <noscript> is there and not shown.
        assert "The live view needs JavaScript." in await page.content()
        await page.click("text=Sign out")
        await page.wait_for_url(f"{demo.url}/sign-in")


async def test_an_integrator_sees_no_picture_and_is_told_why(browser: Browser, demo: Demo) -> None:
    async with new_page(browser) as (page, seen):
        await sign_in(page, demo.url, demo.new_key("integrator"), f"/facilities/{demo.facility_id(SITE)}")
        await expect(page.get_by_text("no pictures and no live view")).to_be_visible()
        await page.goto(demo.url + camera_page(demo, H264))
        await expect(page.get_by_text("no pictures and no live view")).to_be_visible()
        for never in ("img", "video", "[data-live-for]"):
            await expect(page.locator(f"main {never}")).to_have_count(0)
        assert not any("snapshot.jpg" in url for url in seen.requests)
        assert_stayed_at_home(seen, demo)


async def test_a_key_of_another_province_finds_nothing_of_this_one(browser: Browser, demo: Demo) -> None:
    async with new_page(browser) as (page, _):
        await sign_in(page, demo.url, demo.new_key("monitor", "30"))
        for path in all_paths(demo)[2:]:
            answer = await page.goto(demo.url + path)
            assert answer is not None
            assert answer.status == 404
            await expect(page.locator("h1")).to_contain_text("outside your provinces")


async def test_a_wrong_key_and_the_key_of_a_worker_are_told_apart(browser: Browser, demo: Demo) -> None:
    async with new_page(browser) as (page, _):
        await page.goto(f"{demo.url}/sign-in")
        for key, told in (("vg_wrong", "not accepted"), (demo.new_key("worker"), "workers have no pages")):
            await page.fill("#key", key)
            await page.click("button.primary")
            await expect(page.get_by_role("alert")).to_contain_text(told)


@pytest.mark.parametrize("width", [390, 768, 1366])
async def test_no_page_is_wider_than_the_screen(browser: Browser, demo: Demo, width: int) -> None:
    async with new_page(browser, viewport={"width": width, "height": 768}, locale="vi") as (page, _):
        await sign_in(page, demo.url, demo.key)
        for path in all_paths(demo):
            await page.goto(demo.url + path)
            wide = await page.evaluate(
                """() => [...document.querySelectorAll("main *, header *")]
                    .filter((one) => !one.closest(".hidden, .sprite, .skip, .state-word"))
                    .filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5)
                    .map((one) => one.outerHTML.slice(0, 80))"""
            )
            assert wide == [], path


async def test_the_keyboard_reaches_the_content_at_once(browser: Browser, demo: Demo) -> None:
    async with new_page(browser) as (page, _):
        await sign_in(page, demo.url, demo.key)
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.closest('main') !== null")
        outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
