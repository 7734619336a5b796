"""The committed renderings of ``k8s/overlays`` are right, as far as that can be known without a cluster."""

import pytest

from tests.deploy.checks import ALL_CHECKS
from tests.deploy.documented import created_by_commands, given
from tests.deploy.manifests import KUBERNETES, OVERLAYS, of_kind, rendered, workloads
from tests.deploy.references import used_given


@pytest.mark.parametrize(("overlay", "name"), list(ALL_CHECKS))
def test_an_overlay_passes_the_check(overlay: str, name: str) -> None:
    assert ALL_CHECKS[overlay, name](rendered(overlay)) == []


def test_every_overlay_is_rendered_and_checked() -> None:
    sources = {path.name for path in (KUBERNETES / "overlays").iterdir() if path.is_dir()}
    results = {path.stem for path in (KUBERNETES / "rendered").glob("*.yaml")}
    assert sources == results == set(OVERLAYS)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_role_of_the_image_runs(overlay: str) -> None:
    commands = {
        tuple(container["args"])
        for work in workloads(rendered(overlay))
        if work.is_ours
        for container in work.containers
    }
    assert commands == {
        ("migrate",),
        ("serve", "--role", "api"),
        ("serve", "--role", "ingest"),
        ("serve", "--role", "aggregator"),
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_in_the_readme_s_table_is_used(overlay: str) -> None:
    used = used_given(rendered(overlay))
    wholly = {(source.kind, source.name) for source in used if source.key == "*"}
    unused = [item for item in sorted(given(overlay)) if item not in used and (item.kind, item.name) not in wholly]
    assert unused == []


def test_the_commands_of_the_readme_make_exactly_what_its_table_lists() -> None:
    assert created_by_commands() == frozenset().union(*(given(overlay) for overlay in OVERLAYS))


def test_only_api_and_migration_see_the_encryption_keys() -> None:
    for overlay in OVERLAYS:
        readers = {
            work.component
            for work in workloads(rendered(overlay))
            for volume in work.pod.get("volumes", [])
            if volume.get("secret", {}).get("secretName") == "vonggac-keys"
        }
        assert readers == {"api", "migrate"}


def test_workers_know_nothing_of_the_database() -> None:
    for overlay in OVERLAYS:
        worker = next(work for work in workloads(rendered(overlay)) if work.component == "ingest")
        assert "vonggac-database" not in str(worker.pod)
        assert "vonggac-api-tls" not in str(worker.pod)


def test_production_scales_the_api_between_three_and_twelve() -> None:
    (scaler,) = of_kind(rendered("production"), "HorizontalPodAutoscaler")
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (3, 12)


def test_a_trial_runs_one_of_each_without_an_autoscaler() -> None:
    manifests = rendered("trial")
    assert list(of_kind(manifests, "HorizontalPodAutoscaler", "PodDisruptionBudget")) == []
    assert {work.manifest["spec"].get("replicas", 1) for work in workloads(manifests)} == {1}
