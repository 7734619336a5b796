"""Which connections network policies allow, worked out as a network plugin does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, Literal

from tests.deploy.manifests import Manifest, Manifests, namespace_of, of_kind, selects, title, workloads

OUR_NAMESPACE = "vonggac"


@dataclass(frozen=True)
class Endpoint:
    """A pod, by its labels and its namespace, or with ``address`` something outside of the cluster."""

    name: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    address: str = ""


def our_pod(component: str) -> Endpoint:
    """A pod of our namespace, as the manifests label it."""
    return Endpoint(
        component,
        OUR_NAMESPACE,
        {
            "app.kubernetes.io/name": "vonggac",
            "app.kubernetes.io/part-of": "vonggac",
            "app.kubernetes.io/component": component,
        },
    )


def foreign_pod(name: str, namespace: str, *, labels: Mapping[str, str], **namespace_labels: str) -> Endpoint:
    """A pod of somebody else's namespace; a label's underscores stand for the hyphens of its name."""
    return Endpoint(
        name, namespace, labels, {label.replace("_", "-"): value for label, value in namespace_labels.items()}
    )


def allowed(manifests: Manifests, source: Endpoint, target: Endpoint, port: int, protocol: str = "TCP") -> bool:
    """Whether a connection is let out where it starts and let in where it ends."""
    return _passes(manifests, "Egress", source, target, port, protocol) and _passes(
        manifests, "Ingress", target, source, port, protocol
    )


def _passes(
    manifests: Manifests,
    direction: Literal["Egress", "Ingress"],
    at: Endpoint,
    peer: Endpoint,
    port: int,
    protocol: str,
) -> bool:
    if at.address:
        return True
    policies = [
        policy
        for policy in of_kind(manifests, "NetworkPolicy")
        if namespace_of(policy) == at.namespace
        and direction in policy["spec"]["policyTypes"]
        and selects(policy["spec"]["podSelector"], at.labels)
    ]
    if not policies:
        return True
    return any(
        _rule_allows(policy, rule, peer, port, protocol, "to" if direction == "Egress" else "from")
        for policy in policies
        for rule in policy["spec"].get(direction.lower(), [])
    )


def _rule_allows(
    policy: Manifest, rule: Mapping[str, Any], peer: Endpoint, port: int, protocol: str, side: str
) -> bool:
    ports = rule.get("ports")
    if ports and not any(
        entry.get("protocol", "TCP") == protocol
        and entry.get("port", port) <= port <= entry.get("endPort", entry.get("port", port))
        for entry in ports
    ):
        return False
    peers = rule.get(side)
    return not peers or any(_peer_fits(policy, entry, peer) for entry in peers)


def _peer_fits(policy: Manifest, entry: Mapping[str, Any], peer: Endpoint) -> bool:
    if block := entry.get("ipBlock"):
        if not peer.address:
            return False
        address = ip_address(peer.address)
        return address in ip_network(block["cidr"]) and not any(
            address in ip_network(hole) for hole in block.get("except", [])
        )
    if peer.address:
        return False
    if "namespaceSelector" in entry:
        labels = {"kubernetes.io/metadata.name": peer.namespace, **peer.namespace_labels}
        if not selects(entry["namespaceSelector"], labels):
            return False
    elif peer.namespace != namespace_of(policy):
        return False
    return selects(entry.get("podSelector", {}), peer.labels)


def policies_are_closed(manifests: Manifests) -> list[str]:
    """Everything is denied in both directions unless a rule says who; each rule names its peers, each peer is narrow."""
    faults = []
    namespaces = {workload.namespace for workload in workloads(manifests)}
    for namespace in sorted(namespaces):
        denying = any(
            namespace_of(policy) == namespace
            and policy["spec"]["podSelector"] == {}
            and set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}
            and not policy["spec"].get("ingress")
            and not policy["spec"].get("egress")
            for policy in of_kind(manifests, "NetworkPolicy")
        )
        if not denying:
            faults.append(f"namespace {namespace} has no policy that denies everything by default")
    for policy in of_kind(manifests, "NetworkPolicy"):
        for direction, side in (("ingress", "from"), ("egress", "to")):
            for rule in policy["spec"].get(direction, []):
                if direction.capitalize() not in policy["spec"]["policyTypes"]:
                    faults.append(f"{title(policy)} has {direction} rules that do not count")
                faults += [f"{title(policy)}: {fault}" for fault in _open_peers(rule.get(side), direction)]
    return faults


def _open_peers(peers: list[dict[str, Any]] | None, direction: str) -> list[str]:
    if not peers:
        return [f"an {direction} rule without peers is open to everybody"]
    faults = []
    for peer in peers:
        if {} in (peer.get("namespaceSelector"), peer.get("podSelector")):
            faults.append(f"an {direction} peer is every pod or every namespace")
        if "ipBlock" in peer and ip_network(peer["ipBlock"]["cidr"]).prefixlen < 8:
            faults.append(f"an {direction} peer is a large part of the internet: {peer['ipBlock']['cidr']}")
    return faults


def policy_ports_exist(manifests: Manifests) -> list[str]:
    """Ports that a rule opens towards pods of ours are numbers that those pods have."""
    faults = []
    for policy in of_kind(manifests, "NetworkPolicy"):
        own = [
            workload
            for workload in workloads(manifests)
            if workload.namespace == namespace_of(policy) and selects(policy["spec"]["podSelector"], workload.labels)
        ]
        for rule in policy["spec"].get("ingress", []):
            faults += _missing_ports(title(policy), rule, own)
        for rule in policy["spec"].get("egress", []):
            for peer in rule.get("to", []):
                if "namespaceSelector" not in peer and "podSelector" in peer:
                    targets = [
                        workload
                        for workload in workloads(manifests)
                        if workload.namespace == namespace_of(policy) and selects(peer["podSelector"], workload.labels)
                    ]
                    if not targets:
                        faults.append(f"{title(policy)} opens the way to pods that do not exist")
                    faults += _missing_ports(title(policy), rule, targets)
    return faults


def _missing_ports(who: str, rule: Mapping[str, Any], targets: list[Any]) -> list[str]:
    return [
        f"{who} opens port {entry['port']} of {target.title}, which it does not have"
        for entry in rule.get("ports", [])
        for target in targets
        if entry["port"] not in target.ports().values()
    ]
