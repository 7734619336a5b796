"""Rendered Kubernetes manifests as values that checks can ask.

A check is a function from the manifests of one overlay to a list of sentences, one for each fault, none if all is well.
"""

import copy
import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "k8s"
OVERLAYS = ("production", "trial")

Manifest: TypeAlias = dict[str, Any]
Manifests: TypeAlias = list[Manifest]
Check: TypeAlias = Callable[[Manifests], list[str]]

_WITH_PODS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Job"})


def load(path: Path) -> Manifests:
    """The objects of a rendered file."""
    return [document for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document]


def rendered(overlay: str) -> Manifests:
    """The committed rendering of an overlay, fresh each time, so that a caller may change it."""
    return copy.deepcopy(_parsed(overlay))


@functools.cache
def _parsed(overlay: str) -> Manifests:
    return load(KUBERNETES / "rendered" / f"{overlay}.yaml")


def of_kind(manifests: Manifests, *kinds: str) -> Iterator[Manifest]:
    """The objects of these kinds."""
    return (manifest for manifest in manifests if manifest["kind"] in kinds)


def one(manifests: Manifests, kind: str, name: str) -> Manifest:
    """The object of this kind and name. Raises LookupError if there is none."""
    for manifest in of_kind(manifests, kind):
        if manifest["metadata"]["name"] == name:
            return manifest
    raise LookupError(f"there is no {kind} {name}")


def title(manifest: Manifest) -> str:
    """How faults call an object: ``Deployment vonggac-api``."""
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def namespace_of(manifest: Manifest) -> str:
    """The namespace that is written in the object; empty if none is."""
    return str(manifest["metadata"].get("namespace", ""))


@dataclass(frozen=True)
class Workload:
    """Something that makes pods, and the pods it makes."""

    manifest: Manifest

    @property
    def title(self) -> str:
        return title(self.manifest)

    @property
    def namespace(self) -> str:
        return namespace_of(self.manifest)

    @property
    def labels(self) -> dict[str, str]:
        labels: dict[str, str] = self.manifest["spec"]["template"]["metadata"]["labels"]
        return labels

    @property
    def component(self) -> str:
        return self.labels.get("app.kubernetes.io/component", "")

    @property
    def pod(self) -> dict[str, Any]:
        pod: dict[str, Any] = self.manifest["spec"]["template"]["spec"]
        return pod

    @property
    def containers(self) -> list[dict[str, Any]]:
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]

    @property
    def is_ours(self) -> bool:
        """Whether its processes are this project's, not PostgreSQL or RabbitMQ."""
        return any(image_name(container["image"]) == "vonggac" for container in self.containers)

    def ports(self) -> dict[str, int]:
        """Port numbers by name."""
        return {
            port["name"]: port["containerPort"] for container in self.containers for port in container.get("ports", [])
        }


def workloads(manifests: Manifests) -> list[Workload]:
    """Everything that makes pods."""
    return [Workload(manifest) for manifest in of_kind(manifests, *_WITH_PODS)]


def image_name(image: str) -> str:
    """The last part of an image's name, without registry, tag and digest."""
    return re.sub(r"[:@].*", "", image.rpartition("/")[2])


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector fits; with ``matchLabels``/``matchExpressions``, and empty for everything."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(_expression_fits(expression, labels) for expression in selector.get("matchExpressions", []))


def _expression_fits(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    raise ValueError(f"unknown operator {expression['operator']!r}")
