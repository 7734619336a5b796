"""Checks that the settings which the manifests give are settings, are accepted, and agree with the objects around them."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from tests.deploy.environment import PREFIX, environment_faults, settings_from
from tests.deploy.manifests import Manifests, Workload, of_kind, one, selects, workloads

#: Values of the kind that the README tells people to put into their Secrets.
_SAMPLES = {
    ("vonggac-database", "url"): "postgresql+asyncpg://user:password@host/database?ssl=verify-full",
    ("vonggac-bus", "url"): "amqps://user:password@host/?cafile=/etc/vonggac/trust/bus.crt",
    ("vonggac-worker", "api-key"): "vg_sample",
}
_SAMPLE_FIELDS = {"status.podIP": "10.0.0.7", "metadata.name": "vonggac-pod-0"}


def ours(manifests: Manifests) -> list[Workload]:
    """The workloads whose processes read our settings."""
    return [workload for workload in workloads(manifests) if workload.is_ours]


def environment_of(manifests: Manifests, workload: Workload) -> dict[str, str]:
    """The variables of the workload's first container, with samples for what comes from Secrets and the pod."""
    container = workload.pod["containers"][0]
    environment: dict[str, str] = {}
    for source in container.get("envFrom", []):
        environment |= one(manifests, "ConfigMap", source["configMapRef"]["name"])["data"]
    return environment | {variable["name"]: _value(variable) for variable in container.get("env", [])}


def _value(variable: Mapping[str, Any]) -> str:
    if "value" in variable:
        return str(variable["value"])
    origin = variable["valueFrom"]
    if reference := origin.get("secretKeyRef"):
        return _SAMPLES.get((reference["name"], reference["key"]), "")
    return _SAMPLE_FIELDS.get(origin.get("fieldRef", {}).get("fieldPath", ""), "")


def settings_are_accepted(manifests: Manifests) -> list[str]:
    """Every variable is a setting, every value fits, and the role could start."""
    return [
        fault
        for workload in ours(manifests)
        for fault in environment_faults(
            workload.title, environment_of(manifests, workload), workload.pod["containers"][0].get("args", [])
        )
    ]


def ports_agree(manifests: Manifests) -> list[str]:
    """The port that a setting opens is the port that the pod declares under its name."""
    faults = []
    for workload in ours(manifests):
        environment = environment_of(manifests, workload)
        for setting, port_name in (("PORT", "https"), ("OPS_PORT", "ops"), ("MEDIA_PORT", "media")):
            opened, declared = environment.get(PREFIX + setting), workload.ports().get(port_name)
            if (opened is not None or declared is not None) and str(opened) != str(declared):
                faults.append(f"{workload.title}: {PREFIX}{setting} is {opened}, the port {port_name} is {declared}")
    return faults


def files_are_mounted(manifests: Manifests) -> list[str]:
    """Every file and directory that a setting names is on a volume of the pod, with that file in it."""
    faults = []
    for workload in ours(manifests):
        environment = environment_of(manifests, workload)
        settings = settings_from({name: value for name, value in environment.items() if name.startswith(PREFIX)})
        needed = [settings.tls_cert, settings.tls_key, settings.api_ca]
        if workload.component in {"api", "migrate"}:
            needed.append(settings.keys_dir)
        if workload.component == "api":
            needed.append(settings.snapshots_dir)
        named = [str(path) for path in needed if path is not None]
        named += [path for name, path in environment.items() if name == "PGSSLROOTCERT"]
        faults += [
            f"{workload.title} needs {path}, which is on no volume" for path in named if not _mounted(workload, path)
        ]
    return faults


def _mounted(workload: Workload, path: str) -> bool:
    volumes = {volume["name"]: volume for volume in workload.pod.get("volumes", [])}
    for mount in workload.pod["containers"][0].get("volumeMounts", []):
        if mount["mountPath"] == path:
            return True
        if PurePosixPath(mount["mountPath"]) in PurePosixPath(path).parents:
            inside = str(PurePosixPath(path).relative_to(mount["mountPath"]))
            return inside in _files_of(volumes[mount["name"]])
    return False


def _files_of(volume: Mapping[str, Any]) -> set[str]:
    sources = [volume, *volume.get("projected", {}).get("sources", [])]
    return {
        item["path"]
        for source in sources
        for kind in ("secret", "configMap")
        for item in source.get(kind, {}).get("items", [])
    }


def workers_find_the_api(manifests: Manifests) -> list[str]:
    """VONGGAC_API_URL names a Service of the same namespace, and a port of it, that leads to the API."""
    faults = []
    for workload in ours(manifests):
        url = environment_of(manifests, workload).get(f"{PREFIX}API_URL")
        if workload.component != "ingest" or not url:
            continue
        parts = urlsplit(url)
        leads = any(
            service["metadata"]["name"] == parts.hostname
            and (parts.port or 443) in {port["port"] for port in service["spec"]["ports"]}
            and any(
                selects({"matchLabels": service["spec"]["selector"]}, other.labels) and other.component == "api"
                for other in workloads(manifests)
            )
            for service in of_kind(manifests, "Service")
        )
        if not leads:
            faults.append(f"{workload.title}: {url} leads to no Service of the API")
    return faults


def camera_networks_agree(manifests: Manifests) -> list[str]:
    """The networks in which cameras may be registered are those that workers, and nobody else, may reach."""
    faults = []
    for workload in ours(manifests):
        if workload.component not in {"api", "ingest"}:
            continue
        allowed = {
            str(network)
            for network in settings_from(
                {name: value for name, value in environment_of(manifests, workload).items() if name.startswith(PREFIX)}
            ).camera_networks
        }
        reachable = _blocks_reachable(manifests, workload)
        if not allowed:
            faults.append(f"{workload.title} has no camera networks: nothing could be registered")
        expected = allowed if workload.component == "ingest" else set()
        if reachable != expected:
            faults.append(f"{workload.title} may register cameras in {sorted(allowed)} and reaches {sorted(reachable)}")
    return faults


def _blocks_reachable(manifests: Manifests, workload: Workload) -> set[str]:
    return {
        peer["ipBlock"]["cidr"]
        for policy in of_kind(manifests, "NetworkPolicy")
        if selects(policy["spec"]["podSelector"], workload.labels)
        for rule in policy["spec"].get("egress", [])
        for peer in rule.get("to", [])
        if "ipBlock" in peer
    }
