"""Where a camera may send us, and what goes there with us. Pure."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.camera import RtspSource
from services.contracts.ids import new_id
from services.contracts.ladder import Reason, Rung
from services.contracts.networks import CameraNetworks
from services.ingest.faults import CameraFault, Redirected
from services.ingest.redirects import HOPS_MAX, Route, may_sign_in, may_sign_in_plainly, next_address

NETWORKS = CameraNetworks([ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")])
REGISTERED = RtspSource(address="192.0.2.7", port=554, path="/live")


def source(address: str = "192.0.2.7", port: int = 554, path: str = "/live") -> RtspSource:
    return RtspSource(address=address, port=port, path=path)


def route() -> Route:
    return Route(new_id(), NETWORKS)


@pytest.mark.parametrize(
    ("location", "target"),
    [
        # The first is what a video platform answers: go2rtc issue 1881.
        ("rtsp://192.0.2.7:1554/0000001", source(port=1554, path="/0000001")),
        ("rtsp://192.0.2.8/live", source("192.0.2.8")),
        ("RTSP://192.0.2.8/live", source("192.0.2.8")),
        ("rtsp://192.0.2.8", source("192.0.2.8", path="/")),
        ("rtsp://192.0.2.8:8554?channel=1", source("192.0.2.8", 8554, "/?channel=1")),
        ("rtsp://192.0.2.8/cam?channel=1&subtype=0", source("192.0.2.8", path="/cam?channel=1&subtype=0")),
        ("rtsp://[2001:db8::1]:8554/live", source("2001:db8::1", 8554)),
        ("rtsp://[::ffff:192.0.2.8]/live", source("192.0.2.8")),
        ("rtsp://admin:geheim@192.0.2.8/live", source("192.0.2.8")),
        ("rtsp://192.0.2.7@192.0.2.8/live", source("192.0.2.8")),
    ],
)
def test_an_address_inside_the_networks_is_followed(location: str, target: RtspSource) -> None:
    assert next_address([REGISTERED], location, NETWORKS) == target


@pytest.mark.parametrize(
    "location",
    [
        pytest.param("", id="no location"),
        pytest.param("/live", id="no host"),
        pytest.param("rtsp://198.51.100.1/live", id="outside the networks"),
        pytest.param("rtsp://192.0.2.7@198.51.100.1/live", id="outside, behind a user name that looks inside"),
        pytest.param("rtsp://[::ffff:198.51.100.1]/live", id="outside, dressed as IPv6"),
        pytest.param("rtsp://camera.example/live", id="a name"),
        pytest.param("rtsp://localhost/live", id="our own machine by name"),
        pytest.param("rtsp://0xc0000208/live", id="a number that others read as an address"),
        pytest.param("rtsp://192.0.2.010/live", id="an octal number"),
        pytest.param("rtsp://192.0.520/live", id="three parts"),
        pytest.param("rtsp://[2001:db8::1%25eth0]/live", id="a zone"),
        pytest.param("rtsps://192.0.2.8/live", id="TLS, which would be another session"),  # Bambu: go2rtc issue 565
        pytest.param("rtspu://192.0.2.8/live", id="UDP"),
        pytest.param("http://192.0.2.8/live", id="HTTP"),
        pytest.param("rtsp://192.0.2.8:0/live", id="port 0"),
        pytest.param("rtsp://192.0.2.8:65536/live", id="a port that does not exist"),
        pytest.param("rtsp://192.0.2.8:x/live", id="a port that is none"),
        pytest.param("rtsp://192.0.2.8\\@198.51.100.1/live", id="a backslash"),
        pytest.param("rtsp://192.0.2.8/a b", id="a blank"),
        pytest.param("rtsp://192.0.2.8/\r\nCSeq: 1", id="a line end"),
        pytest.param("rtsp://192.0.2.8/\u00e9", id="another script"),
        pytest.param("rtsp://192.0.2.8/" + "x" * 1024, id="too long"),
        pytest.param("rtsp://192.0.2.8/live#x", id="a fragment"),
        pytest.param("rtsp://[192.0.2.8/live", id="a bracket"),
        pytest.param("rtsp://192.0.2.7:554/live", id="where we are"),
        pytest.param("rtsp://admin@192.0.2.7/live", id="where we are, in other words"),
    ],
)
def test_anything_else_is_not_followed(location: str) -> None:
    assert next_address([REGISTERED], location, NETWORKS) is None


def test_without_allowed_networks_nothing_is_followed() -> None:
    assert next_address([REGISTERED], "rtsp://192.0.2.8/live", CameraNetworks([])) is None


@given(
    st.one_of(
        st.text(max_size=60),
        st.builds("rtsp://{}{}".format, st.ip_addresses(), st.text(alphabet=":/@[]%.0123456789abcx", max_size=20)),
        st.builds("rtsp://{}@{}/x".format, st.text(alphabet=":/@[]\\.0123456789", max_size=20), st.ip_addresses()),
    )
)
def test_whatever_is_written_the_target_is_an_allowed_address(location: str) -> None:
    target = next_address([REGISTERED], location, NETWORKS)
    if target is not None:
        assert NETWORKS.permit(ip_address(target.address))
        assert 1 <= target.port <= 65535
        assert target.path.startswith("/")


def test_three_hops_are_followed_and_no_circle() -> None:
    trail = [REGISTERED]
    for number in range(HOPS_MAX):
        target = next_address(trail, f"rtsp://192.0.2.{20 + number}/live", NETWORKS)
        assert target is not None
        trail.append(target)
        assert next_address(trail, "rtsp://192.0.2.7/live", NETWORKS) is None
    assert next_address(trail, "rtsp://192.0.2.99/live", NETWORKS) is None


@pytest.mark.parametrize(
    ("target", "signs_in", "plainly"),
    [
        (source(path="/other"), True, True),
        (source(port=1554), True, False),
        (source("192.0.2.8"), False, False),
        (source("2001:db8::1"), False, False),
    ],
)
def test_credentials_go_only_to_the_address_they_were_registered_for(
    target: RtspSource, signs_in: bool, plainly: bool
) -> None:
    assert may_sign_in(REGISTERED, target) is signs_in
    assert may_sign_in_plainly(REGISTERED, target) is plainly


def test_a_route_follows_at_once_and_only_once() -> None:
    way = route()
    went = [(way.begin(REGISTERED), way.may_sign_in, way.may_sign_in_plainly)]
    assert way.follow(Redirected(Rung.ANSWERING, "rtsp://192.0.2.8/live"))
    went += [(way.begin(REGISTERED), way.may_sign_in, way.may_sign_in_plainly) for _ in range(2)]
    assert went == [(REGISTERED, True, True), (source("192.0.2.8"), False, False), (REGISTERED, True, True)]


def test_a_route_ends_after_its_hops_and_begins_anew() -> None:
    way = route()
    way.begin(REGISTERED)
    followed = 0
    while way.follow(Redirected(Rung.ANSWERING, f"rtsp://192.0.2.{20 + followed}/live")):
        way.begin(REGISTERED)
        followed += 1
    assert followed == HOPS_MAX
    assert way.begin(REGISTERED) == REGISTERED
    assert way.follow(Redirected(Rung.ANSWERING, "rtsp://192.0.2.8/live"))


def test_a_camera_registered_elsewhere_meanwhile_is_not_looked_for_where_the_old_one_sent_us() -> None:
    way, elsewhere = route(), source("192.0.2.9")
    way.begin(REGISTERED)
    assert way.follow(Redirected(Rung.ANSWERING, "rtsp://192.0.2.8/live"))
    assert way.begin(elsewhere) == elsewhere


def test_other_ends_and_redirects_to_nowhere_are_not_followed() -> None:
    way = route()
    assert not way.follow(Redirected(Rung.ANSWERING, "rtsp://192.0.2.8/live"))  # of an attempt that never began
    way.begin(REGISTERED)
    assert not way.follow(CameraFault(Reason.ENDED, Rung.PLAYING))
    assert not way.follow(Redirected(Rung.ANSWERING, ""))
    assert way.begin(REGISTERED) == REGISTERED


def test_a_password_that_we_withheld_is_not_missing() -> None:
    way, wants = route(), CameraFault(Reason.CREDENTIALS_MISSING, Rung.ANSWERING)
    way.begin(REGISTERED)
    assert way.judged(wants) is wants
    way.follow(Redirected(Rung.ANSWERING, "rtsp://192.0.2.7:1554/live"))
    way.begin(REGISTERED)
    assert way.judged(wants) is wants  # here we would have signed in
    way.follow(Redirected(Rung.ANSWERING, "rtsp://192.0.2.8/live"))
    way.begin(REGISTERED)
    told = way.judged(wants)
    assert (told.reason, told.rung) == (Reason.REDIRECTED, Rung.ANSWERING)
