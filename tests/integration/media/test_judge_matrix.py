"""Everything that may happen before a camera, through every codec: what the judge must say, and must never say.

A look every 30 s; what happens, happens between the seventh look and the eighth. A run lasts 10 minutes, and a camera is
called moved after 5, so that runs stay short.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from services.contracts.ladder import Reason
from services.ingest.picture import History, Look, Patience, judge
from tests.integration.media import judged_scenes as scenes
from tests.integration.media.judged_scenes import Picture, Place, noisy, smooth, with_clock, with_people
from tests.integration.media.judged_video import Encoding, looks

EVERY_S = 30.0
FROZEN_AFTER_S = 25.0
PATIENCE = Patience(covered_after_s=90, blurred_after_s=90, moved_after_s=300)
LOOKS, FAULT = 21, 7


@dataclass(frozen=True)
class Scenario:
    """``shown(camera, look)`` is a picture; ``reason`` must be found within ``within_s`` of the fault, and no other."""

    shown: "Callable[[Camera, int], Picture]"
    reason: Reason | None = None
    within_s: float = 0


class Camera:
    """A place, another one it may be turned to, and a sensor."""

    def __init__(self, place: Place, other: Place, sigma: float) -> None:
        self.day, self.night, self.elsewhere = place.day, place.night, other.day
        self.sigma = sigma
        self.random = np.random.default_rng(11)
        self.kept: Picture | None = None

    def sees(self, picture: Picture, *, gain: float = 0) -> Picture:
        """With noise; more of it with more gain."""
        return noisy(picture, self.random, self.sigma + gain)

    def walked(self, picture: Picture) -> Picture:
        """With nobody, one or two people in it."""
        return with_people(picture, self.random, int(self.random.integers(0, 3)))

    def frozen(self) -> Picture:
        """One and the same picture."""
        if self.kept is None:
            self.kept = self.sees(with_people(self.day, self.random, 1))
        return self.kept


def faulty(after: "Callable[[Camera, int], Picture]") -> "Callable[[Camera, int], Picture]":
    """A camera with people in sight until something happens to it."""
    return lambda camera, look: camera.sees(camera.walked(camera.day)) if look < FAULT else after(camera, look)


def clocked(shown: "Callable[[Camera, int], Picture]") -> "Callable[[Camera, int], Picture]":
    """With the time of day written over it."""
    return lambda camera, look: with_clock(shown(camera, look), 45_000 + round(look * EVERY_S))


def dusk(camera: Camera, look: int) -> Picture:
    """The light goes within eight minutes, to a tenth."""
    left = max(1 - look / 17, 0.1)
    return camera.sees(camera.day * left + 16 * (1 - left), gain=1 - left)


def mist(camera: Camera, look: int) -> Picture:
    """A lens that mists over in five minutes."""
    return camera.sees(smooth(camera.walked(camera.day), min((look - FAULT + 1) * 0.8, 7)) * 0.7 + 45)


NOTHING_WRONG = {
    "quiet": Scenario(lambda camera, _: camera.sees(camera.day)),
    "people": Scenario(lambda camera, _: camera.sees(camera.walked(camera.day))),
    "clock": Scenario(clocked(lambda camera, _: camera.sees(camera.day))),
    "crowd": Scenario(faulty(lambda camera, _: camera.sees(with_people(camera.day, camera.random, 12)))),
    "truck": Scenario(
        lambda camera, look: camera.sees(
            scenes.behind_a_hand(look, share=0.8, picture=camera.day) if look in (10, 11) else camera.day
        )
    ),
    "infra-red": Scenario(
        lambda camera, look: camera.sees(camera.day) if look < 7 or look > 15 else camera.sees(camera.night, gain=3)
    ),
    "dusk": Scenario(dusk),
    "lamps": Scenario(
        lambda camera, look: camera.sees(camera.day if look // 4 % 2 == 0 else camera.night * 0.6 + 7, gain=look % 2)
    ),
    "rain": Scenario(faulty(lambda camera, _: camera.sees(scenes.with_rain(camera.day, camera.random)))),
    "steered": Scenario(lambda camera, look: camera.sees(camera.day if look // 5 % 2 == 0 else camera.elsewhere)),
    "wind": Scenario(
        lambda camera, _: camera.sees(
            scenes.seen_from(camera.day, *(int(one) for one in camera.random.integers(-3, 4, 2)))
        )
    ),
}

FAULTS = {
    "frozen": Scenario(faulty(lambda camera, _: camera.frozen()), Reason.FROZEN, 90),
    "frozen, clock running": Scenario(
        clocked(faulty(lambda camera, _: camera.frozen())), Reason.FROZEN, 120
    ),
    "covered": Scenario(faulty(lambda camera, _: camera.sees(scenes.behind_a_hand(1))), Reason.COVERED, 150),
    "covered in part": Scenario(
        faulty(lambda camera, _: camera.sees(scenes.behind_a_hand(1, share=0.8, picture=camera.day))),
        Reason.COVERED,
        150,
    ),
    "out of focus": Scenario(
        faulty(lambda camera, _: camera.sees(smooth(camera.walked(camera.day), 6))), Reason.BLURRED, 150
    ),
    "mist": Scenario(faulty(mist), Reason.BLURRED, 390),
    "turned away": Scenario(
        faulty(lambda camera, _: camera.sees(with_people(camera.elsewhere, camera.random, 1))), Reason.MOVED, 360
    ),
    "turned a little": Scenario(
        faulty(lambda camera, _: camera.sees(scenes.seen_from(camera.day, 110, 14))), Reason.MOVED, 360
    ),
    "no video, blue": Scenario(faulty(lambda *_: scenes.no_video(41, text=False)), Reason.NO_SIGNAL, 60),
    "no video, grey with text": Scenario(faulty(lambda *_: scenes.no_video(128, text=True)), Reason.NO_SIGNAL, 60),
    "dark": Scenario(
        faulty(lambda camera, _: camera.sees(np.full_like(camera.day, 17))), Reason.BLACK, 30
    ),
}  # fmt: skip

ENCODINGS = {
    Encoding("libx264", "crf=24", 2): (scenes.corridor(1), scenes.yard(2), 1.5),
    Encoding("libx264", "kbps=80", 3): (scenes.yard(1), scenes.corridor(3), 2.0),
    Encoding("libx264", "kbps=400", 3): (scenes.corridor(5), scenes.corridor(2), 0.7),
    Encoding("libx265", "crf=30", 1): (scenes.yard(3), scenes.corridor(4), 3.0),
    Encoding("libx265", "kbps=100", 3): (scenes.corridor(2), scenes.yard(4), 1.0),
    Encoding("mjpeg", "qscale=5", 1): (scenes.corridor(3), scenes.yard(1), 0.7),
}


def verdicts(scenario: Scenario, encoding: Encoding) -> list[tuple[Reason, ...]]:
    """What the judge says of each look of a run."""
    camera = Camera(*ENCODINGS[encoding])
    history, said = History(), []
    for number, luma in enumerate(looks((scenario.shown(camera, look) for look in range(LOOKS)), encoding)):
        look = Look(1000 + number * EVERY_S, luma)
        history, reasons = judge(history, look, frozen_after_s=FROZEN_AFTER_S, patience=PATIENCE)
        said.append(reasons)
    assert len(said) == LOOKS
    return said


@pytest.mark.parametrize("name", NOTHING_WRONG)
@pytest.mark.parametrize("encoding", ENCODINGS, ids=str)
def test_nothing_is_said_of_a_camera_that_is_well(name: str, encoding: Encoding) -> None:
    said = verdicts(NOTHING_WRONG[name], encoding)

    assert set(said) == {()}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("encoding", ENCODINGS, ids=str)
def test_a_fault_is_found_in_time_and_called_by_its_name_only(name: str, encoding: Encoding) -> None:
    scenario = FAULTS[name]
    said = verdicts(scenario, encoding)

    assert set(said[:FAULT]) == {()}, "before it happened"
    assert {reason for reasons in said for reason in reasons} == {scenario.reason}
    # It happened just after the last good look.
    found = next(number for number, reasons in enumerate(said) if reasons)
    assert (found - FAULT + 1) * EVERY_S <= scenario.within_s
    assert sum(not reasons for reasons in said[found:]) <= 3, "it stays said but for single looks"
