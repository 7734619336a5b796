"""Manifests against the schemas of Kubernetes itself."""

import kubernetes_validate

from tests.deploy.edge import GROUP
from tests.deploy.manifests import Check, Manifests, title

#: The oldest version we support: preStop sleep is on by default from 1.30.
OLDEST = "1.30"


def versions() -> tuple[str, str]:
    """The oldest supported version of Kubernetes and the newest one whose schemas we have."""
    return OLDEST, str(kubernetes_validate.latest_version())


def schema_is_met(version: str) -> Check:
    """Strictly: an unknown field is a fault, and so is a kind without a schema (but for the Gateway API's, see edge)."""

    def check(manifests: Manifests) -> list[str]:
        faults = []
        for manifest in manifests:
            if manifest["apiVersion"].startswith(GROUP):
                continue
            try:
                kubernetes_validate.validate(manifest, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                where = ".".join(str(part) for part in error.path)
                faults.append(f"{title(manifest)}: {where}: {error.message}")
            except kubernetes_validate.SchemaNotFoundError as error:
                faults.append(f"{title(manifest)}: {error.message}")
        return faults

    return check
