"""The token of WS-Security."""

import base64
from datetime import UTC, datetime, timedelta, timezone

from lxml import etree  # type: ignore[import-untyped]  # lxml has no stubs of its own

from services.ingest.onvif.wsse import signed

ENVELOPE = etree.fromstring(
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><a/></s:Body></s:Envelope>'
)
# The worked example of the ONVIF Application Programmer's Guide.
NONCE = base64.b64decode("LKqI6G/AikKCQrN0zqZFlg==")
CREATED = datetime(2010, 9, 16, 7, 50, 45, tzinfo=UTC)
DIGEST = "tuOSpGlFlIXsozq4HFNeeGeFLEI="


def text(
    name: str, *, username: str = "user", password: str = "userpassword", created: datetime = CREATED
) -> str | None:
    document = signed(ENVELOPE, username=username, password=password, created=created, nonce=NONCE)
    found = document.xpath(f"//*[local-name()='{name}']")
    assert len(found) == 1
    value: str | None = found[0].text
    return value


def test_the_digest_is_that_of_the_programmers_guide() -> None:
    assert text("Password") == DIGEST
    assert text("Nonce") == "LKqI6G/AikKCQrN0zqZFlg=="
    assert text("Username") == "user"


def test_quirks_4_and_5_created_ends_in_z_and_has_no_fractions() -> None:
    """home-assistant/core pull request 37750 (Amcrest), lumeohq/onvif-rs issue 114 (Hikvision)."""
    assert text("Created") == "2010-09-16T07:50:45Z"
    local = CREATED.astimezone(timezone(timedelta(hours=7))) + timedelta(microseconds=999)
    assert text("Created", created=local) == "2010-09-16T07:50:45Z"


def test_quirk_9_no_prefix_stands_before_the_security_elements() -> None:
    """IOTechSystems/onvif issue 28: Bosch DINION IP 7000 HD and Hanwha XNZ-L6320 refuse "wsse:"."""
    written = etree.tostring(signed(ENVELOPE, username="u", password="p", created=CREATED, nonce=NONCE)).decode()
    assert "wsse:" not in written
    assert "wsu:" not in written
    assert "<Security xmlns=" in written
    assert 'xmlns=""' not in written


def test_quirk_9_the_other_form_has_the_prefixes_of_most_toolkits() -> None:
    """The same token, for devices that look for these letters."""
    document = signed(ENVELOPE, username="u", password="p", created=CREATED, nonce=NONCE, prefixed=True)
    written = etree.tostring(document).decode()
    for name in ("wsse:Security", "wsse:UsernameToken", "wsse:Username", "wsse:Password", "wsse:Nonce", "wsu:Created"):
        assert f"<{name}" in written
    bare = signed(ENVELOPE, username="u", password="p", created=CREATED, nonce=NONCE)
    assert [element.tag for element in document.iter()] == [element.tag for element in bare.iter()]


def test_user_names_with_markup_are_escaped() -> None:
    assert text("Username", username="a&b<c>") == "a&b<c>"


def test_the_envelope_that_was_given_stays_as_it_was() -> None:
    before = etree.tostring(ENVELOPE)
    signed(ENVELOPE, username="u", password="p", created=CREATED, nonce=NONCE)
    assert etree.tostring(ENVELOPE) == before
