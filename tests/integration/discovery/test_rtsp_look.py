"""Hosts without ONVIF: which streams they have, over real sockets, and what it costs them in refusals."""

import time

import pytest

from services.contracts.camera import Credentials
from services.contracts.ladder import Reason, Rung
from services.ingest.discovery.describing import LookLimits
from services.ingest.discovery.host_budget import HostBudget
from services.ingest.discovery.rtsp_look import RtspFinding, RtspLook
from services.ingest.faults import CameraFault
from services.runtime.clock import SystemClock
from tests.doubles.rtsp_camera import SDP
from tests.doubles.rtsp_host import AUDIO_ONLY, Manners, RtspHost

RIGHT = Credentials(username="admin", password="right", version=1)
WRONG = Credentials(username="admin", password="wrong", version=1)
ALSO_WRONG = Credentials(username="admin", password="also wrong", version=1)
LIMITS = LookLimits(connect_s=1.0, answer_s=0.5, host_s=5.0)


def recorder(channels: int, *, gap: int | None = None) -> dict[str, bytes]:
    """A Hikvision recorder's paths; the input ``gap`` has no camera."""
    return {
        f"/Streaming/Channels/{number}0{stream}": SDP
        for number in range(1, channels + 1)
        for stream in (1, 2)
        if number != gap
    }


async def look(manners: Manners, *sets: Credentials, budget: HostBudget | None = None) -> tuple[RtspFinding, RtspHost]:
    async with RtspHost(manners) as host:
        finder = RtspLook(sets, SystemClock(), LIMITS)
        finding = await finder.find(host.address, host.port, budget or HostBudget(len(sets)))
        return finding, host


def paths(finding: RtspFinding) -> list[list[str]]:
    return [[stream.path for stream in channel.streams] for channel in finding.channels]


async def test_a_host_that_knows_its_paths_shows_them_without_credentials() -> None:
    finding, host = await look(Manners(paths=recorder(3)))
    assert finding.rung is Rung.DESCRIBED
    assert finding.reason is None
    assert paths(finding) == [
        [f"/Streaming/Channels/{number}01", f"/Streaming/Channels/{number}02"] for number in (1, 2, 3)
    ]
    assert finding.channels[0].streams[0].codec == "h264"
    assert finding.channels[2].name == "CH3"
    assert host.connections == 1


async def test_an_input_without_a_camera_does_not_end_the_look() -> None:
    finding, _ = await look(Manners(paths=recorder(5, gap=3)))
    assert [channel.name for channel in finding.channels] == ["CH1", "CH2", "CH4", "CH5"]


async def test_a_guarded_path_counts_once_it_is_described_with_our_credentials() -> None:
    finding, host = await look(Manners(paths=recorder(2), guards="paths"), RIGHT)
    assert finding.rung is Rung.DESCRIBED
    assert len(finding.channels) == 2
    assert host.refusals == 0


async def test_paths_that_are_only_guarded_are_named_with_the_reason() -> None:
    finding, host = await look(Manners(paths=recorder(2), guards="paths"), WRONG)
    assert finding.rung is Rung.ANSWERING
    assert finding.reason is Reason.AUTH_FAILED
    assert len(finding.channels) == 2
    assert finding.channels[0].reasons == (Reason.AUTH_FAILED,)
    assert host.refusals == 1
    without, _ = await look(Manners(paths=recorder(2), guards="paths"))
    assert without.reason is Reason.CREDENTIALS_MISSING


async def test_a_host_that_answers_401_to_anything_proves_nothing_by_it() -> None:
    finding, host = await look(Manners(paths=recorder(2), guards="all"))
    assert finding.rung is Rung.ANSWERING
    assert finding.reason is Reason.CREDENTIALS_MISSING
    assert finding.channels == []
    assert len(host.asked) == 1  # nothing to be learned from sixty more


async def test_behind_401_to_anything_a_path_counts_by_a_signed_answer() -> None:
    finding, host = await look(Manners(paths={"/stream1": SDP, "/stream2": SDP}, guards="all"), RIGHT)
    assert finding.rung is Rung.DESCRIBED
    assert paths(finding) == [["/stream1", "/stream2"]]
    assert host.refusals == 0


async def test_a_wrong_password_is_not_carried_over_sixty_paths() -> None:
    finding, host = await look(Manners(guards="all"), WRONG)
    assert finding.reason is Reason.AUTH_FAILED
    assert host.refusals == 1
    assert len(host.asked) <= 3


async def test_no_more_than_two_sets_are_refused_and_those_in_their_order() -> None:
    budget = HostBudget(3)
    finding, host = await look(Manners(guards="all"), WRONG, ALSO_WRONG, RIGHT, budget=budget)
    assert host.refusals == 2
    assert finding.reason is Reason.AUTH_FAILED
    assert [(refusal.credential, refusal.count) for refusal in budget.refusals] == [(0, 1), (1, 1)]


async def test_the_second_set_is_tried_when_the_first_is_refused() -> None:
    budget = HostBudget(2)
    finding, host = await look(Manners(guards="all", scheme="sha-256"), WRONG, RIGHT, budget=budget)
    assert finding.rung is Rung.DESCRIBED
    assert budget.accepted == 1
    assert host.refusals == 1


