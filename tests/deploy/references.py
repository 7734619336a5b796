"""Checks that what one object names exists in another."""

from collections.abc import Iterator
from typing import Any

from tests.deploy.documented import Given, given
from tests.deploy.manifests import (
    Check,
    Manifest,
    Manifests,
    Workload,
    namespace_of,
    of_kind,
    selects,
    title,
    workloads,
)


def selectors_hit_pods(manifests: Manifests) -> list[str]:
    """Services, disruption budgets and policies select pods of their namespace; workloads select their own."""
    faults = [
        f"{title(manifest)} selects no pod of its namespace"
        for manifest in of_kind(manifests, "Service", "PodDisruptionBudget", "NetworkPolicy")
        if not _selected(manifests, manifest, _selector(manifest))
    ]
    for workload in workloads(manifests):
        selector = workload.manifest["spec"].get("selector")
        if workload.manifest["kind"] != "Job" and not selects(selector, workload.labels):
            faults.append(f"{workload.title} does not select its own pods")
        faults += [
            f"{workload.title} spreads over {constraint['topologyKey']} pods that are not its own"
            for constraint in workload.pod.get("topologySpreadConstraints", [])
            if not selects(constraint.get("labelSelector"), workload.labels)
        ]
    return faults


def service_ports_exist(manifests: Manifests) -> list[str]:
    """Each port of a Service is a port of every pod behind it."""
    return [
        f"{title(service)} sends to port {target}, which {workload.title} does not have"
        for service in of_kind(manifests, "Service")
        for workload in _selected(manifests, service, _selector(service))
        for port in service["spec"]["ports"]
        if (target := port.get("targetPort", port["port"])) not in {*workload.ports(), *workload.ports().values()}
    ]


def probe_ports_exist(manifests: Manifests) -> list[str]:
    """Probes ask ports that their container has."""
    faults = []
    for workload in workloads(manifests):
        for container in workload.containers:
            ports = container.get("ports", [])
            known = {port["name"] for port in ports} | {port["containerPort"] for port in ports}
            for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
                probe = container.get(kind, {})
                asked = (probe.get("httpGet") or probe.get("tcpSocket") or {}).get("port")
                if asked is not None and asked not in known:
                    faults.append(f"{workload.title}: {kind} asks port {asked}, which the container does not have")
    return faults


def scale_targets_exist(manifests: Manifests) -> list[str]:
    """Autoscalers find their workload in their namespace; it has no ``replicas``, and those without one have."""
    faults = []
    scaled: set[str] = set()
    for scaler in of_kind(manifests, "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        found = [
            workload
            for workload in workloads(manifests)
            if workload.title == f"{target['kind']} {target['name']}"
            and workload.namespace == namespace_of(scaler)
            and workload.manifest["apiVersion"] == target["apiVersion"]
        ]
        if not found:
            faults.append(
                f"{title(scaler)} scales {target['kind']} {target['name']}, which its namespace does not have"
            )
        scaled.update(workload.title for workload in found)
        if scaler["spec"].get("minReplicas", 1) > scaler["spec"]["maxReplicas"]:
            faults.append(f"{title(scaler)} has more replicas at least than at most")
    for workload in workloads(manifests):
        has_replicas = "replicas" in workload.manifest["spec"]
        if workload.title in scaled and has_replicas:
            faults.append(f"{workload.title} has replicas and an autoscaler, which would fight over them")
        if workload.manifest["kind"] != "Job" and workload.title not in scaled and not has_replicas:
            faults.append(f"{workload.title} has neither replicas nor an autoscaler")
    return faults


def volumes_fit_mounts(manifests: Manifests) -> list[str]:
    """Every mount has a volume, every volume a mount, and no path is mounted twice; claims exist."""
    faults = []
    claims = {(namespace_of(claim), claim["metadata"]["name"]) for claim in of_kind(manifests, "PersistentVolumeClaim")}
    for workload in workloads(manifests):
        volumes = {volume["name"] for volume in workload.pod.get("volumes", [])}
        volumes |= {claim["metadata"]["name"] for claim in workload.manifest["spec"].get("volumeClaimTemplates", [])}
        mounted = set()
        for container in workload.containers:
            mounts = container.get("volumeMounts", [])
            mounted |= {mount["name"] for mount in mounts}
            paths = [mount["mountPath"] for mount in mounts]
            faults += [f"{workload.title} mounts {path} twice" for path in set(paths) if paths.count(path) > 1]
        faults += [
            f"{workload.title} mounts volume {name}, which it does not have" for name in sorted(mounted - volumes)
        ]
        faults += [f"{workload.title} has volume {name} and mounts it nowhere" for name in sorted(volumes - mounted)]
        for volume in workload.pod.get("volumes", []):
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            if claim and (workload.namespace, claim) not in claims:
                faults.append(f"{workload.title} uses claim {claim}, which its namespace does not have")
    return faults


def service_accounts_exist(manifests: Manifests) -> list[str]:
    """The account that a pod names is in its namespace."""
    accounts = {
        (namespace_of(account), account["metadata"]["name"]) for account in of_kind(manifests, "ServiceAccount")
    }
    return [
        f"{workload.title} runs as {name}, which its namespace does not have"
        for workload in workloads(manifests)
        if (name := workload.pod.get("serviceAccountName")) and (workload.namespace, name) not in accounts
    ]


