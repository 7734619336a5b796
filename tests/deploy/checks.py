"""All checks of an overlay's manifests, by name."""

from tests.deploy import configuration, edge, hardening, network, references, schemas
from tests.deploy.manifests import OVERLAYS, Check

_EVERYWHERE: tuple[Check, ...] = (
    references.objects_are_in_namespaces,
    references.selectors_hit_pods,
    references.service_ports_exist,
    references.probe_ports_exist,
    references.scale_targets_exist,
    references.volumes_fit_mounts,
    references.service_accounts_exist,
    references.jobs_can_be_applied_again,
    hardening.pods_are_restricted,
    hardening.namespaces_enforce_restriction,
    hardening.no_pod_has_a_token,
    hardening.resources_are_bounded,
    hardening.images_are_pinned,
    hardening.processes_are_probed,
    hardening.shutdown_is_graceful,
    hardening.replicas_are_spread,
    hardening.no_secret_is_in_the_open,
    configuration.settings_are_accepted,
    configuration.ports_agree,
    configuration.files_are_mounted,
    configuration.workers_find_the_api,
    configuration.camera_networks_agree,
    network.policies_are_closed,
    network.policy_ports_exist,
    edge.gateway_objects_are_valid,
    edge.routes_fit,
)
_ONLY: dict[str, tuple[Check, ...]] = {"production": (hardening.replicas_are_spread_by_zone,), "trial": ()}


def checks_of(overlay: str) -> dict[str, Check]:
    """The checks that an overlay must pass."""
    named = {check.__name__: check for check in (*_EVERYWHERE, *_ONLY[overlay])}
    named["configuration_exists"] = references.configuration_exists(overlay)
    for version in schemas.versions():
        named[f"schema_is_met[{version}]"] = schemas.schema_is_met(version)
    return named


ALL_CHECKS = {(overlay, name): check for overlay in OVERLAYS for name, check in checks_of(overlay).items()}
