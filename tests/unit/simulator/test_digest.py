"""Digest authentication as a simulated device demands it. The expected values of RFC 7616 section 3.9.1 are its own."""

import hashlib
from dataclasses import dataclass

import pytest

from services.simulator.digest import DigestAlgorithm, DigestGuard, DigestPolicy, Verdict

MD5, SHA256 = DigestAlgorithm.MD5, DigestAlgorithm.SHA256
URI = "rtsp://127.0.0.1:554/main"


@dataclass
class Hand:
    """A monotonic clock moved by the test."""

    at: float = 1000.0

    def __call__(self) -> float:
        return self.at


def guard(*algorithms: DigestAlgorithm, qop: bool = True, hand: Hand | None = None) -> DigestGuard:
    policy = DigestPolicy("yard", algorithms or (MD5,), qop=qop, nonce_lifetime_s=60)
    return DigestGuard(policy, hand or Hand())


def nonce_of(challenge: str) -> str:
    return challenge.split('nonce="')[1].split('"', maxsplit=1)[0]


def digest(algorithm: DigestAlgorithm, text: str) -> str:
    return hashlib.new("md5" if algorithm is MD5 else "sha256", text.encode()).hexdigest()


def header(
    challenge: str, *, algorithm: DigestAlgorithm = MD5, password: str = "secret", qop: bool = True, **other: str
) -> str:
    fields = {"username": "operator", "realm": "yard", "nonce": nonce_of(challenge), "uri": URI} | other
    secret = digest(algorithm, f"operator:yard:{password}")
    middle = f"{fields['nonce']}:00000001:abc:auth" if qop else fields["nonce"]
    fields["response"] = digest(algorithm, f"{secret}:{middle}:{digest(algorithm, f'DESCRIBE:{URI}')}")
    text = ", ".join(f'{name}="{value}"' for name, value in fields.items())
    counted = ', qop=auth, nc=00000001, cnonce="abc"' if qop else ""
    return f"Digest {text}, algorithm={algorithm.value}{counted}"


def judge(subject: DigestGuard, authorization: str | None, uri: str = URI) -> Verdict:
    return subject.judge(authorization, method="DESCRIBE", uri=uri, username="operator", password="secret")


@pytest.mark.parametrize("algorithm", [MD5, SHA256])
@pytest.mark.parametrize("qop", [True, False])
def test_the_right_password_is_accepted_in_every_form(algorithm: DigestAlgorithm, qop: bool) -> None:
    subject = guard(algorithm, qop=qop)
    (challenge,) = subject.challenges()
    assert judge(subject, header(challenge, algorithm=algorithm, qop=qop)) is Verdict.ACCEPTED


def test_the_older_form_is_accepted_although_qop_was_offered() -> None:
    subject = guard(qop=True)
    assert judge(subject, header(subject.challenges()[0], qop=False)) is Verdict.ACCEPTED


def test_no_credentials_are_missing_and_not_refused() -> None:
    assert judge(guard(), None) is Verdict.MISSING


@pytest.mark.parametrize(
    "change",
    [
        {"password": "wrong"},
        {"username": "somebody"},
        {"realm": "elsewhere"},
        {"uri": "rtsp://127.0.0.1:554/sub"},
        {"nonce": "0.0.0"},
        {"nonce": ""},
        {"algorithm": SHA256},
    ],
)
def test_one_wrong_part_is_refused(change: dict[str, str]) -> None:
    subject = guard()
    assert judge(subject, header(subject.challenges()[0], **change)) is Verdict.REFUSED  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "Digest", "Basic b3BlcmF0b3I6c2VjcmV0", "Digest algorithm=SHA-512", "\0" * 50])
def test_nonsense_is_refused(text: str) -> None:
    assert judge(guard(), text) is Verdict.REFUSED


def test_the_answer_to_another_device_s_challenge_is_refused() -> None:
    assert judge(guard(), header(guard().challenges()[0])) is Verdict.REFUSED


def test_an_old_nonce_is_stale_if_the_password_was_right_and_a_new_one_is_accepted() -> None:
    hand = Hand()
    subject = guard(hand=hand)
    old = subject.challenges()[0]
    hand.at += 61
    assert judge(subject, header(old)) is Verdict.STALE
    assert judge(subject, header(old, password="wrong")) is Verdict.REFUSED
    (fresh,) = subject.challenges(stale=True)
    assert "stale=true" in fresh
    assert judge(subject, header(fresh)) is Verdict.ACCEPTED


def test_the_strongest_hash_is_offered_first() -> None:
    first, second = guard(MD5, SHA256).challenges()
    assert "algorithm=SHA-256" in first
    assert "algorithm=MD5" in second
