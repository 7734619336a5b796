"""What ``k8s/README.md`` says must exist in the cluster before an overlay is applied."""

import re
from dataclasses import dataclass

from tests.deploy.manifests import KUBERNETES, OVERLAYS

_ROW = re.compile(
    r"^\| (?P<kind>Secret|ConfigMap) \| `(?P<name>[^`]+)` \| `(?P<key>[^`]+)` \| (?P<overlays>[a-z, ]+) \|"
)
_CREATE = re.compile(
    r"kubectl -n vonggac create (?P<kind>secret generic|secret tls|configmap) (?P<name>[a-z-]+)(?P<options>.*)"
)
_FILE = re.compile(r"--from-file=(?:(?P<key>[^=\s]+)=)?(?P<file>\S+)")
_LITERAL = re.compile(r"--from-literal=(?P<key>[^=\s]+)=")


@dataclass(frozen=True, order=True)
class Given:
    """One key of a Secret or ConfigMap that somebody else makes."""

    kind: str
    name: str
    key: str


def readme() -> str:
    """The text of ``k8s/README.md`` with continued lines joined."""
    return (KUBERNETES / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")


def given(overlay: str) -> frozenset[Given]:
    """What the table of the README lists for an overlay."""
    found: set[Given] = set()
    for line in readme().splitlines():
        if row := _ROW.match(line):
            for_overlays = OVERLAYS if row["overlays"] == "all" else tuple(row["overlays"].split(", "))
            if unknown := set(for_overlays) - set(OVERLAYS):
                raise ValueError(f"the README names overlays that do not exist: {sorted(unknown)}")
            if overlay in for_overlays:
                found.add(Given(row["kind"], row["name"], row["key"]))
    return frozenset(found)


def created_by_commands() -> frozenset[Given]:
    """What the ``kubectl create`` commands of the README make, over all overlays."""
    found: set[Given] = set()
    for command in _CREATE.finditer(readme()):
        kind = "ConfigMap" if command["kind"] == "configmap" else "Secret"
        keys = ["tls.crt", "tls.key"] if command["kind"] == "secret tls" else []
        keys += [option["key"] or option["file"] for option in _FILE.finditer(command["options"])]
        keys += [option["key"] for option in _LITERAL.finditer(command["options"])]
        found.update(Given(kind, command["name"], key) for key in keys)
    return frozenset(found)
