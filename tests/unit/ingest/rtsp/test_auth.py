"""Answers to challenges: the right hash, the strongest scheme, nothing in the clear unless it is allowed."""

import base64
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.auth import HTTPDigestAuth

from services.contracts.camera import Credentials
from services.ingest.rtsp.auth import (
    Authorizer,
    AuthUnsupported,
    Challenge,
    digest_header,
    parse_challenges,
    strongest,
)

CREDENTIALS = Credentials(username="Mufasa", password="Circle of Life", version=1)
RFC_7616 = {
    "realm": "http-auth@example.org",
    "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    "qop": "auth, auth-int",
}


def parameters(header: str) -> dict[str, str]:
    """The parameters of an Authorization header, by the reader of challenges: the grammar is the same."""
    (read,) = parse_challenges([header])
    return dict(read.params)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616_come_out(algorithm: str, response: str) -> None:
    header = digest_header(
        Challenge("digest", {**RFC_7616, "algorithm": algorithm}),
        CREDENTIALS,
        method="GET",
        uri="/dir/index.html",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        count=1,
    )
    sent = parameters(header)
    assert sent["response"] == response
    assert (sent["qop"], sent["nc"], sent["algorithm"]) == ("auth", "00000001", algorithm)
    assert sent["opaque"] == RFC_7616["opaque"]


def test_the_example_of_rfc_2617_comes_out() -> None:
    header = digest_header(
        Challenge(
            "digest", {"realm": "testrealm@host.com", "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093", "qop": "auth"}
        ),
        Credentials(username="Mufasa", password="Circle Of Life", version=1),
        method="GET",
        uri="/dir/index.html",
        cnonce="0a4f113b",
        count=1,
    )
    assert parameters(header)["response"] == "6629fae49393a05397450978507c4ef1"
    assert "algorithm" not in parameters(header)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_without_qop_we_answer_as_requests_does(algorithm: str) -> None:
    challenge = {"realm": "cam", "nonce": "98481030", "algorithm": algorithm}
    theirs: Any = HTTPDigestAuth("admin", "p:ä")
    theirs.init_per_thread_state()
    theirs._thread_local.chal = challenge
    expected = parameters(str(theirs.build_digest_header("DESCRIBE", "http://cam/stream")))
    ours = parameters(
        digest_header(
            Challenge("digest", challenge),
            Credentials(username="admin", password="p:ä", version=1),
            method="DESCRIBE",
            uri="/stream",
            cnonce="c",
            count=1,
        )
    )
    assert ours["response"] == expected["response"]
    assert not {"qop", "nc", "cnonce"} & set(ours)


@pytest.mark.parametrize(("algorithm", "hash_name"), [("MD5-sess", "md5"), ("SHA-256-sess", "sha256")])
@pytest.mark.parametrize("qop", ["", "auth"])
def test_the_session_forms_hash_nonce_and_cnonce_into_the_secret(algorithm: str, hash_name: str, qop: str) -> None:
    def h(text: str) -> str:
        return hashlib.new(hash_name, text.encode()).hexdigest()

    secret = h(h("Mufasa:r:Circle of Life") + ":n:c")
    middle = "n:00000002:c:auth" if qop else "n"
    header = digest_header(
        Challenge("digest", {"realm": "r", "nonce": "n", "algorithm": algorithm, "qop": qop}),
        CREDENTIALS,
        method="PLAY",
        uri="rtsp://h/",
        cnonce="c",
        count=2,
    )
    assert parameters(header)["response"] == h(f"{secret}:{middle}:" + h("PLAY:rtsp://h/"))
    assert parameters(header)["cnonce"] == "c"


def test_a_realm_is_hashed_as_the_bytes_that_came_and_names_as_utf_8() -> None:
    realm = "Xin chào".encode()
    credentials = Credentials(username='quản "trị"', password="mật khẩu", version=1)
    header = digest_header(
        Challenge("digest", {"realm": realm.decode("latin-1"), "nonce": "n"}),
        credentials,
        method="DESCRIBE",
        uri="u",
        cnonce="",
        count=1,
    )
    secret = hashlib.md5(
        credentials.username.encode() + b":" + realm + b":" + credentials.password.encode()
    ).hexdigest()
    request = hashlib.md5(b"DESCRIBE:u").hexdigest()
    assert parameters(header)["response"] == hashlib.md5(f"{secret}:n:{request}".encode()).hexdigest()
    assert parameters(header)["username"].encode("latin-1") == credentials.username.encode()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(
            ['Digest realm="a, b", nonce="n"', 'Basic realm="c"'],
            [("digest", {"realm": "a, b", "nonce": "n"}), ("basic", {"realm": "c"})],
            id="two headers",
        ),
        pytest.param(
            ['Basic realm="c", Digest realm="a", nonce=n, algorithm=MD5, Digest nonce="m", algorithm="SHA-256"'],
            [
                ("basic", {"realm": "c"}),
                ("digest", {"realm": "a", "nonce": "n", "algorithm": "MD5"}),
                ("digest", {"nonce": "m", "algorithm": "SHA-256"}),
            ],
            id="three in one header",
        ),
        pytest.param(["Negotiate, Basic"], [("negotiate", {}), ("basic", {})], id="without parameters"),
        pytest.param(
            ['DIGEST Realm = "q\\"uote", NONCE="n" ; stale=TRUE'],
            [("digest", {"realm": 'q"uote', "nonce": "n", "stale": "TRUE"})],
            id="blanks, quotes, semicolons",
        ),
        pytest.param([""], [], id="nothing"),
        pytest.param(['realm="x"'], [], id="no scheme"),
    ],
)
def test_challenges_are_read_as_cameras_write_them(
    values: list[str], expected: list[tuple[str, dict[str, str]]]
) -> None:
    assert [(c.scheme, c.params) for c in parse_challenges(values)] == expected


