"""A real browser: Debian's Chromium, driven by Playwright, with an ear for everything it complains about."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright

from tests.harness.server_process import find_program

#: No call home, no sandbox (tests run as root), no GPU.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_TIMEOUT_MS = 15_000

#: Violations of the content security policy are events of the document; the page tells us by name.
_REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violated: ${event.effectiveDirective} ${event.blockedURI}`));
"""


@dataclass
class Seen:
    """What a browser complained about, and where it went."""

    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    program = find_program("chromium", "chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=_FLAGS, headless=True)
        try:
            yield browser
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def new_page(browser: Browser, **options: Any) -> AsyncIterator[tuple[Page, Seen]]:
    """A page with cookies of its own. ``options`` are those of ``Browser.new_context``."""
    context: BrowserContext = await browser.new_context(**{"locale": "en-GB", **options})
    context.set_default_timeout(_TIMEOUT_MS)
    await context.add_init_script(_REPORT_VIOLATIONS)
    page, seen = await context.new_page(), Seen()

    def heard(message: Any) -> None:
        if message.type in {"error", "warning"}:
            seen.complaints.append(message.text)

    def sent(request: Request) -> None:
        seen.requests.append(request.url)

    def failed(error: Exception) -> None:
        seen.complaints.append(str(error))

    page.on("console", heard)
    page.on("pageerror", failed)
    page.on("request", sent)
    try:
        yield page, seen
    finally:
        await context.close()


async def sign_in(page: Page, url: str, key: str, target: str = "/") -> None:
    """Through the form, as a person does."""
    await page.goto(url + target)
    await page.fill("#key", key)
    await page.press("#key", "Enter")
    await page.wait_for_url(url + target)
