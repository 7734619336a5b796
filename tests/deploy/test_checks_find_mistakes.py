"""Each check finds the mistakes it is for: a check that cannot fail would be worth nothing."""

import pytest

from tests.deploy.checks import ALL_CHECKS
from tests.deploy.manifests import rendered
from tests.deploy.mistakes import MISTAKES
from tests.deploy.mistakes.mistake import Mistake
from tests.deploy.schemas import OLDEST, versions


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake.check}: {mistake.name}")
def test_a_mistake_is_found(mistake: Mistake) -> None:
    manifests = rendered(mistake.overlay)
    mistake.change(manifests)
    faults = ALL_CHECKS[mistake.overlay, mistake.check](manifests)
    assert any(mistake.told in fault for fault in faults), faults


def test_every_check_has_a_mistake_that_it_finds() -> None:
    newest = f"schema_is_met[{versions()[1]}]"  # the same function as for the oldest version
    assert {name for _, name in ALL_CHECKS} - {newest} == {mistake.check for mistake in MISTAKES}


def test_two_different_versions_of_kubernetes_are_validated() -> None:
    oldest, newest = versions()
    assert oldest == OLDEST
    assert [int(part) for part in newest.split(".")[:2]] > [int(part) for part in oldest.split(".")]