async def test_a_lock_out_ends_all_tries() -> None:
    budget = HostBudget(2)
    finding, host = await look(Manners(guards="all", locks_after=0), RIGHT, budget=budget)
    assert finding.reason is Reason.AUTH_LOCKED_OUT
    assert host.schemes == set()
    assert budget.next_set(SystemClock().now()) is None


@pytest.mark.parametrize("guards", ["nothing", "all"])
async def test_a_host_that_does_not_look_at_paths_has_one_stream(guards: str) -> None:
    finding, _ = await look(Manners(paths=None, guards=guards), RIGHT)  # type: ignore[arg-type]
    assert paths(finding) == [["/"]]
    assert finding.rung is Rung.DESCRIBED


async def test_a_host_that_does_not_look_at_the_channel_has_one() -> None:
    everything = {f"/cam/realmonitor?channel={number}&subtype={sub}": SDP for number in range(100) for sub in (0, 1)}
    finding, _ = await look(Manners(paths=everything))
    assert paths(finding) == [["/cam/realmonitor?channel=1&subtype=0", "/cam/realmonitor?channel=1&subtype=1"]]


async def test_basic_is_never_answered() -> None:
    finding, host = await look(Manners(guards="all", scheme="basic"), RIGHT)
    assert finding.reason is Reason.AUTH_ALGORITHM_UNSUPPORTED
    assert finding.rung is Rung.ANSWERING
    assert host.schemes == set()


async def test_a_host_that_hangs_costs_one_answer() -> None:
    began = time.monotonic()
    finding, host = await look(Manners(hangs=True), RIGHT)
    assert time.monotonic() - began < 1.5
    assert (finding.rung, finding.reason) == (Rung.REACHABLE, Reason.TIMEOUT)
    assert not finding.answers
    assert host.connections == 1


async def test_a_redirect_is_told_and_not_followed() -> None:
    async with RtspHost(Manners()) as elsewhere:
        away = ("302 Moved", (f"Location: rtsp://127.0.0.1:{elsewhere.port}/cam",))
        finding, _ = await look(Manners(answers=away), RIGHT)
        assert elsewhere.connections == 0
    assert finding.reason is Reason.REDIRECTED
    assert finding.channels == []


async def test_a_session_limit_is_told() -> None:
    finding, _ = await look(Manners(answers=("453 Not Enough Bandwidth", ())), RIGHT)
    assert (finding.rung, finding.reason) == (Rung.ANSWERING, Reason.SESSION_LIMIT)
    full = Manners(paths={}, odd={"/Streaming/Channels/101": "453 Not Enough Bandwidth"})
    finding, _ = await look(full, RIGHT)
    assert paths(finding) == [["/Streaming/Channels/101"]]  # it is there, and full
    assert finding.reason is Reason.SESSION_LIMIT


async def test_a_stream_of_sound_alone_is_no_camera() -> None:
    finding, _ = await look(Manners(paths={"/Streaming/Channels/101": AUDIO_ONLY}))
    assert finding.channels == []
    assert finding.reason is Reason.NO_VIDEO


@pytest.mark.parametrize("guards", ["paths", "all"])
async def test_hosts_that_hang_up_after_each_answer_are_asked_all_the_same(guards: str) -> None:
    finding, host = await look(Manners(paths=recorder(2), guards=guards, closes=True), RIGHT)  # type: ignore[arg-type]
    assert len(finding.channels) == 2
    assert finding.rung is Rung.DESCRIBED
    assert host.refusals == 0


async def test_a_nonce_for_each_request_is_no_refusal() -> None:
    finding, host = await look(Manners(paths=recorder(3), guards="all", fresh_nonces=True), RIGHT)
    assert len(finding.channels) == 3
    assert host.refusals == 0


async def test_the_realm_tells_where_to_look_first() -> None:
    dahua = Manners(paths={"/cam/realmonitor?channel=1&subtype=0": SDP}, guards="all", realm="Login to 4A01B4FPAN")
    finding, host = await look(dahua, RIGHT)
    assert finding.rung is Rung.DESCRIBED
    assert "Login to 4A01B4FPAN" in finding.hints
    assert not any("Streaming" in path for path in host.asked)


async def test_what_is_no_rtsp_is_no_device() -> None:
    finding, _ = await look(Manners(answers=("", ())))  # a status line without a status
    assert not finding.answers
    assert finding.reason is Reason.PROTOCOL_ERROR


async def test_paths_that_a_device_named_are_verified_on_one_connection() -> None:
    async with RtspHost(Manners(paths={"/a": SDP, "/b": AUDIO_ONLY}, guards="all")) as host:
        finder, budget = RtspLook([RIGHT], SystemClock(), LIMITS), HostBudget(1)
        proofs = await finder.verify(host.address, host.port, ["/a", "/b", "/c"], budget)
        assert {path: (proof.rung, proof.reason) for path, proof in proofs.items()} == {
            "/a": (Rung.DESCRIBED, None),
            "/b": (Rung.AUTHORIZED, Reason.NO_VIDEO),
            "/c": (Rung.AUTHORIZED, Reason.NOT_FOUND),
        }
        assert proofs["/a"].codec == "h264"
        assert host.connections == 1
        assert budget.accepted == 0
        port = host.port
    with pytest.raises(CameraFault):
        await finder.verify(host.address, port, ["/a"], HostBudget(1))
