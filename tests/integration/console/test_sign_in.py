"""Signing in and out: cookies, forged forms, wrong keys, too many of them."""

from pathlib import Path

import pytest

from services.access.roles import Role
from services.contracts.scope import EVERYWHERE
from tests.harness.application import Application, running_application
from tests.harness.console import Visitor, hidden, visitor_of

COOKIE = "vonggac_session"


def cookie_line(answer_headers: list[str], name: str) -> str:
    return next(line for line in answer_headers if line.startswith(f"{name}="))


async def test_a_right_key_opens_a_session_and_leads_on(application: Application) -> None:
    visitor = Visitor(application)
    answer = await visitor.sign_in(await application.key(Role.MONITOR), "/facilities?state=unknown&q=a")
    assert (answer.status_code, answer.headers["location"]) == (303, "/facilities?state=unknown&q=a")
    assert (await visitor.get("/")).status_code == 200


async def test_the_session_cookie_is_kept_from_scripts_and_other_sites(application: Application) -> None:
    key = await application.key(Role.OPERATOR)
    answer = await Visitor(application).sign_in(key)
    line = cookie_line(answer.headers.get_list("set-cookie"), COOKIE)
    attributes = {part.strip().lower() for part in line.split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/"} <= attributes
    assert "max-age=28800" in attributes
    assert not any(part.startswith("domain") for part in attributes)
    assert key not in line


async def test_behind_tls_cookies_are_bound_to_the_host(sqlite_url: str, tmp_path: Path) -> None:
    async with running_application(sqlite_url, tmp_path, tls_terminated=True) as application:
        visitor = Visitor(application, "https://testserver")
        answer = await visitor.sign_in(await application.key(Role.OPERATOR))
        lines = answer.headers.get_list("set-cookie")
        assert "; secure" in cookie_line(lines, f"__Host-{COOKIE}").lower()
        assert all(line.startswith("__Host-") for line in lines)
        assert (await visitor.get("/")).status_code == 200


async def test_without_a_session_every_page_leads_to_the_sign_in_and_back(application: Application) -> None:
    visitor = Visitor(application)
    for path in ("/", "/facilities?q=a", "/provinces/2021-93", "/reports/progress.xlsx"):
        answer = await visitor.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")
    assert (await visitor.get("/facilities?q=a")).headers["location"] == "/sign-in?next=/facilities%3Fq%3Da"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "/sign-out"])
async def test_signing_in_never_leads_away(application: Application, target: str) -> None:
    answer = await Visitor(application).sign_in(await application.key(Role.MONITOR), target)
    assert answer.headers["location"] == "/"


async def test_the_target_is_checked_again_when_the_form_comes_back(application: Application) -> None:
    visitor = Visitor(application)
    page = await visitor.get("/sign-in")
    fields = {"csrf": hidden(page.text, "csrf"), "key": await application.key(Role.MONITOR), "next": "//evil.example"}
    assert (await visitor.client.post("/sign-in", data=fields)).headers["location"] == "/"


@pytest.mark.parametrize("key", ["", "vg_", "vg_aaaaaaaa_" + "a" * 43, "x" * 5000, "vg_ẫ"])
async def test_a_wrong_key_is_refused_with_one_sentence_and_no_session(application: Application, key: str) -> None:
    visitor = Visitor(application)
    answer = await visitor.sign_in(key)
    assert answer.status_code == 401
    assert "This key is not accepted" in answer.text
    assert COOKIE not in visitor.client.cookies
    assert key not in answer.text or not key or key == "vg_"


async def test_the_key_of_a_worker_is_refused_and_told_why(application: Application) -> None:
    visitor = Visitor(application)
    answer = await visitor.sign_in(await application.key(Role.WORKER))
    assert answer.status_code == 403
    assert "workers have no pages" in answer.text
    assert COOKIE not in visitor.client.cookies


async def test_a_sign_in_form_without_our_token_is_refused(application: Application) -> None:
    key = await application.key(Role.OPERATOR)
    visitor = Visitor(application)
    assert (await visitor.client.post("/sign-in", data={"key": key})).status_code == 403
    await visitor.get("/sign-in")
    assert (await visitor.client.post("/sign-in", data={"key": key, "csrf": "guessed"})).status_code == 403
    assert (await visitor.client.post("/sign-in", data={"key": key, "csrf": ""})).status_code == 403
    assert COOKIE not in visitor.client.cookies


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
    ],
)
async def test_a_form_from_another_site_is_refused_even_with_the_token(
    application: Application, headers: dict[str, str]
) -> None:
    visitor = Visitor(application)
    answer = await visitor.sign_in(await application.key(Role.OPERATOR), **headers)
    assert answer.status_code == 403
    assert COOKIE not in visitor.client.cookies


