"""The judge over hours and days of one camera: steering, infra-red light, denoising, people who confirm an outlook."""

from collections.abc import Iterable

import numpy as np
import pytest

from services.contracts.ladder import Reason
from services.ingest.picture import LOOK_HEIGHT, LOOK_WIDTH, History, Look, Luma, judge, undecided
from tests.doubles.memory import held_bytes
from tests.integration.media import judged_scenes as scenes
from tests.integration.media.judged_scenes import Picture, noisy, with_clock, with_people
from tests.integration.media.judged_video import Encoding, looks

EVERY_S = 30.0
FROZEN_AFTER_S = 25.0


class Camera:
    """One history and its virtual time."""

    def __init__(self) -> None:
        self.history = History()
        self.now = 5000.0
        self.random = np.random.default_rng(3)

    def shows(self, picture: Picture, minutes: float, *, sigma: float = 2.0) -> set[Reason]:
        """Look at a place for so long; all that was said."""
        return self.shows_each(noisy(picture, self.random, sigma) for _ in range(round(minutes * 60 / EVERY_S)))

    def shows_each(self, pictures: Iterable[Picture]) -> set[Reason]:
        """One look at each; all that was said."""
        return set().union(*(self.judged(sampled(picture)) for picture in pictures))

    def judged(self, luma: Luma) -> tuple[Reason, ...]:
        """One look."""
        self.now += EVERY_S
        self.history, reasons = judge(self.history, Look(self.now, luma), frozen_after_s=FROZEN_AFTER_S)
        return reasons


def sampled(picture: Picture) -> Luma:
    """A look without a codec between."""
    rows = (2 * np.arange(LOOK_HEIGHT) + 1) * picture.shape[0] // (2 * LOOK_HEIGHT)
    columns = (2 * np.arange(LOOK_WIDTH) + 1) * picture.shape[1] // (2 * LOOK_WIDTH)
    luma: Luma = np.clip(np.rint(picture[rows][:, columns]), 0, 255).astype(np.uint8)
    return luma


PRESETS = [scenes.corridor(1).day, scenes.yard(1).day, scenes.corridor(2).day, scenes.corridor(4).day, scenes.yard(2).day,
           scenes.corridor(6).day]  # fmt: skip


# Steered cameras


def test_a_steered_camera_that_returns_has_its_views_learned_and_may_stay_at_them() -> None:
    camera = Camera()
    for _ in range(2):
        for preset in PRESETS[:3]:
            assert camera.shows(preset, 4) == set()
            assert camera.shows(PRESETS[0], 2) == set()

    assert camera.shows(PRESETS[2], 60) == set()


def test_a_tour_of_more_presets_than_are_remembered_is_no_move() -> None:
    camera = Camera()

    for _ in range(4):
        for preset in PRESETS:
            assert camera.shows(preset, 5) == set()


def test_a_camera_that_stays_at_a_view_never_seen_has_moved_until_it_is_turned_back() -> None:
    camera = Camera()
    assert camera.shows(PRESETS[0], 10) == set()

    assert camera.shows(PRESETS[1], 9.5) == set()
    assert camera.shows(PRESETS[1], 3) == {Reason.MOVED}
    camera.history = camera.history.interrupted()
    assert camera.judged(sampled(PRESETS[1])) == (Reason.MOVED,), "a reconnect does not turn it back"
    assert camera.shows(PRESETS[0], 1) == set()
    assert camera.shows(PRESETS[1], 9) == set()
    assert camera.shows(PRESETS[1], 3) == {Reason.MOVED}, "where it was called moved is no outlook of its own"


def test_a_confirmed_view_is_the_view_from_then_on() -> None:
    camera = Camera()
    camera.shows(PRESETS[0], 10)
    assert Reason.MOVED in camera.shows(PRESETS[1], 15)

    camera.history = camera.history.accepted()

    assert camera.shows(PRESETS[1], 30) == set()
    assert Reason.MOVED in camera.shows(PRESETS[0], 15)


# Light


