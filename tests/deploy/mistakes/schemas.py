"""Mistakes that the checks against the schemas of Kubernetes must find."""

from tests.deploy.manifests import one
from tests.deploy.mistakes.mistake import Mistake, container

MISTAKES = (
    Mistake(
        "schema_is_met[1.30]",
        "a misspelt field",
        lambda m: container(m).update(volumeMount=[]),
        "volumeMount",
    ),
    Mistake(
        "schema_is_met[1.30]",
        "a value of the wrong kind",
        lambda m: container(m)["ports"][0].update(containerPort="8443"),
        "8443",
    ),
    Mistake(
        "schema_is_met[1.30]",
        "a kind that nobody knows",
        lambda m: one(m, "Service", "vonggac-api").update(kind="Servise"),
        "Couldn't find schema",
    ),
)