def objects_are_in_namespaces(manifests: Manifests) -> list[str]:
    """Every object is in a namespace that is made with it, and no two have the same name."""
    namespaces = {manifest["metadata"]["name"] for manifest in of_kind(manifests, "Namespace")}
    faults = [
        f"{title(manifest)} is in namespace {namespace_of(manifest)!r}, which is not made here"
        for manifest in manifests
        if manifest["kind"] != "Namespace" and namespace_of(manifest) not in namespaces
    ]
    names = [(namespace_of(manifest), title(manifest)) for manifest in manifests]
    return faults + [f"{name} exists twice" for _, name in sorted({name for name in names if names.count(name) > 1})]


def configuration_exists(overlay: str) -> Check:
    """Each Secret and ConfigMap, key by key, is made by the overlay or stands in the README's table."""

    def check(manifests: Manifests) -> list[str]:
        there = {*given(overlay), *_generated(manifests)}
        named = {(source.kind, source.name) for source in there}
        faults = []
        for who, source, optional in _used(manifests):
            if optional and (source.kind, source.name) in named:
                continue
            exists = (source.kind, source.name) in named if source.key == "*" else source in there
            if not exists:
                faults.append(f"{who} needs {source.kind} {source.name} with key {source.key}, which nobody makes")
        return faults

    return check


def jobs_can_be_applied_again(manifests: Manifests) -> list[str]:
    """A Job cannot change: its name carries its image's tag, and nothing in it depends on a generated name."""
    faults = []
    generated = {manifest["metadata"]["name"] for manifest in of_kind(manifests, "ConfigMap")}
    for workload in workloads(manifests):
        if workload.manifest["kind"] != "Job":
            continue
        for container in workload.containers:
            tag = container["image"].rpartition(":")[2]
            if not workload.manifest["metadata"]["name"].endswith("-" + tag.replace(".", "-")):
                faults.append(f"{workload.title} does not carry the tag {tag} of its image in its name")
        used = {source.name for _, source, _ in _used([workload.manifest]) if source.kind == "ConfigMap"}
        faults += [
            f"{workload.title} reads {name}, whose name changes with its content" for name in sorted(used & generated)
        ]
    return faults


def used_given(manifests: Manifests) -> frozenset[Given]:
    """Every key of a Secret or ConfigMap that the objects use; ``*`` where a volume takes all keys."""
    return frozenset(source for _, source, _ in _used(manifests))


def _selector(manifest: Manifest) -> dict[str, Any] | None:
    spec = manifest["spec"]
    if manifest["kind"] == "Service":
        return {"matchLabels": spec["selector"]} if spec.get("selector") else None
    selector: dict[str, Any] = spec["podSelector"] if manifest["kind"] == "NetworkPolicy" else spec["selector"]
    return selector


def _selected(manifests: Manifests, by: Manifest, selector: dict[str, Any] | None) -> list[Workload]:
    return [
        workload
        for workload in workloads(manifests)
        if workload.namespace == namespace_of(by) and selects(selector, workload.labels)
    ]


def _generated(manifests: Manifests) -> Iterator[Given]:
    for manifest in of_kind(manifests, "ConfigMap", "Secret"):
        for key in {**manifest.get("data", {}), **manifest.get("stringData", {})}:
            yield Given(manifest["kind"], manifest["metadata"]["name"], key)


def _used(manifests: Manifests) -> Iterator[tuple[str, Given, bool]]:
    """Who uses what, and whether it may be missing."""
    for workload in workloads(manifests):
        for container in workload.containers:
            for variable in container.get("env", []):
                yield from _keys_of_variable(workload.title, variable.get("valueFrom", {}))
            for source in container.get("envFrom", []):
                for kind, reference in (("ConfigMap", source.get("configMapRef")), ("Secret", source.get("secretRef"))):
                    if reference:
                        yield workload.title, Given(kind, reference["name"], "*"), reference.get("optional", False)
        for volume in workload.pod.get("volumes", []):
            for source in [volume, *volume.get("projected", {}).get("sources", [])]:
                yield from _keys_of_source(workload.title, source)
    for gateway in of_kind(manifests, "Gateway"):
        for listener in gateway["spec"]["listeners"]:
            for reference in listener.get("tls", {}).get("certificateRefs", []):
                for key in ("tls.crt", "tls.key"):
                    yield title(gateway), Given(reference["kind"], reference["name"], key), False
    for policy in of_kind(manifests, "BackendTLSPolicy"):
        for reference in policy["spec"]["validation"]["caCertificateRefs"]:
            yield title(policy), Given(reference["kind"], reference["name"], "ca.crt"), False


def _keys_of_variable(who: str, value_from: dict[str, Any]) -> Iterator[tuple[str, Given, bool]]:
    for kind, field in (("Secret", "secretKeyRef"), ("ConfigMap", "configMapKeyRef")):
        if reference := value_from.get(field):
            yield who, Given(kind, reference["name"], reference["key"]), reference.get("optional", False)


def _keys_of_source(who: str, source: dict[str, Any]) -> Iterator[tuple[str, Given, bool]]:
    for kind, field in (("Secret", "secret"), ("ConfigMap", "configMap")):
        if reference := source.get(field):
            name = reference.get("secretName") or reference["name"]
            for item in reference.get("items", [{"key": "*"}]):
                yield who, Given(kind, name, item["key"]), reference.get("optional", False)
