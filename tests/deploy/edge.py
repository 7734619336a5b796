"""The way in for people: which path of the public address leads where, and whether the objects of the Gateway fit."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from tests.deploy.configuration import environment_of, ours
from tests.deploy.environment import PREFIX
from tests.deploy.manifests import Manifest, Manifests, namespace_of, of_kind, title

GROUP = "gateway.networking.k8s.io/"


class _Part(BaseModel):
    """Part of an object; a field that is not listed here is a mistake."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, frozen=True)


class _Metadata(_Part):
    name: str
    namespace: str
    labels: dict[str, str] = {}


class _Object(_Part):
    api_version: Literal["gateway.networking.k8s.io/v1"]
    metadata: _Metadata


class _Namespaces(_Part):
    from_: Literal["Same", "All", "Selector"] = Field(alias="from")


class _AllowedRoutes(_Part):
    namespaces: _Namespaces


class _Reference(_Part):
    name: str
    kind: Literal["Secret", "ConfigMap", "Service"]
    group: Literal[""] = ""
    section_name: str = ""


class _ListenerTls(_Part):
    mode: Literal["Terminate"]
    certificate_refs: Annotated[list[_Reference], Field(min_length=1)]


class _Listener(_Part):
    name: str
    protocol: Literal["HTTP", "HTTPS"]
    port: int
    hostname: str
    tls: _ListenerTls | None = None
    allowed_routes: _AllowedRoutes


class _GatewaySpec(_Part):
    gateway_class_name: str
    listeners: Annotated[list[_Listener], Field(min_length=1)]


class _Gateway(_Object):
    kind: Literal["Gateway"]
    spec: _GatewaySpec


class _Parent(_Part):
    name: str
    section_name: str


class _Redirect(_Part):
    scheme: Literal["https"]
    status_code: Literal[301, 302]


class _Filter(_Part):
    type: Literal["RequestRedirect"]
    request_redirect: _Redirect


class _Path(_Part):
    type: Literal["Exact", "PathPrefix"]
    value: Annotated[str, Field(pattern="^/")]


class _Match(_Part):
    path: _Path


class _Backend(_Part):
    name: str
    port: int


class _Timeouts(_Part):
    request: Annotated[str, Field(pattern=r"^([0-9]{1,5}(h|m|s|ms)){1,4}$")]


class _Rule(_Part):
    matches: list[_Match] = []
    filters: list[_Filter] = []
    timeouts: _Timeouts | None = None
    backend_refs: list[_Backend] = []


class _RouteSpec(_Part):
    parent_refs: Annotated[list[_Parent], Field(min_length=1)]
    hostnames: Annotated[list[str], Field(min_length=1)]
    rules: Annotated[list[_Rule], Field(min_length=1)]


class _Route(_Object):
    kind: Literal["HTTPRoute"]
    spec: _RouteSpec


class _Validation(_Part):
    hostname: str
    ca_certificate_refs: Annotated[list[_Reference], Field(min_length=1)]


class _BackendTlsSpec(_Part):
    target_refs: Annotated[list[_Reference], Field(min_length=1)]
    validation: _Validation


class _BackendTls(_Object):
    kind: Literal["BackendTLSPolicy"]
    spec: _BackendTlsSpec


_MODELS: dict[str, type[_Object]] = {"Gateway": _Gateway, "HTTPRoute": _Route, "BackendTLSPolicy": _BackendTls}


def gateway_objects_are_valid(manifests: Manifests) -> list[str]:
    """The objects of the Gateway API have the fields that we use of it, spelt right, and no others."""
    faults = []
    for manifest in manifests:
        if not manifest["apiVersion"].startswith(GROUP):
            continue
        model = _MODELS.get(manifest["kind"])
        if model is None:
            faults.append(f"{title(manifest)} is of a kind without a schema")
            continue
        try:
            model.model_validate(manifest)
        except ValidationError as error:
            faults += [f"{title(manifest)}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    return faults


def routes_fit(manifests: Manifests) -> list[str]:
    """Routes hang on listeners of their host, lead to ports of Services over checked TLS, and to the public address."""
    faults = []
    listeners = {
        (namespace_of(gateway), gateway["metadata"]["name"], listener["name"]): listener["hostname"]
        for gateway in of_kind(manifests, "Gateway")
        for listener in gateway["spec"]["listeners"]
    }
    hosts = set(listeners.values())
    for route in of_kind(manifests, "HTTPRoute"):
        for parent in route["spec"]["parentRefs"]:
            host = listeners.get((namespace_of(route), parent["name"], parent["sectionName"]))
            if host is None:
                faults.append(f"{title(route)} hangs on a listener that does not exist")
            elif host not in route["spec"]["hostnames"]:
                faults.append(f"{title(route)} is not for {host}, the host of its listener")
        for rule in route["spec"]["rules"]:
            faults += [
                f"{title(route)} leads to {backend['name']}:{backend['port']}, {fault}"
                for backend in rule.get("backendRefs", [])
                for fault in _backend_faults(manifests, namespace_of(route), backend)
            ]
    for workload in ours(manifests):
        public = environment_of(manifests, workload).get(f"{PREFIX}PUBLIC_URL")
        if hosts and workload.component == "api" and urlsplit(public or "").hostname not in hosts:
            faults.append(f"{PREFIX}PUBLIC_URL is {public}, people come in by {sorted(hosts)}")
    return faults


def _backend_faults(manifests: Manifests, namespace: str, backend: dict[str, object]) -> list[str]:
    names = {
        port["name"]
        for service in of_kind(manifests, "Service")
        if namespace_of(service) == namespace and service["metadata"]["name"] == backend["name"]
        for port in service["spec"]["ports"]
        if port["port"] == backend["port"]
    }
    if not names:
        return ["which is no port of a Service"]
    checked = any(
        target["name"] == backend["name"]
        and target.get("sectionName") in names
        and policy["spec"]["validation"]["hostname"] == backend["name"]
        for policy in of_kind(manifests, "BackendTLSPolicy")
        if namespace_of(policy) == namespace
        for target in policy["spec"]["targetRefs"]
    )
    return [] if checked else ["whose certificate nobody checks"]


def leads_to(manifests: Manifests, path: str) -> str | None:
    """The Service to which the public address sends a path over HTTPS; None where the gateway answers with an error.

    Precedence as the Gateway API has it: an exact match first, then the longest prefix, element by element.
    """
    best: tuple[int, int] = (-1, -1)
    service: str | None = None
    for route in of_kind(manifests, "HTTPRoute"):
        if not any(parent["sectionName"] == "https" for parent in route["spec"]["parentRefs"]):
            continue
        for rule in route["spec"]["rules"]:
            for match in rule.get("matches", [{"path": {"type": "PathPrefix", "value": "/"}}]):
                rank = _rank(match["path"], path)
                if rank is not None and rank > best:
                    best = rank
                    backends = rule.get("backendRefs", [])
                    service = str(backends[0]["name"]) if backends else None
    return service


def _rank(match: Manifest, path: str) -> tuple[int, int] | None:
    value = match["value"]
    if match["type"] == "Exact":
        return (1, len(value)) if path == value else None
    prefix = value.rstrip("/")
    return (0, len(value)) if path == prefix or path.startswith(prefix + "/") else None
