"""Who may talk to whom, by the policies of the rendered overlays."""

import pytest

from tests.deploy.manifests import one, rendered
from tests.deploy.network import Endpoint, allowed, foreign_pod, our_pod

API, INGEST, AGGREGATOR, MIGRATE = (our_pod(name) for name in ("api", "ingest", "aggregator", "migrate"))
POSTGRES, RABBITMQ = our_pod("postgres"), our_pod("rabbitmq")
DATA = foreign_pod("data", "platform-data", labels={}, vonggac_data="true")
EDGE = foreign_pod("gateway", "edge", labels={}, vonggac_edge="true")
PROMETHEUS = foreign_pod("prometheus", "observability", labels={}, vonggac_monitoring="true")
STRANGER = foreign_pod("stranger", "default", labels={"app.kubernetes.io/component": "ingest"})
DNS = foreign_pod("dns", "kube-system", labels={"k8s-app": "kube-dns"})
CAMERA = Endpoint("camera", address="10.70.3.9")
HOME_CAMERA = Endpoint("camera at home", address="192.168.1.20")
INTERNET = Endpoint("internet", address="203.0.113.7")
METADATA_SERVICE = Endpoint("metadata service of a cloud", address="169.254.169.254")

MAY = {
    "production": [
        (EDGE, API, 8443),
        (INGEST, API, 8443),
        (PROMETHEUS, API, 8443),
        (PROMETHEUS, INGEST, 9100),
        (PROMETHEUS, AGGREGATOR, 9100),
        (API, INGEST, 9443),
        (API, DATA, 5432),
        (API, DATA, 5671),
        (AGGREGATOR, DATA, 5432),
        (AGGREGATOR, DATA, 5671),
        (INGEST, DATA, 5671),
        (MIGRATE, DATA, 5432),
        (INGEST, CAMERA, 554),
        (INGEST, CAMERA, 8899),
        (API, DNS, 53),
        (INGEST, DNS, 53),
    ],
    "trial": [
        (INGEST, API, 8443),
        (API, INGEST, 9443),
        (API, POSTGRES, 5432),
        (API, RABBITMQ, 5672),
        (AGGREGATOR, POSTGRES, 5432),
        (AGGREGATOR, RABBITMQ, 5672),
        (INGEST, RABBITMQ, 5672),
        (MIGRATE, POSTGRES, 5432),
        (INGEST, HOME_CAMERA, 554),
    ],
}

MAY_NOT = {
    "production": [
        (API, CAMERA, 554),
        (AGGREGATOR, CAMERA, 554),
        (MIGRATE, CAMERA, 554),
        (INGEST, DATA, 5432),
        (INGEST, INTERNET, 443),
        (INGEST, METADATA_SERVICE, 80),
        (API, INTERNET, 443),
        (API, METADATA_SERVICE, 80),
        (API, INGEST, 9100),
        (API, AGGREGATOR, 9100),
        (AGGREGATOR, API, 8443),
        (AGGREGATOR, INGEST, 9443),
        (MIGRATE, API, 8443),
        (MIGRATE, DATA, 5671),
        (EDGE, INGEST, 9443),
        (EDGE, AGGREGATOR, 9100),
        (EDGE, INGEST, 9100),
        (STRANGER, API, 8443),
        (STRANGER, INGEST, 9443),
        (STRANGER, AGGREGATOR, 9100),
        (PROMETHEUS, INGEST, 9443),
        (DATA, API, 8443),
        (CAMERA, API, 8443),
        (CAMERA, INGEST, 9443),
        (INGEST, INGEST, 9443),
    ],
    "trial": [
        (API, HOME_CAMERA, 554),
        (INGEST, POSTGRES, 5432),
        (MIGRATE, RABBITMQ, 5672),
        (STRANGER, POSTGRES, 5432),
        (STRANGER, RABBITMQ, 5672),
        (POSTGRES, INTERNET, 443),
        (RABBITMQ, POSTGRES, 5432),
        (INGEST, INTERNET, 443),
    ],
}

Connection = tuple[Endpoint, Endpoint, int]


def _cases(table: dict[str, list[Connection]]) -> list[object]:
    return [
        pytest.param(overlay, connection, id=f"{overlay}: {connection[0].name} to {connection[1].name}:{connection[2]}")
        for overlay, connections in table.items()
        for connection in connections
    ]


@pytest.mark.parametrize(("overlay", "connection"), _cases(MAY))
def test_what_is_needed_is_allowed(overlay: str, connection: Connection) -> None:
    assert allowed(rendered(overlay), *connection)


@pytest.mark.parametrize(("overlay", "connection"), _cases(MAY_NOT))
def test_what_is_not_needed_is_refused(overlay: str, connection: Connection) -> None:
    assert not allowed(rendered(overlay), *connection)


def test_names_are_asked_over_udp_too() -> None:
    assert allowed(rendered("production"), INGEST, DNS, 53, "UDP")
    assert not allowed(rendered("production"), INGEST, DNS, 443, "UDP")


def test_without_policies_everything_would_be_allowed() -> None:
    manifests = [manifest for manifest in rendered("production") if manifest["kind"] != "NetworkPolicy"]
    assert all(allowed(manifests, *connection) for connection in MAY_NOT["production"])


def test_a_hole_in_a_block_is_refused() -> None:
    manifests = rendered("production")
    block = one(manifests, "NetworkPolicy", "ingest-to-cameras")["spec"]["egress"][0]["to"][0]["ipBlock"]
    block["except"] = ["10.70.0.0/16"]
    assert not allowed(manifests, INGEST, CAMERA, 554)
    assert allowed(manifests, INGEST, Endpoint("another camera", address="10.71.0.1"), 554)
