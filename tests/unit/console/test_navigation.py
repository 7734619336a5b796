"""Nobody is led away from the console by a link to its sign-in."""

import pytest

from services.console.navigation import safe_next, safe_path, with_next


@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "/\t/evil.example/",
        "/\n/evil.example/",
        " /facilities",
        "/facilities ",
        "javascript:alert(1)",
        "facilities",
        "http:/facilities",
        "/facilities\r\nSet-Cookie: a=b",
        "/cơ-sở",
        "/" + "x" * 2000,
        "/\x00",
        "//[",
    ],
)
def test_a_target_that_might_lead_elsewhere_becomes_the_overview(target: str | None) -> None:
    assert safe_next(target) == "/"
    assert safe_path(target) == "/"


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/facilities?state=disconnected&q=h%E1%BA%ADu",
        "/provinces/2021-93",
        "/cameras/01a20e5c-bc59-72db-b551-ba4b33ceb44c",
        "/facilities?next=https://evil.example/",
    ],
)
def test_a_path_of_this_site_is_kept(target: str) -> None:
    assert safe_next(target) == target


@pytest.mark.parametrize("target", ["/sign-in", "/sign-in?next=/x", "/sign-out", "/language?to=vi"])
def test_signing_in_never_leads_back_to_the_door(target: str) -> None:
    assert safe_next(target) == "/"
    assert safe_path(target) == target


def test_the_target_stands_whole_in_the_address_of_the_sign_in() -> None:
    assert with_next("/sign-in", "/") == "/sign-in"
    assert with_next("/sign-in", "/facilities?q=a&state=b") == "/sign-in?next=/facilities%3Fq%3Da%26state%3Db"