@pytest.mark.parametrize("headers", [{"Sec_Fetch_Site": "same-origin"}, {"Origin": "http://testserver"}])
async def test_a_form_from_our_own_page_is_taken(application: Application, headers: dict[str, str]) -> None:
    assert (await Visitor(application).sign_in(await application.key(Role.OPERATOR), **headers)).status_code == 303


async def test_a_body_that_is_no_form_is_refused(application: Application) -> None:
    client = Visitor(application).client
    assert (await client.post("/sign-in", json={"key": "a"})).status_code == 422
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await client.post("/sign-in", content=b"key=" + b"a" * 20_000, headers=form)).status_code == 422
    assert (await client.post("/sign-in", content=b"\xff\xfe", headers=form)).status_code == 422
    assert (await client.post("/sign-in", content=b"a=1&" * 100, headers=form)).status_code == 422


async def test_after_some_wrong_keys_even_a_right_one_must_wait(application: Application) -> None:
    visitor = Visitor(application)
    for _ in range(5):
        assert (await visitor.sign_in("wrong")).status_code == 401
    answer = await visitor.sign_in(await application.key(Role.OPERATOR))
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 20
    assert "Too many attempts" in answer.text


async def test_signing_out_ends_the_session_everywhere(application: Application) -> None:
    visitor = await visitor_of(application, Role.MONITOR)
    cookie = visitor.client.cookies[COOKIE]
    answer = await visitor.client.post("/sign-out", data={"csrf": await visitor.csrf()})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    visitor.client.cookies.set(COOKIE, cookie)
    assert (await visitor.get("/")).status_code == 303


async def test_a_forged_sign_out_is_refused(application: Application) -> None:
    visitor = await visitor_of(application, Role.MONITOR)
    token = await visitor.csrf()
    assert (await visitor.client.post("/sign-out", data={"token": token})).status_code == 403
    assert (await visitor.client.post("/sign-out", data={"csrf": "guessed"})).status_code == 403
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert (await visitor.client.post("/sign-out", data={"csrf": token}, headers=foreign)).status_code == 403
    assert (await visitor.get("/")).status_code == 200


async def test_the_token_of_one_session_is_worth_nothing_in_another(application: Application) -> None:
    first, second = await visitor_of(application, Role.MONITOR), await visitor_of(application, Role.MONITOR)
    answer = await second.client.post("/sign-out", data={"csrf": await first.csrf()})
    assert answer.status_code == 403


async def test_signing_in_anew_ends_the_session_before(application: Application) -> None:
    visitor = await visitor_of(application, Role.MONITOR)
    before = visitor.client.cookies[COOKIE]
    await visitor.sign_in(await application.key(Role.OPERATOR))
    other = Visitor(application)
    other.client.cookies.set(COOKIE, before)
    assert (await other.get("/")).status_code == 303


async def test_a_revoked_key_closes_the_pages_at_once(application: Application) -> None:
    row, key = await application.keys.create("soon gone", Role.MONITOR, [])
    visitor = Visitor(application)
    await visitor.sign_in(key)
    assert (await visitor.get("/")).status_code == 200
    await application.keys.revoke(EVERYWHERE, row.id, revoked_by=None)
    assert (await visitor.get("/")).status_code == 303


async def test_a_link_from_another_site_is_asked_for_again_by_a_page_of_ours(application: Application) -> None:
    """Browsers keep SameSite=Strict cookies back on such a navigation, so nobody is signed out by a link in a mail."""
    visitor = Visitor(application)
    answer = await visitor.get("/facilities?q=a", Sec_Fetch_Site="cross-site")
    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0">' in answer.text
    assert (await visitor.get("/facilities?q=a", Sec_Fetch_Site="same-origin")).status_code == 303


async def test_a_key_opens_no_page_as_a_bearer_token(application: Application) -> None:
    client = await application.client_of(Role.OPERATOR)
    assert (await client.get("/", headers={"Accept": "text/html"})).status_code == 303


async def test_a_session_opens_no_route_of_the_api(application: Application) -> None:
    visitor = await visitor_of(application, Role.OPERATOR)
    assert (await visitor.get("/v1/facilities")).status_code == 401
