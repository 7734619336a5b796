"""Checks of how pods run: the restricted standard, resources, shutdown, spread, and secrets in the open."""

import re
import tomllib
from typing import Any

from tests.deploy.manifests import ROOT, Manifests, Workload, image_name, of_kind, selects, title, workloads

_HOST_FIELDS = ("hostNetwork", "hostPID", "hostIPC")
_ALLOWED_VOLUMES = frozenset({"configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret", "downwardAPI"})
_WORDS_OF_SECRETS = re.compile(r"(?i)://[^/\s:@]+:[^/\s@]+@|\bvg_[A-Za-z0-9]{8}|-----BEGIN [A-Z ]*PRIVATE KEY")
#: Seconds that a process has to end by itself after the pause before its SIGTERM.
_TIME_TO_END_S = 30


def pods_are_restricted(manifests: Manifests) -> list[str]:
    """The restricted Pod Security Standard, and beyond it a read-only root file system and no service links."""
    faults = []
    for workload in workloads(manifests):
        pod = workload.pod
        faults += [f"{workload.title} sets {field}" for field in _HOST_FIELDS if pod.get(field)]
        if pod.get("enableServiceLinks") is not False:
            faults.append(f"{workload.title} lets Kubernetes add variables for Services beside our settings")
        for volume in pod.get("volumes", []):
            if kinds := set(volume) - {"name"} - _ALLOWED_VOLUMES:
                faults.append(f"{workload.title} has a volume of kind {kinds.pop()}")
        security = pod.get("securityContext", {})
        if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            faults.append(f"{workload.title} has no seccomp profile")
        if security.get("runAsNonRoot") is not True or not security.get("runAsUser"):
            faults.append(f"{workload.title} may run as root")
        for container in workload.containers:
            faults += [f"{workload.title}: {fault}" for fault in _container_faults(container)]
    return faults


def _container_faults(container: dict[str, Any]) -> list[str]:
    security = container.get("securityContext", {})
    faults = []
    if security.get("privileged"):
        faults.append("a privileged container")
    if security.get("allowPrivilegeEscalation") is not False:
        faults.append("may gain privileges")
    if security.get("readOnlyRootFilesystem") is not True:
        faults.append("may write its root file system")
    capabilities = security.get("capabilities", {})
    if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
        faults.append("keeps capabilities")
    if security.get("runAsNonRoot") is False or security.get("runAsUser") == 0:
        faults.append("runs as root")
    if any("hostPort" in port for port in container.get("ports", [])):
        faults.append("takes a port of the node")
    return faults


def namespaces_enforce_restriction(manifests: Manifests) -> list[str]:
    """Namespaces refuse pods that are not restricted."""
    return [
        f"{title(namespace)} does not enforce the restricted standard"
        for namespace in of_kind(manifests, "Namespace")
        if namespace["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce") != "restricted"
    ]


def no_pod_has_a_token(manifests: Manifests) -> list[str]:
    """Neither accounts nor pods mount a token for the Kubernetes API."""
    faults = [
        f"{title(account)} hands out tokens"
        for account in of_kind(manifests, "ServiceAccount")
        if account.get("automountServiceAccountToken") is not False
    ]
    return faults + [
        f"{workload.title} gets a token for the Kubernetes API"
        for workload in workloads(manifests)
        if workload.pod.get("automountServiceAccountToken") is not False
    ]


def resources_are_bounded(manifests: Manifests) -> list[str]:
    """Memory is requested and limited, CPU requested and not limited, temporary directories have a size."""
    faults = []
    for workload in workloads(manifests):
        for container in workload.containers:
            resources = container.get("resources", {})
            requests, limits = resources.get("requests", {}), resources.get("limits", {})
            if "memory" not in limits or "memory" not in requests:
                faults.append(f"{workload.title} has no bound of memory")
            if "cpu" in limits:
                faults.append(f"{workload.title} is throttled by a CPU limit")
            if "cpu" not in requests:
                faults.append(f"{workload.title} requests no CPU")
        faults += [
            f"{workload.title}: volume {volume['name']} can fill the node"
            for volume in workload.pod.get("volumes", [])
            if "emptyDir" in volume and "sizeLimit" not in (volume["emptyDir"] or {})
        ]
    return faults