@given(st.lists(st.text(max_size=80) | st.text('Digest nonce="\\=,; ', max_size=80), max_size=4))
def test_no_header_raises(values: list[str]) -> None:
    challenges = parse_challenges(values)
    try:
        chosen = strongest(challenges, allow_basic=True)
    except AuthUnsupported:
        return
    assert chosen in challenges


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ('Basic realm="r", Digest nonce="n", Digest nonce="m", algorithm=SHA-256', "SHA-256"),
        ('Digest nonce="n", algorithm=SHA-512-256, Digest nonce="m", algorithm=md5', "MD5"),
        ('Digest nonce="n", algorithm=MD5-sess', "MD5-SESS"),
        ('Digest nonce="n", qop="auth-int", Digest nonce="m", qop="auth,auth-int"', "MD5"),
    ],
)
def test_the_strongest_that_we_know_is_chosen(header: str, chosen: str) -> None:
    challenge = strongest(parse_challenges([header]), allow_basic=True)
    assert (challenge.scheme, challenge.algorithm) == ("digest", chosen)


@pytest.mark.parametrize(
    ("header", "offer"),
    [
        ('Digest nonce="n", algorithm=SHA-512-256', "digest SHA-512-256"),
        ('Digest nonce="n", qop="auth-int"', "digest  auth-int"),
        ('Digest realm="without nonce"', "digest"),
        ('Digest nonce=""', "digest"),
        ('Basic realm="r"', "basic"),
        ("", "nothing"),
    ],
)
def test_what_cannot_be_answered_is_said(header: str, offer: str) -> None:
    with pytest.raises(AuthUnsupported, match=f"offers {offer}$"):
        strongest(parse_challenges([header]), allow_basic=False)


def test_basic_is_sent_only_where_it_is_allowed() -> None:
    challenges = parse_challenges(['Basic realm="r"'])
    with pytest.raises(AuthUnsupported):
        Authorizer(CREDENTIALS).choose(challenges)
    authorizer = Authorizer(CREDENTIALS, allow_basic=True)
    authorizer.adopt(authorizer.choose(challenges))
    header = authorizer.header("DESCRIBE", "u")
    assert header == "Basic " + base64.b64encode(b"Mufasa:Circle of Life").decode()


def test_nothing_is_sent_before_a_challenge_or_without_credentials() -> None:
    assert Authorizer(CREDENTIALS).header("DESCRIBE", "u") is None
    authorizer = Authorizer(None)
    authorizer.adopt(Challenge("digest", {"nonce": "n"}))
    assert authorizer.header("DESCRIBE", "u") is None


def test_requests_are_counted_anew_for_each_nonce() -> None:
    authorizer = Authorizer(CREDENTIALS, make_cnonce=iter(["a", "b"]).__next__)
    authorizer.adopt(Challenge("digest", {"nonce": "n", "qop": "auth"}))
    counts = [parameters(authorizer.header("PLAY", "u") or "") for _ in range(2)]
    authorizer.adopt(Challenge("digest", {"nonce": "m", "qop": "auth"}))
    counts.append(parameters(authorizer.header("PLAY", "u") or ""))
    assert [(c["nonce"], c["nc"], c["cnonce"]) for c in counts] == [
        ("n", "00000001", "a"),
        ("n", "00000002", "a"),
        ("m", "00000001", "b"),
    ]
    assert authorizer.nonce == "m"


def test_a_user_name_that_no_header_can_carry_is_not_sent() -> None:
    authorizer = Authorizer(Credentials(username="a\r\nX: y", password="p", version=1))
    with pytest.raises(AuthUnsupported, match="control character"):
        authorizer.choose([Challenge("digest", {"nonce": "n"})])


def test_only_true_means_stale() -> None:
    assert Challenge("digest", {"stale": "TRUE"}).stale
    assert not Challenge("digest", {"stale": "FALSE"}).stale
    assert not Challenge("digest").stale
