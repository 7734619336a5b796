"""WS-Security as a simulated device checks it."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from services.simulator.wsse import TokenJudge, UsernameToken

NOW = datetime(2021, 5, 28, 8, 0, tzinfo=UTC)
DIGEST = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"


def token(
    *,
    password: str = "secret",
    nonce: bytes = b"0123456789abcdef",
    created: str = "2021-05-28T08:00:00Z",
    kind: str = DIGEST,
) -> UsernameToken:
    proof = base64.b64encode(hashlib.sha1(nonce + created.encode() + password.encode()).digest()).decode()
    return UsernameToken("operator", proof, kind, base64.b64encode(nonce).decode(), created)


def accepts(judge: TokenJudge, given: UsernameToken, now: datetime = NOW) -> bool:
    return judge.accepts(given, username="operator", password="secret", now=now)


@pytest.mark.parametrize("created", ["2021-05-28T08:00:00Z", "2021-05-28T08:00:59.5Z", "2021-05-28T08:00:00+00:00"])
def test_a_fresh_token_with_the_right_password_is_accepted(created: str) -> None:
    assert accepts(TokenJudge(), token(created=created))


def test_a_token_is_accepted_only_once() -> None:
    judge = TokenJudge()
    assert accepts(judge, token())
    assert not accepts(judge, token())
    assert accepts(judge, token(nonce=b"another nonce 00"))


def test_a_refused_token_does_not_use_up_its_nonce() -> None:
    judge = TokenJudge()
    assert not accepts(judge, token(password="wrong"))
    assert accepts(judge, token())


@pytest.mark.parametrize("minutes", [-2, 2])
def test_a_token_is_judged_by_the_clock_of_the_device(minutes: int) -> None:
    assert not accepts(TokenJudge(), token(), NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    "given",
    [
        token(password="wrong"),
        token(created="yesterday"),
        token(created="2021-05-28T08:00:00"),
        token(created=""),
        token(kind="http://example.org#PasswordText"),
        UsernameToken("operator", "secret", DIGEST, "not base64!", "2021-05-28T08:00:00Z"),
        UsernameToken("", "", "", "", ""),
    ],
)
def test_everything_else_is_refused(given: UsernameToken) -> None:
    assert not accepts(TokenJudge(), given)
