"""The life of a sampled camera: real sessions with a scripted camera on loopback, pauses a hundred times shorter."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.contracts.camera import CameraReport
from services.contracts.errors import Unavailable
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.media.results import ProbeResult
from services.ingest.picture import Look
from services.ingest.policy import fresh_for_s
from services.ingest.sample import Sample
from services.runtime.clock import SystemClock
from tests.doubles.clock import SlippingClock
from tests.doubles.ingest_tools import QUICK
from tests.doubles.media import a_picture
from tests.doubles.rtsp_camera import Script
from tests.doubles.session_rig import LOGIN, Given, Rig, session, until

EVERY_S = 60
OFTEN = replace(QUICK, heartbeat_s=0.03)


def a_hundredth(low: float, _: float) -> float:
    """Rests: 0.06 s, then 0.54 s. Retries: 0.01 s, 0.04 s, then 0.54 s."""
    return low / 100


def sampled(script: Script | None = None, password: str | None = None, every_s: int = EVERY_S) -> Given:
    return Given(
        script or Script(),
        password,
        settings=OFTEN,
        members={"sample_every_s": every_s},
        uniform=a_hundredth,
    )


async def rested(one: Rig) -> CameraReport:
    """The report on a camera that rests after a good look."""
    return await one.until(lambda report: report.watch == "resting")


def coming(one: Rig) -> bool:
    """Whether a viewer may expect a stream."""
    return one.session.coming


def settled(one: Rig) -> list[CameraReport]:
    return [report for report in one.reports if report.settled]


async def test_it_is_looked_at_until_proved_and_left_alone_until_the_next_look() -> None:
    async with session(sampled()) as one:
        resting = await rested(one)
        assert (resting.settled, resting.rung, resting.reasons) == (True, Rung.PICTURE, ())
        await until(lambda: not one.camera.open_connections, within_s=0.5)
        assert one.camera.connections == 1
        for looks in (2, 3):
            await until(lambda looks=looks: one.camera.connections == looks)  # type: ignore[misc]
            await rested(one)
            await until(lambda: not one.camera.open_connections, within_s=0.5)
        assert one.camera.methods.count("TEARDOWN") == 3
        assert one.session.upstream is None
        assert all(report.rung is Rung.PICTURE for report in settled(one)), "nothing changed in between"


async def test_between_looks_it_is_told_when_the_last_one_was_and_how_long_it_stands() -> None:
    async with session(sampled(every_s=3600)) as one:
        await rested(one)
        ended = SystemClock().now()
        so_far = len(one.reports)
        await until(lambda: len(one.reports) >= so_far + 8)
        later = one.reports[so_far:]
        assert len({report.observed_at for report in later}) == 1
        assert abs(later[0].observed_at - ended) < timedelta(seconds=0.5)
        assert all(report.settled for report in later)
        stands = [report.fresh_for_s for report in later if report.fresh_for_s is not None]
        assert len(stands) == len(later)
        assert stands == sorted(stands, reverse=True)
        assert fresh_for_s(3600) - 1.0 < stands[-1] < stands[0] < fresh_for_s(3600)
        assert later[-1].stream.codec == "h264", "what was measured is told on"


async def test_a_camera_watched_without_pause_is_never_told_so() -> None:
    async with session(Given(settings=OFTEN)) as one:
        await one.up()
        assert {report.fresh_for_s for report in one.reports} == {None}
        assert one.camera.connections == 1


async def test_a_look_that_is_too_old_is_not_told_as_known_any_more() -> None:
    given = sampled(every_s=3600)
    given.clock = SlippingClock()
    async with session(given) as one:
        await rested(one)
        given.clock.slip(fresh_for_s(3600) + 1.0)
        stale = await one.until(lambda report: report.fresh_for_s == 0)
        assert not stale.settled


async def test_one_lost_look_is_no_loss() -> None:
    async with session(sampled()) as one:
        await rested(one)
        so_far = len(one.reports)
        for status in ("404 Not Found", "503 Service Unavailable"):
            one.camera.script.answers["DESCRIBE"] = (status, ())
            before = one.camera.connections
            await until(lambda before=before: one.camera.connections > before)  # type: ignore[misc]
            await one.until(lambda report: not report.settled)
            one.camera.script.answers.clear()
            await rested(one)
        told = one.reports[so_far:]
        assert {report.rung for report in told if report.settled} == {Rung.PICTURE}


async def test_a_look_that_fails_three_times_is_a_loss_and_is_repeated_at_the_pace_of_looks() -> None:
    async with session(sampled()) as one:
        await rested(one)
        one.camera.script.answers["DESCRIBE"] = ("404 Not Found", ())
        before = one.camera.connections
        lost = await one.until(lambda report: report.settled and report.rung is not Rung.PICTURE)
        assert (lost.rung, lost.reasons) == (Rung.AUTHORIZED, (Reason.NOT_FOUND,))
        assert one.camera.connections == before + 3
        await asyncio.sleep(0.3)
        assert one.camera.connections == before + 3, "at the pace of looks"
        assert one.last.settled
        assert one.last.fresh_for_s is not None
        assert one.last.fresh_for_s > EVERY_S
        one.camera.script.answers.clear()
        await rested(one)
        assert one.last.rung is Rung.PICTURE
        assert one.camera.connections == before + 4


async def test_silence_during_a_look_is_told_once_the_look_has_failed() -> None:
    async with session(sampled()) as one:
        await rested(one)
        so_far = len(one.reports)
        one.camera.script.pause_s = 3600
        await one.until(lambda report: not report.settled)
        one.camera.script.pause_s = 0.02
        await rested(one)
        assert {report.rung for report in one.reports[so_far:] if report.settled} == {Rung.PICTURE}


async def test_a_doubtful_picture_is_looked_at_until_it_is_judged() -> None:
    async with session(sampled()) as one:
        await rested(one)
        still = a_picture()

        def the_same() -> ProbeResult:
            (look,) = still.looks
            return replace(still, looks=(Look(SystemClock().monotonic(), look.luma),))

        one.media.otherwise = the_same
        await rested(one)
        before = one.camera.connections
        await until(lambda: one.camera.connections > before)
        await asyncio.sleep(1.0)
        assert len(one.camera.open_connections) == 1, "it may be frozen"
        one.media.otherwise = a_picture
        await rested(one)
        await until(lambda: not one.camera.open_connections, within_s=0.5)


async def test_a_spent_password_is_a_loss_at_once_and_others_are_tried_at_once() -> None:
    async with session(sampled(Script(password=LOGIN[1]), LOGIN[1])) as one:
        await rested(one)
        one.camera.script.password = "changed on site"
        lost = await one.until(lambda report: report.settled and report.rung is not Rung.PICTURE)
        assert lost.reasons == (Reason.AUTH_FAILED,)
        asked = one.attempts()
        await asyncio.sleep(0.7)
        assert one.attempts() == asked
        one.enter("changed on site", version=2)
        await rested(one)


async def test_a_viewer_brings_it_back_at_once_and_holds_it() -> None:
    async with session(sampled(every_s=3600)) as one:  # rests for 3.6 s after the first look
        await rested(one)
        assert coming(one)
        one.session.wanted_live()
        await until(lambda: one.session.upstream is not None, within_s=0.3)
        await one.until(lambda report: report.watch == "reactor" and report.rung is Rung.PICTURE)
        await asyncio.sleep(1.0)
        assert (one.camera.connections, len(one.camera.open_connections)) == (2, 1), "though it was proved long since"


async def test_a_look_is_held_open_until_nobody_has_asked_for_a_while() -> None:
    sample = Sample(SystemClock(), hold_s=0.2)
    ended: list[float] = []
    loop = asyncio.get_running_loop()

    async def watch() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(loop.time())

    sample.begin()
    taking = asyncio.create_task(sample.take(watch()))
    for _ in range(4):
        sample.hold()
        await asyncio.sleep(0.1)
    sample.proved()
    sample.judged()
    assert sample.shown
    sample.hold()
    last = loop.time()
    await taking
    assert len(ended) == 1
    assert 0.15 < ended[0] - last < 2.0
    assert not sample.held


async def test_what_ends_a_look_early_is_passed_on() -> None:
    sample = Sample(SystemClock())

    async def watch() -> None:
        raise CameraFault(Reason.STALLED, Rung.PLAYING)

    with pytest.raises(CameraFault, match="stalled"):
        await sample.take(watch())
    assert not sample.shown


async def test_a_viewer_does_not_hurry_a_camera_that_is_down() -> None:
    given = sampled(Script(answers={"DESCRIBE": ("404 Not Found", ())}))
    async with session(given) as one:
        await one.until(lambda report: report.settled)
        for _ in range(20):
            one.session.wanted_live()
            await asyncio.sleep(0.01)
            assert not coming(one)
        assert one.camera.connections == 3


async def test_a_stream_that_is_being_opened_is_coming_and_one_that_was_refused_is_not() -> None:
    async with session(Given(Script(unanswered=frozenset({"DESCRIBE"})))) as one:
        await until(lambda: one.camera.connections == 1)
        assert coming(one)
        one.camera.script.unanswered = frozenset()
        one.change()
        await one.up()
        assert not coming(one), "it is there"
        one.camera.script.answers["DESCRIBE"] = ("404 Not Found", ())
        one.cut()
        await one.until(lambda report: report.settled and report.rung is not Rung.PICTURE)
        for _ in range(20):
            assert not coming(one)
            await asyncio.sleep(0.01)


async def test_a_failure_of_our_own_does_not_speak_against_the_camera() -> None:
    async with session(sampled(Script(password=LOGIN[1]), LOGIN[1])) as one:
        await rested(one)
        so_far = len(one.reports)
        one.directory.failing_in["credentials_for"] = Unavailable()
        one.change(credential_version=2)
        await one.until(lambda report: not report.settled)
        await asyncio.sleep(0.3)
        assert not [
            report for report in one.reports[so_far + 1 :] if report.settled and report.rung is not Rung.PICTURE
        ]


@pytest.mark.parametrize(
    ("before", "after"), [(60, None), (None, 60)], ids=["no longer sampled", "sampled from now on"]
)
async def test_another_policy_holds_at_once(before: int | None, after: int | None) -> None:
    given = sampled()
    given.members = {"sample_every_s": before}
    async with session(given) as one:
        await one.up()
        if before is not None:
            await rested(one)
        one.change(sample_every_s=after)
        if after is None:
            await one.until(lambda report: report.watch == "reactor" and report.settled and report.fresh_for_s is None)
            connections = one.camera.connections
            await asyncio.sleep(0.8)
            assert one.camera.connections == connections
        else:
            await rested(one)
        assert {report.rung for report in settled(one)} == {Rung.PICTURE}


async def test_of_another_source_nothing_is_said_that_was_seen_of_the_old_one() -> None:
    async with session(sampled(every_s=3600)) as one:
        await rested(one)
        one.change(source=one.assignment.source.model_copy(update={"port": 1}))
        await one.until(lambda report: not report.settled)
        lost = await one.until(lambda report: report.settled)
        assert (lost.rung, lost.reasons, lost.stream.codec) == (Rung.UNREACHABLE, (Reason.REFUSED,), None)


async def test_a_start_may_be_put_off_but_not_its_first_report() -> None:
    async with session(Given(settings=OFTEN, start_after_s=0.4)) as one:
        await until(lambda: len(one.reports) >= 3)
        assert one.camera.connections == 0
        assert not one.last.settled
        await one.up()
        assert one.camera.connections == 1
