"""Tokens of live links and of the views they open."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from services.contracts.ids import new_id
from services.live.tokens import LinkRefused, Pass, TokenSigner, Use

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
CAMERA = new_id()
SIGNER = TokenSigner({"k1": b"1" * 32})


def permit(use: Use = Use.LINK, seconds: int = 60) -> Pass:
    return Pass(use, new_id(), new_id(), CAMERA, NOW + timedelta(seconds=seconds))


def test_a_token_says_what_it_was_signed_with() -> None:
    given = permit()
    assert SIGNER.verify(SIGNER.sign(given), Use.LINK, CAMERA, NOW) == given


def test_a_token_ends_at_its_second() -> None:
    token = SIGNER.sign(permit(seconds=60))
    SIGNER.verify(token, Use.LINK, CAMERA, NOW + timedelta(seconds=59))
    with pytest.raises(LinkRefused):
        SIGNER.verify(token, Use.LINK, CAMERA, NOW + timedelta(seconds=60))


def test_a_token_is_for_one_use_and_one_camera() -> None:
    token = SIGNER.sign(permit())
    with pytest.raises(LinkRefused):
        SIGNER.verify(token, Use.SESSION, CAMERA, NOW)
    with pytest.raises(LinkRefused):
        SIGNER.verify(token, Use.LINK, new_id(), NOW)


def test_a_token_of_an_older_key_is_good_and_one_of_a_foreign_key_is_not() -> None:
    old, both = TokenSigner({"k1": b"1" * 32}), TokenSigner({"k1": b"1" * 32, "k2": b"2" * 32})
    both.verify(old.sign(permit()), Use.LINK, CAMERA, NOW)
    with pytest.raises(LinkRefused):
        TokenSigner({"k1": b"x" * 32}).verify(old.sign(permit()), Use.LINK, CAMERA, NOW)
    with pytest.raises(LinkRefused):
        old.verify(both.sign(permit()), Use.LINK, CAMERA, NOW)


def forge(token: str, header: dict[str, str] | None = None, **claims: object) -> str:
    """The token with other contents and the old signature."""
    parts = token.split(".")

    def read(part: str) -> dict[str, object]:
        decoded: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return decoded

    def write(value: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return ".".join((write(read(parts[0]) | (header or {})), write(read(parts[1]) | claims), parts[2]))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: forge(token, exp=4102444800),
        lambda token: forge(token, cam=str(new_id())),
        lambda token: forge(token, {"alg": "none"}),
        lambda token: forge(token, {"alg": "none"}).rsplit(".", 1)[0] + ".",
        lambda token: forge(token, {"alg": "HS512"}),
        lambda token: token[:-2] + ("AA" if not token.endswith("AA") else "BB"),
        lambda token: token.rsplit(".", 1)[0],
        lambda _: "",
        lambda _: "a.b.c",
        lambda _: "\u00e9",
    ],
)
def test_what_was_altered_is_refused(spoil) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(LinkRefused):
        SIGNER.verify(spoil(SIGNER.sign(permit())), Use.LINK, CAMERA, NOW)
