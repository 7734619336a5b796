"""The fewest and smallest inputs that together reach what all of them reach, by lines of our readers."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

from tests.fuzz.targets import Target

_WATCHED = str(Path("services") / "ingest")
#: Larger inputs are found anew by every run, and would make the repository heavy.
INPUT_BYTES_MAX = 4096

#: Two lines of one file, the second run right after the first.
Step: TypeAlias = tuple[str, int, int]


def fewest(target: Target, inputs: Iterable[bytes]) -> list[bytes]:
    """The inputs to keep, smallest first. Inputs on which the target fails are passed over."""
    kept: list[bytes] = []
    seen: set[Step] = set()
    for data in sorted({one for one in inputs if len(one) <= INPUT_BYTES_MAX}, key=lambda one: (len(one), one)):
        reached = steps(target, data)
        if reached is not None and not reached <= seen:
            seen |= reached
            kept.append(data)
    return kept


def steps(target: Target, data: bytes) -> set[Step] | None:
    """What the target runs through on this input; None when it fails."""
    reached: set[Step] = set()
    before = sys.gettrace()
    sys.settrace(_tracer(reached))
    try:
        target(data)
    except Exception:  # noqa: BLE001 - whatever a property says
        return None
    finally:
        sys.settrace(before)
    return reached


def _tracer(reached: set[Step]) -> Callable[[FrameType, str, Any], Any]:
    def enter(frame: FrameType, event: str, _: Any) -> Any:
        file = frame.f_code.co_filename
        if event != "call" or _WATCHED not in file:
            return None
        line = 0

        def step(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal line
            if event == "line":
                reached.add((file, line, frame.f_lineno))
                line = frame.f_lineno
            return step

        return step

    return enter
