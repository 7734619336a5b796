"""A mistake made on purpose, and ways to make one. They change the manifests they are given."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.deploy.manifests import Manifests, one


@dataclass(frozen=True)
class Mistake:
    """A change to the manifests of one overlay that makes them wrong."""

    check: str
    name: str
    change: Callable[[Manifests], object]
    told: str
    overlay: str = "production"


def spec(manifests: Manifests, kind: str, name: str) -> dict[str, Any]:
    """The ``spec`` of an object."""
    found: dict[str, Any] = one(manifests, kind, name)["spec"]
    return found


def pod(manifests: Manifests, name: str = "vonggac-api", kind: str = "Deployment") -> dict[str, Any]:
    """The ``spec`` of the pods of a workload."""
    found: dict[str, Any] = spec(manifests, kind, name)["template"]["spec"]
    return found


def container(manifests: Manifests, name: str = "vonggac-api", kind: str = "Deployment") -> dict[str, Any]:
    """The first container of a workload."""
    found: dict[str, Any] = pod(manifests, name, kind)["containers"][0]
    return found


def set_variable(container: dict[str, Any], name: str, value: str) -> None:
    """Give a container a variable, instead of one of that name."""
    container["env"] = [variable for variable in container["env"] if variable["name"] != name]
    container["env"].append({"name": name, "value": value})


def drop(items: list[dict[str, Any]], *names: str) -> None:
    """Take the items of these names out of a list."""
    items[:] = [item for item in items if item["name"] not in names]


def volume(manifests: Manifests, workload: str, name: str) -> dict[str, Any]:
    """A volume of a Deployment."""
    found: dict[str, Any] = next(item for item in pod(manifests, workload)["volumes"] if item["name"] == name)
    return found


def rules(manifests: Manifests, route: str = "vonggac") -> list[dict[str, Any]]:
    """The rules of a route."""
    found: list[dict[str, Any]] = spec(manifests, "HTTPRoute", route)["rules"]
    return found


def remove(manifests: Manifests, kind: str, name: str) -> None:
    """Take an object away."""
    manifests.remove(one(manifests, kind, name))
