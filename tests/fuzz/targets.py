"""All targets by name, and where the cases kept for each stand."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from tests.fuzz import streams, texts

Target: TypeAlias = Callable[[bytes], None]

TARGETS: Mapping[str, Target] = {
    "messages": texts.messages,
    "auth": texts.auth,
    "sdp": texts.description,
    "setup": texts.setup,
    "redirects": texts.redirects,
    "framing": streams.framing,
    "rtp": streams.rtp,
    "keyframe": streams.keyframe,
    "rtcp": streams.rtcp,
    "intake": streams.intake,
}

KEPT = Path(__file__).parent.parent / "data" / "fuzz"


def kept_cases(name: str) -> list[Path]:
    """The cases of one target, in the order of their names."""
    return sorted((KEPT / name).glob("*"))