def images_are_pinned(manifests: Manifests) -> list[str]:
    """Each image has a tag that is a version, and ours is the version of ``pyproject.toml``."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    faults = []
    for workload in workloads(manifests):
        for container in workload.containers:
            tag = container["image"].partition(":")[2]
            if not re.search(r"\d", tag):
                faults.append(f"{workload.title} runs {container['image']}, which can be another one tomorrow")
            if image_name(container["image"]) == "vonggac" and tag != version:
                faults.append(f"{workload.title} runs {container['image']}, but this is version {version}")
    return faults


def processes_are_probed(manifests: Manifests) -> list[str]:
    """Everything that stays up has three probes; those of ours ask /livez, or /readyz for readiness."""
    faults = []
    paths = {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
    for workload in workloads(manifests):
        if workload.manifest["kind"] == "Job":
            continue
        for container in workload.pod["containers"]:
            for kind, path in paths.items():
                probe = container.get(kind)
                if not probe:
                    faults.append(f"{workload.title} has no {kind}")
                elif workload.is_ours and probe.get("httpGet", {}).get("path") != path:
                    faults.append(f"{workload.title}: {kind} does not ask {path}")
    return faults


def shutdown_is_graceful(manifests: Manifests) -> list[str]:
    """What a Service of ours sends people to pauses before it stops, and everybody has time to end after that."""
    faults = []
    for workload in workloads(manifests):
        if workload.manifest["kind"] == "Job":
            continue
        served = any(
            selects({"matchLabels": service["spec"]["selector"]}, workload.labels)
            for service in of_kind(manifests, "Service")
        )
        pause = max(
            container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            for container in workload.pod["containers"]
        )
        if workload.is_ours and served and not pause:
            faults.append(f"{workload.title} stops while Services still send to it: it needs a preStop sleep")
        if workload.pod.get("terminationGracePeriodSeconds", 30) < pause + _TIME_TO_END_S:
            faults.append(f"{workload.title} has less than {_TIME_TO_END_S} s to end after its preStop pause")
    return faults


def replicas_are_spread(manifests: Manifests) -> list[str]:
    """What runs more than once is spread over nodes and guarded by a disruption budget."""
    faults = []
    for workload in workloads(manifests):
        if not _runs_more_than_once(manifests, workload):
            continue
        keys = {constraint["topologyKey"] for constraint in workload.pod.get("topologySpreadConstraints", [])}
        if "kubernetes.io/hostname" not in keys:
            faults.append(f"{workload.title} may have all its replicas on one node")
        guarded = any(
            selects(budget["spec"]["selector"], workload.labels) for budget in of_kind(manifests, "PodDisruptionBudget")
        )
        if not guarded:
            faults.append(f"{workload.title} has no disruption budget")
    return faults


def replicas_are_spread_by_zone(manifests: Manifests) -> list[str]:
    """For production: what runs more than once is spread over zones."""
    return [
        f"{workload.title} may have all its replicas in one zone"
        for workload in workloads(manifests)
        if _runs_more_than_once(manifests, workload)
        and not any(
            constraint["topologyKey"] == "topology.kubernetes.io/zone"
            for constraint in workload.pod.get("topologySpreadConstraints", [])
        )
    ]


def no_secret_is_in_the_open(manifests: Manifests) -> list[str]:
    """No Secret object, and no text that looks like one."""
    faults = [f"{title(secret)} is a Secret in a repository" for secret in of_kind(manifests, "Secret")]
    return faults + [
        f"{title(manifest)} holds what looks like a secret"
        for manifest in manifests
        if any(_WORDS_OF_SECRETS.search(text) for text in _texts(manifest))
    ]


def _runs_more_than_once(manifests: Manifests, workload: Workload) -> bool:
    scaled = any(
        scaler["spec"]["scaleTargetRef"]["name"] == workload.manifest["metadata"]["name"]
        for scaler in of_kind(manifests, "HorizontalPodAutoscaler")
    )
    replicas: int = workload.manifest["spec"].get("replicas", 1)
    return scaled or replicas > 1


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for part in value.values() for text in _texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return [value] if isinstance(value, str) else []
