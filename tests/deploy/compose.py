"""``deploy/compose.yaml`` as values, and checks of it. A field that is not listed here is a mistake."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tests.deploy.environment import environment_faults
from tests.deploy.manifests import ROOT, image_name

DEPLOY = ROOT / "deploy"
FILE = DEPLOY / "compose.yaml"

_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<operator>[-?])(?P<word>[^}]*))?\}")
_Duration = Annotated[str, Field(pattern=r"^\d+s$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Build(_Part):
    context: str
    dockerfile: str


class _EnvFile(_Part):
    path: str
    required: bool


class _HealthCheck(_Part):
    test: list[str]
    interval: _Duration
    timeout: _Duration
    retries: int


class _Condition(_Part):
    condition: Literal["service_healthy", "service_completed_successfully"]


class _Address(_Part):
    ipv4_address: str


class Service(_Part):
    """A service of the compose file."""

    image: str
    build: _Build | None = None
    pull_policy: Literal["never"] | None = None
    init: bool = False
    read_only: bool = False
    tmpfs: list[str] = []
    cap_drop: list[str] = []
    security_opt: list[str] = []
    env_file: list[_EnvFile] = []
    profiles: list[str] = []
    restart: Literal["no", "unless-stopped"]
    hostname: str = ""
    entrypoint: list[str] = []
    command: list[str] = []
    environment: dict[str, str] = {}
    depends_on: dict[str, _Condition] = {}
    healthcheck: _HealthCheck | None = None
    stop_grace_period: _Duration | None = None
    mem_limit: Annotated[str, Field(pattern=r"^\d+[mg]$")] | None = None
    ports: list[str] = []
    volumes: list[str] = []
    networks: list[str] | dict[str, _Address] = []
    network_mode: Literal["none"] | None = None

    @property
    def is_ours(self) -> bool:
        return image_name(self.image) == "vonggac"


class _Subnet(_Part):
    subnet: str


class _Addresses(_Part):
    config: list[_Subnet]


class _Network(_Part):
    internal: bool = False
    ipam: _Addresses | None = None


class _Volume(_Part):
    pass


class Compose(_Part):
    """The compose file."""

    name: str
    services: dict[str, Service]
    networks: dict[str, _Network]
    volumes: dict[str, _Volume]


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """A value with its variables filled in. Raises LookupError for a required one that is missing."""

    def value(found: re.Match[str]) -> str:
        given = variables.get(found["name"], "")
        if given:
            return given
        if found["operator"] == "?":
            raise LookupError(f"{found['name']}: {found['word']}")
        return found["word"] or ""

    return _VARIABLE.sub(value, text)


def variables_of(text: str) -> set[str]:
    """The variables that a compose file reads from ``.env``."""
    return {found["name"] for found in _VARIABLE.finditer(text)}


def parsed(text: str, variables: Mapping[str, str]) -> Compose:
    """The compose file without its ``x-`` parts. Raises ValidationError."""
    document: dict[str, Any] = yaml.safe_load(text)
    used = {key: value for key, value in document.items() if not key.startswith("x-")}
    return Compose.model_validate(_filled(used, variables))


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    """As docker compose does it: first the YAML is read, then variables are filled into its texts."""
    if isinstance(value, dict):
        return {key: _filled(part, variables) for key, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, variables) for part in value]
    return interpolated(value, variables) if isinstance(value, str) else value


def compose_faults(text: str, variables: Mapping[str, str]) -> list[str]:
    """What is wrong with a compose file."""
    try:
        compose = parsed(text, variables)
    except ValidationError as error:
        return [f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors()]
    faults = _reference_faults(compose)
    for name, service in compose.services.items():
        if service.is_ours:
            faults += environment_faults(name, service.environment, service.command)
            faults += [f"{name}: {fault}" for fault in _hardening_faults(service)]
        elif "no-new-privileges:true" not in service.security_opt:
            faults.append(f"{name}: may gain privileges")
        if not re.search(r":.*\d", service.image):
            faults.append(f"{name}: {service.image} can be another image tomorrow")
        if service.restart != "no" and not service.mem_limit:
            faults.append(f"{name}: has no bound of memory")
        if service.ports and name != "api":
            faults.append(f"{name}: is published, only the API may be")
    return faults


def _hardening_faults(service: Service) -> list[str]:
    faults = []
    if not service.read_only:
        faults.append("may write its root file system")
    if service.cap_drop != ["ALL"]:
        faults.append("keeps capabilities")
    if "no-new-privileges:true" not in service.security_opt:
        faults.append("may gain privileges")
    return faults


def _reference_faults(compose: Compose) -> list[str]:
    faults = []
    used_volumes: set[str] = set()
    used_networks: set[str] = set()
    for name, service in compose.services.items():
        for other, condition in service.depends_on.items():
            faults += [f"{name}: {fault}" for fault in _wait_faults(compose, other, condition.condition)]
        used_networks |= set(service.networks)
        for volume in service.volumes:
            source = volume.partition(":")[0]
            if not source.startswith("."):
                used_volumes.add(source)
            elif not (DEPLOY / source).exists():
                faults.append(f"{name}: mounts {source}, which does not exist")
        if service.build:
            dockerfile = DEPLOY / service.build.context / service.build.dockerfile
            faults += [] if dockerfile.exists() else [f"{name}: is built by a file that does not exist"]
    for kind, used, declared in (
        ("volume", used_volumes, set(compose.volumes)),
        ("network", used_networks, set(compose.networks)),
    ):
        faults += [f"{kind} {item} is used and not declared" for item in sorted(used - declared)]
        faults += [f"{kind} {item} is declared and not used" for item in sorted(declared - used)]
    return faults


def _wait_faults(compose: Compose, other: str, condition: str) -> list[str]:
    target = compose.services.get(other)
    if target is None:
        return [f"waits for {other}, which does not exist"]
    if condition == "service_healthy" and target.healthcheck is None:
        return [f"waits for ever: {other} has no health check"]
    if condition == "service_completed_successfully" and target.restart != "no":
        return [f"waits for ever: {other} never ends"]
    return []


def env_file(path: Path) -> dict[str, str]:
    """The variables of a ``.env`` file."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)
