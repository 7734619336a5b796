"""``deploy/compose.yaml``, and the script that makes its passwords."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.deploy.compose import (
    DEPLOY,
    FILE,
    Compose,
    compose_faults,
    env_file,
    parsed,
    variables_of,
)
from tests.deploy.manifests import KUBERNETES, rendered, workloads

TEXT = FILE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What ``make-secrets.sh`` writes, and the key of a worker that somebody added."""
    path = tmp_path_factory.mktemp("secrets") / ".env"
    subprocess.run([DEPLOY / "make-secrets.sh", path], check=True, timeout=30, capture_output=True)
    return env_file(path) | {"VONGGAC_API_KEY": "vg_sample"}


@pytest.fixture(scope="module")
def compose(variables: dict[str, str]) -> Compose:
    return parsed(TEXT, variables)


def test_the_compose_file_is_sound(variables: dict[str, str]) -> None:
    assert compose_faults(TEXT, variables) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("stop_grace_period: 45s", "stop_grace: 45s", "stop_grace"),
        ("  read_only: true", "  privileged: true", "privileged"),
        ("  read_only: true\n", "", "may write its root file system"),
        ("  cap_drop:\n    - ALL\n", "", "keeps capabilities"),
        ("      VONGGAC_HOST: 0.0.0.0", "      VONGGAC_LISTEN: 0.0.0.0", "VONGGAC_LISTEN, which is no setting"),
        ('      VONGGAC_PORT: "8443"', '      VONGGAC_PORT: "https"', "port"),
        ("      VONGGAC_TLS_KEY: /etc/vonggac/tls/tls.key\n", "", "belong together"),
        ("https://api:8443", "http://api:8443", "plain HTTP beyond loopback"),
        ("amqp://", "memory://", "needs a broker"),
        ("  snapshots: {}\n", "", "volume snapshots is used and not declared"),
        ("  front: {}\n", "", "network front is used and not declared"),
        ("./rabbitmq/rabbitmq.conf", "./rabbitmq/rabbit.conf", "which does not exist"),
        ("      certificates:\n", "      certificate:\n", "waits for certificate, which does not exist"),
        (
            '    restart: "no"\n    command: [migrate]',
            "    restart: unless-stopped\n    command: [migrate]",
            "never ends",
        ),
        ("      retries: 18\n", "      retries: many\n", "retries"),
        ("image: rabbitmq:4.2", "image: rabbitmq", "can be another image tomorrow"),
        ("    mem_limit: 768m\n    ports", "    ports", "has no bound of memory"),
        ("    hostname: rabbitmq", "    ports: ['5672:5672']\n    hostname: rabbitmq", "only the API may be"),
        ("dockerfile: deploy/Dockerfile", "dockerfile: Dockerfile", "built by a file that does not exist"),
    ],
)
def test_an_unsound_compose_file_is_found(old: str, new: str, told: str, variables: dict[str, str]) -> None:
    assert old in TEXT
    faults = compose_faults(TEXT.replace(old, new), variables)
    assert any(told in fault for fault in faults), faults


def test_docker_compose_accepts_the_file_where_it_is_installed(variables: dict[str, str], tmp_path: Path) -> None:
    """Without the compose plugin the checks above, with their closed list of fields, stand for it."""
    docker = shutil.which("docker")
    plugin = docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False, timeout=60)
    if not docker or not plugin or plugin.returncode:
        assert compose_faults(TEXT, variables) == []
        return
    environment = tmp_path / ".env"
    environment.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    command: list[str | Path] = [docker, "compose", "--file", FILE, "--env-file", environment, "config", "--quiet"]
    subprocess.run(command, check=True, timeout=60)


def test_every_role_runs_and_two_workers_do(compose: Compose) -> None:
    commands = [tuple(service.command) for service in compose.services.values() if service.is_ours]
    for role, count in (("api", 1), ("ingest", 2), ("aggregator", 1)):
        assert commands.count(("serve", "--role", role)) == count
    assert commands.count(("migrate",)) == 1
    assert sum(command[0] == "simulate" for command in commands if command) == 1


def test_only_workers_and_the_simulated_site_are_where_cameras_are(compose: Compose) -> None:
    on_cameras = {name for name, service in compose.services.items() if "cameras" in service.networks}
    assert on_cameras == {"ingest-1", "ingest-2", "simulator"}
    assert compose.networks["inside"].internal


def test_workers_have_no_database_and_no_keys(compose: Compose) -> None:
    for name in ("ingest-1", "ingest-2"):
        service = compose.services[name]
        assert "VONGGAC_DATABASE_URL" not in service.environment
        assert not any(volume.startswith(("keys:", "api-tls:")) for volume in service.volumes)


def test_each_worker_tells_the_api_its_own_address(compose: Compose) -> None:
    for name in ("ingest-1", "ingest-2"):
        assert compose.services[name].environment["VONGGAC_MEDIA_ADVERTISE_HOST"] == name


def test_by_default_the_api_is_published_on_loopback_only(compose: Compose) -> None:
    assert compose.services["api"].ports == ["127.0.0.1:8443:8443"]
    required = {"POSTGRES_PASSWORD": "x", "RABBITMQ_PASSWORD": "y"}
    assert parsed(TEXT, required).services["api"].ports == ["127.0.0.1:8443:8443"]


def test_the_simulated_site_is_in_a_network_where_cameras_may_be(compose: Compose) -> None:
    addresses = compose.networks["cameras"].ipam
    assert addresses is not None
    assert compose.services["api"].environment["VONGGAC_CAMERA_NETWORKS"] == addresses.config[0].subnet


def test_the_certificate_is_for_the_host_that_workers_ask(compose: Compose) -> None:
    assert "api" in compose.services["certificates"].command
    assert compose.services["ingest-1"].environment["VONGGAC_API_URL"] == "https://api:8443"


def test_without_passwords_nothing_starts() -> None:
    with pytest.raises(LookupError, match="make-secrets"):
        parsed(TEXT, {})


def test_one_machine_and_a_trial_cluster_run_the_same_servers(compose: Compose) -> None:
    images = {container["image"] for work in workloads(rendered("trial")) for container in work.containers}
    assert {service.image for service in compose.services.values()} == images


def test_a_broker_in_a_trial_cluster_is_configured_as_on_one_machine() -> None:
    for name in ("enabled_plugins", "rabbitmq.conf"):
        cluster = KUBERNETES / "overlays" / "trial" / "rabbitmq" / name
        assert cluster.read_bytes() == (DEPLOY / "rabbitmq" / name).read_bytes()


def test_secrets_are_fresh_private_and_never_overwritten(tmp_path: Path) -> None:
    made = []
    for name in ("one.env", "two.env"):
        path = tmp_path / name
        subprocess.run([DEPLOY / "make-secrets.sh", path], check=True, timeout=30, capture_output=True)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        made.append(env_file(path))
    passwords = [values[name] for values in made for name in ("POSTGRES_PASSWORD", "RABBITMQ_PASSWORD")]
    assert len(set(passwords)) == 4
    assert all(len(password) == 48 and password.isalnum() for password in passwords)
    again = subprocess.run(
        [DEPLOY / "make-secrets.sh", tmp_path / "one.env"], check=False, timeout=30, capture_output=True
    )
    assert again.returncode == 1
    assert env_file(tmp_path / "one.env") == made[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.env", "two.env"]


def test_the_env_file_has_exactly_the_variables_that_compose_reads(variables: dict[str, str]) -> None:
    assert set(variables) - {"COMPOSE_PROFILES"} == variables_of(TEXT)
