"""What a picture shows, judged from small looks at it. Pure: numpy and nothing else.

Frozen is told by identity (``still``), black and the empty screens of recorders by being plain (``plain``), covered,
blurred and moved against the camera's own past (``baseline``). Why so: docs/decisions/0020-judging-pictures.md.
"""

from services.ingest.picture.baseline import Baseline, Patience
from services.ingest.picture.look import LOOK_HEIGHT, LOOK_WIDTH, Difference, Look, Luma, difference
from services.ingest.picture.plain import is_black, plain_level
from services.ingest.picture.still import stands_still
from services.ingest.picture.verdict import History, judge, seen_before, undecided

__all__ = [
    "LOOK_HEIGHT",
    "LOOK_WIDTH",
    "Baseline",
    "Difference",
    "History",
    "Look",
    "Luma",
    "Patience",
    "difference",
    "is_black",
    "judge",
    "plain_level",
    "seen_before",
    "stands_still",
    "undecided",
]
