"""The life of one leased camera: real sessions with a scripted camera on loopback; the media processes are scripted."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest

from services.contracts.camera import AuthOutcome, RtspSource
from services.contracts.errors import Conflict, ServiceError, Unavailable
from services.contracts.ladder import Reason, Rung
from services.ingest.backoff import LOCKOUT_S
from services.ingest.connect_gate import ConnectGate, Turn
from services.ingest.faults import CameraFault
from services.ingest.session import CameraSession
from tests.doubles.directory import an_assignment
from tests.doubles.ingest_tools import QUICK, some_tools
from tests.doubles.media import a_picture
from tests.doubles.rtsp_camera import Script
from tests.doubles.session_rig import LOGIN, Given, session, until


async def test_a_new_camera_is_unsettled_until_it_is_proved() -> None:
    async with session() as one:
        await one.up()
        first, *_, last = one.reports
        assert (first.settled, first.rung, first.watch) == (False, Rung.UNREACHABLE, "none")
        assert (last.reasons, last.watch, last.stream.codec, last.stream.width) == ((), "reactor", "h264", 640)
        assert not any(report.settled for report in one.reports[:-1])
        assert [report.sequence for report in one.reports] == list(range(1, len(one.reports) + 1))
        assert {(report.camera_id, report.epoch) for report in one.reports} == {(one.assignment.camera_id, 1)}


async def test_heartbeats_tell_how_it_is_now() -> None:
    async with session(Given(settings=replace(QUICK, heartbeat_s=0.1))) as one:
        await one.up()
        so_far = len(one.reports)
        await until(lambda: len(one.reports) >= so_far + 3)
        later = one.reports[so_far:]
        assert all(report.settled and report.rung is Rung.PICTURE for report in later)
        assert len({report.since for report in later}) == 1
        moments = [report.observed_at for report in later]
        assert moments == sorted(set(moments))
        assert later[-1].stream.fps is not None or later[-1].stream.codec == "h264"


async def test_an_end_and_a_reconnect_are_no_loss() -> None:
    async with session() as one:
        await one.up()
        so_far, since = len(one.reports), one.last.since
        one.cut()
        await one.until(lambda report: not report.settled)
        await one.up()
        assert all(report.rung is Rung.PICTURE and report.reasons == () for report in one.reports[so_far:])
        assert one.reports[so_far].since == since
        assert one.camera.connections == 2


async def test_an_end_and_a_reconnect_that_fails_are_a_loss_for_the_reason_of_the_reconnect() -> None:
    async with session() as one:
        await one.up()
        one.camera.script.answers["DESCRIBE"] = ("404 Not Found", ())
        one.cut()
        lost = await one.until(lambda report: report.settled and report.rung is not Rung.PICTURE)
        assert (lost.rung, lost.reasons) == (Rung.AUTHORIZED, (Reason.NOT_FOUND,))
        one.camera.script.answers.clear()
        await one.up()


async def test_silence_is_a_loss_and_a_new_session_is_tried() -> None:
    async with session() as one:
        await one.up()
        one.camera.script.pause_s = 3600
        lost = await one.until(lambda report: report.settled and report.rung is not Rung.PICTURE)
        assert (lost.rung, lost.reasons) == (Rung.PLAYING, (Reason.STALLED,))
        one.camera.script.pause_s = 0.02
        await one.up()
        assert one.camera.connections == 2


async def test_a_directory_that_does_not_answer_is_not_the_fault_of_the_camera() -> None:
    given = Given(Script(password=LOGIN[1]), LOGIN[1], failing_in={"credentials_for": Unavailable()})
    async with session(given) as one:
        await asyncio.sleep(0.3)
        assert not any(report.settled for report in one.reports)
        one.directory.failing_in.clear()
        await one.up()
        one.directory.failing_in["credentials_for"] = Unavailable()
        so_far = len(one.reports)
        one.change(credential_version=2)
        await one.until(lambda report: not report.settled)
        await asyncio.sleep(0.3)
        assert not any(report.settled for report in one.reports[so_far:])


@pytest.mark.parametrize("error", [Conflict("the lease is over"), OSError(24, "too many open files")])
async def test_other_failures_of_our_own_unsettle_too(error: Exception) -> None:
    async with session(Given(password=LOGIN[1], failing_in={"credentials_for": error})) as one:
        await asyncio.sleep(0.3)
        assert len(one.reports) >= 1
        assert not any(report.settled for report in one.reports)


async def test_a_bug_of_ours_is_logged_and_the_camera_is_watched_on(caplog: pytest.LogCaptureFixture) -> None:
    async with session() as one:
        await one.up()
        broken = [RuntimeError("a bug")]
        one.media.otherwise = lambda: broken.pop() if broken else a_picture()
        await one.until(lambda report: not report.settled)
        assert "camera session failed" in caplog.text
        await one.up()
        assert all(report.rung is Rung.PICTURE for report in one.reports if report.settled)


async def test_two_wrong_passwords_and_then_it_waits_for_others_and_tries_them_at_once() -> None:
    async with session(Given(Script(password=LOGIN[1]), "wrong")) as one:
        lost = await one.until(lambda report: report.settled)
        assert lost.reasons == (Reason.AUTH_FAILED,)
        await until(lambda: one.attempts() == 2)
        await asyncio.sleep(0.6)
        assert one.attempts() == 2
        assert one.directory.auth == [(one.assignment.camera_id, 1, AuthOutcome.REFUSED)] * 2
        one.enter("wrong", version=2)
        await until(lambda: one.attempts() == 4, within_s=1.0)
        await asyncio.sleep(0.3)
        assert one.attempts() == 4, "typed again they have two new attempts"
        one.enter(LOGIN[1], version=3)
        await until(lambda: one.attempts() == 5, within_s=0.3)
        await one.up()
        assert one.directory.auth[4:] == [(one.assignment.camera_id, 3, AuthOutcome.ACCEPTED)]


async def test_an_update_in_the_moment_in_which_an_attempt_fails_is_no_failure() -> None:
    async with session(Given(Script(password=LOGIN[1]), "wrong")) as one:

        def enter_the_right_one(method: str) -> None:
            if method == "record_auth" and one.assignment.credential_version == 1:
                one.enter(LOGIN[1], version=2)

        one.directory.on_call = enter_the_right_one
        await one.up()
        assert one.attempts() == 2
        assert all(report.rung is Rung.PICTURE for report in one.reports if report.settled)


async def test_an_update_gives_up_the_attempt_that_runs() -> None:
    async with session(Given(Script(unanswered=frozenset({"DESCRIBE"})))) as one:
        await until(lambda: one.camera.connections == 1)
        one.camera.script.unanswered = frozenset()
        one.change()
        await until(lambda: one.camera.connections == 2, within_s=0.3)
        await one.up()
        assert all(report.rung is Rung.PICTURE for report in one.reports if report.settled)


async def test_what_the_camera_said_is_noted_for_the_credentials_that_were_sent() -> None:
    given = Given(Script(password=LOGIN[1]), LOGIN[1], refusals=1, late=("credentials_for",))
    async with session(given) as one:

        class Connecting(ConnectGate):
            """The update comes in the moment in which the session has been opened."""

            @contextlib.asynccontextmanager
            async def turn(self, site: UUID, address: str, *, failed_before: bool = False) -> AsyncIterator[Turn]:
                async with super().turn(site, address, failed_before=failed_before) as turn:
                    yield turn
                if one.session.assignment.credential_version == 1:
                    one.enter("wrong", version=2)

        object.__setattr__(one.tools, "connecting", Connecting(1))
        one.directory._late["credentials_for"].set()
        await one.until(lambda report: Reason.AUTH_FAILED in report.reasons)
        assert one.directory.auth[0] == (one.assignment.camera_id, 1, AuthOutcome.ACCEPTED)
        assert set(one.directory.auth[1:]) == {(one.assignment.camera_id, 2, AuthOutcome.REFUSED)}


async def test_of_another_source_nothing_is_said_that_was_seen_of_the_old_one() -> None:
    async with session() as one:
        await one.up()
        one.change(source=RtspSource(address="127.0.0.1", port=1, path="/"))
        lost = await one.until(lambda report: report.settled and report.rung is Rung.UNREACHABLE)
        assert lost.stream.codec is None
        assert lost.reasons == (Reason.REFUSED,)


async def test_a_lock_out_that_was_not_for_our_credentials_is_waited_out() -> None:
    given = Given(Script(answers={"DESCRIBE": ("403 Account locked", ())}))
    async with session(given) as one:
        lost = await one.until(lambda report: report.settled)
        assert lost.reasons == (Reason.AUTH_LOCKED_OUT,)
        locked = CameraFault(Reason.AUTH_LOCKED_OUT, Rung.ANSWERING)
        assert one.session._after(locked, down_for_s=0.0) == LOCKOUT_S


STATES: dict[str, Given] = {
    "connecting": Given(Script(unanswered=frozenset({"DESCRIBE"}))),
    "watching": Given(),
    "watching a camera that takes no leave": Given(Script(unanswered=frozenset({"TEARDOWN"}))),
    "waiting for credentials": Given(password=LOGIN[1], late=("credentials_for",)),
    "telling what the camera said": Given(Script(password=LOGIN[1]), LOGIN[1], 1, late=("record_auth",)),
    "pausing after a failure of the camera": Given(Script(answers={"DESCRIBE": ("404 Not Found", ())})),
    "pausing after a failure of our own": Given(
        password=LOGIN[1], failing_in={"credentials_for": ServiceError("not now")}
    ),
    "waiting for other credentials": Given(Script(password=LOGIN[1]), "wrong", 2),
    "uploading a snapshot": Given(late=("put_snapshot",)),
}


@pytest.mark.parametrize("state", STATES)
async def test_a_session_stops_quickly_and_leaves_nothing(state: str) -> None:
    async with session(STATES[state], ends_by_stop=False) as one:
        if state == "uploading a snapshot":
            one.media.otherwise = lambda: a_picture(snapshot=b"jpeg")
        await asyncio.sleep(0.4)
        async with asyncio.timeout(1.3):
            await one.session.stop()
        await asyncio.sleep(0.05)
        said = len(one.reports)
        await until(lambda: not one.camera.open_connections, within_s=0.5)
        await asyncio.sleep(0.1)
        assert len(one.reports) == said, "it says nothing any more"
        assert one.tools.budget.accounts == 0
        assert one.tools.relay._mounts == {}
        assert one.session.upstream is None


async def test_a_stop_while_the_last_connection_is_being_closed_closes_it_too() -> None:
    async with session(Given(Script(unanswered=frozenset({"TEARDOWN"}))), ends_by_stop=False) as one:
        await one.up()
        one.change()
        await until(lambda: "TEARDOWN" in one.camera.methods)
        await one.session.stop()
        await until(lambda: not one.camera.open_connections, within_s=0.5)


async def test_a_session_that_never_began_stops_too() -> None:
    tools = some_tools()
    await CameraSession(an_assignment(), tools).stop()
    assert tools.budget.accounts == 0
