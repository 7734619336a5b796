"""Mistakes somebody could make in a manifest, each with the check that must find it and a word of what it says."""

from tests.deploy.mistakes import configuration, edge, hardening, network, references, schemas
from tests.deploy.mistakes.mistake import Mistake

MISTAKES: tuple[Mistake, ...] = (
    *references.MISTAKES,
    *hardening.MISTAKES,
    *configuration.MISTAKES,
    *network.MISTAKES,
    *edge.MISTAKES,
    *schemas.MISTAKES,
)