@pytest.mark.parametrize("place", [scenes.corridor(3), scenes.yard(5), scenes.corridor(7), scenes.yard(6)])
def test_days_and_nights_with_infra_red_light_are_nothing(place: scenes.Place) -> None:
    camera = Camera()

    for _ in range(3):
        assert camera.shows(place.day, 20) == set()
        assert camera.shows(place.night, 20, sigma=6) == set()


def test_mist_that_takes_an_hour_is_found_all_the_same() -> None:
    camera = Camera()
    place = scenes.corridor(1).day
    camera.shows(place, 120)

    assert Reason.BLURRED in camera.shows_each(
        noisy(misted, camera.random, 2)
        for misted in (scenes.smooth(place, 0.3 * step + 0.01) for step in range(24))
        for _ in range(5)
    )


# Frozen


def test_a_sensor_that_denoises_to_the_last_bit_is_wrongly_called_frozen_once_at_most() -> None:
    """Its background is the same to the bit at night, and somebody passes every quarter of an hour."""
    camera = Camera()
    still = np.rint(scenes.corridor(2).night)
    nights = [camera.shows_each([still] * 30 + [with_people(still, camera.random, 2)]) for _ in range(6)]

    assert nights[0] == {Reason.FROZEN}
    assert nights[1:] == [set()] * 5
    assert camera.shows_each([still] * 130) == {Reason.FROZEN}, "late, but found"


def test_a_camera_with_noise_and_a_clock_is_not_frozen_in_an_hour_of_quiet() -> None:
    camera = Camera()
    place = scenes.corridor(5).day

    said = camera.shows_each(with_clock(noisy(place, camera.random, 0.3), 30 * number) for number in range(120))

    assert said == set()


@pytest.mark.parametrize("encoder", ["libx264", "libx265"])
def test_a_frozen_picture_is_found_at_the_second_look_at_one_quantizer(encoder: str) -> None:
    """The picture is decoded, and encoded anew at one quantizer and another."""
    camera = Camera()
    place = scenes.corridor(1).day
    assert camera.shows(place, 6) == set()
    frozen = noisy(place, camera.random, 2)
    at = {crf: next(looks([frozen], Encoding(encoder, f"crf={crf}", 1))) for crf in (24, 30)}

    assert [camera.judged(at[crf]) for crf in (24, 30, 24)] == [(), (), (Reason.FROZEN,)]


def test_a_camera_with_noise_is_not_frozen_at_whatever_bit_rate() -> None:
    camera = Camera()
    place = scenes.corridor(1).day
    for rate in ("kbps=60", "kbps=600", "crf=40", "kbps=60"):
        for luma in looks((noisy(place, camera.random, 0.5) for _ in range(12)), Encoding("libx264", rate)):
            assert camera.judged(luma) == ()


# Screens, and what is kept


def test_one_grey_picture_at_the_beginning_is_no_lost_signal() -> None:
    camera = Camera()
    grey = np.full((LOOK_HEIGHT, LOOK_WIDTH), 128, np.uint8)

    assert camera.judged(grey) == ()
    assert undecided(camera.history), "but reason to look again"
    assert camera.shows(PRESETS[0], 2) == set()


def test_what_is_learned_outlives_a_lost_signal_and_darkness() -> None:
    camera = Camera()
    camera.shows(PRESETS[0], 10)
    assert camera.shows(scenes.no_video(41, text=True), 5, sigma=0) == {Reason.NO_SIGNAL}
    assert camera.shows(np.full_like(PRESETS[0], 16), 5) == {Reason.BLACK}

    assert Reason.MOVED in camera.shows(PRESETS[1], 15)


def test_a_history_stays_small() -> None:
    camera = Camera()
    largest = 0
    for hour in range(3):
        for preset in PRESETS:
            camera.shows_each(
                [with_clock(noisy(preset, camera.random, 1), 30 * number) for number in range(10)] + [preset] * 8
            )
            largest = max(largest, held_bytes(camera.history))
        assert hour == 0 or len(camera.history.baseline.outlooks) > 1

    assert 15_000 < largest <= 24 * 1024
