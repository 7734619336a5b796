"""Mistakes that the checks of how pods run must find."""

from tests.deploy.manifests import one
from tests.deploy.mistakes.mistake import Mistake, container, pod, remove, set_variable, volume

MISTAKES = (
    Mistake(
        "pods_are_restricted",
        "the network of the node",
        lambda m: pod(m, "vonggac-ingest").update(hostNetwork=True),
        "sets hostNetwork",
    ),
    Mistake(
        "pods_are_restricted",
        "service links",
        lambda m: pod(m).pop("enableServiceLinks"),
        "lets Kubernetes add variables",
    ),
    Mistake(
        "pods_are_restricted",
        "a directory of the node",
        lambda m: pod(m)["volumes"].append({"name": "host", "hostPath": {"path": "/"}}),
        "has a volume of kind hostPath",
    ),
    Mistake(
        "pods_are_restricted",
        "no seccomp profile",
        lambda m: pod(m)["securityContext"].pop("seccompProfile"),
        "has no seccomp profile",
    ),
    Mistake(
        "pods_are_restricted",
        "a pod that may be root",
        lambda m: pod(m)["securityContext"].pop("runAsNonRoot"),
        "may run as root",
    ),
    Mistake(
        "pods_are_restricted",
        "a container that is root",
        lambda m: container(m)["securityContext"].update(runAsUser=0),
        "runs as root",
    ),
    Mistake(
        "pods_are_restricted",
        "a privileged container",
        lambda m: container(m)["securityContext"].update(privileged=True),
        "a privileged container",
    ),
    Mistake(
        "pods_are_restricted",
        "privilege escalation",
        lambda m: container(m)["securityContext"].pop("allowPrivilegeEscalation"),
        "may gain privileges",
    ),
    Mistake(
        "pods_are_restricted",
        "a writable root",
        lambda m: container(m)["securityContext"].update(readOnlyRootFilesystem=False),
        "may write its root file system",
    ),
    Mistake(
        "pods_are_restricted",
        "a capability",
        lambda m: container(m)["securityContext"]["capabilities"].update(add=["NET_RAW"]),
        "keeps capabilities",
    ),
    Mistake(
        "pods_are_restricted",
        "a port of the node",
        lambda m: container(m)["ports"][0].update(hostPort=8443),
        "takes a port of the node",
    ),
    Mistake(
        "namespaces_enforce_restriction",
        "a namespace that only warns",
        lambda m: one(m, "Namespace", "vonggac")["metadata"]["labels"].pop("pod-security.kubernetes.io/enforce"),
        "does not enforce",
    ),
    Mistake(
        "no_pod_has_a_token",
        "a pod with a token",
        lambda m: pod(m).pop("automountServiceAccountToken"),
        "Deployment vonggac-api gets a token",
    ),
    Mistake(
        "no_pod_has_a_token",
        "an account that hands tokens out",
        lambda m: one(m, "ServiceAccount", "vonggac-api").pop("automountServiceAccountToken"),
        "ServiceAccount vonggac-api hands out tokens",
    ),
    Mistake(
        "resources_are_bounded",
        "no memory limit",
        lambda m: container(m)["resources"].pop("limits"),
        "has no bound of memory",
    ),
    Mistake(
        "resources_are_bounded",
        "a CPU limit",
        lambda m: container(m)["resources"]["limits"].update(cpu="1"),
        "throttled by a CPU limit",
    ),
    Mistake(
        "resources_are_bounded",
        "no CPU request",
        lambda m: container(m)["resources"]["requests"].pop("cpu"),
        "requests no CPU",
    ),
    Mistake(
        "resources_are_bounded",
        "an unbounded temporary directory",
        lambda m: volume(m, "vonggac-api", "tmp").update(emptyDir={}),
        "volume tmp can fill the node",
    ),
    Mistake(
        "images_are_pinned",
        "the latest image",
        lambda m: container(m).update(image="vonggac:latest"),
        "can be another one tomorrow",
    ),
    Mistake(
        "images_are_pinned",
        "an image of another version",
        lambda m: container(m).update(image="registry.example/vonggac:0.0.9"),
        "but this is version",
    ),
    Mistake(
        "processes_are_probed",
        "no readiness probe",
        lambda m: container(m).pop("readinessProbe"),
        "has no readinessProbe",
    ),
    Mistake(
        "processes_are_probed",
        "a liveness probe that depends on the database",
        lambda m: container(m)["livenessProbe"]["httpGet"].update(path="/readyz"),
        "livenessProbe does not ask /livez",
    ),
    Mistake(
        "shutdown_is_graceful",
        "no pause before the end",
        lambda m: container(m).pop("lifecycle"),
        "needs a preStop sleep",
    ),
    Mistake(
        "shutdown_is_graceful",
        "a pause that eats up the grace",
        lambda m: container(m)["lifecycle"]["preStop"]["sleep"].update(seconds=50),
        "has less than 30 s to end",
    ),
    Mistake(
        "replicas_are_spread",
        "replicas on one node",
        lambda m: pod(m, "vonggac-ingest")["topologySpreadConstraints"].pop(),
        "Deployment vonggac-ingest may have all its replicas on one node",
    ),
    Mistake(
        "replicas_are_spread",
        "replicas that a drained node may take together",
        lambda m: remove(m, "PodDisruptionBudget", "vonggac-aggregator"),
        "Deployment vonggac-aggregator has no disruption budget",
    ),
    Mistake(
        "replicas_are_spread_by_zone",
        "replicas in one zone",
        lambda m: pod(m)["topologySpreadConstraints"].pop(0),
        "may have all its replicas in one zone",
    ),
    Mistake(
        "no_secret_is_in_the_open",
        "a Secret object",
        lambda m: m.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "vonggac-worker"}}),
        "Secret vonggac-worker is a Secret in a repository",
    ),
    Mistake(
        "no_secret_is_in_the_open",
        "a password in a URL",
        lambda m: set_variable(container(m), "VONGGAC_BUS_URL", "amqp://vonggac:hunter2@broker/"),
        "holds what looks like a secret",
    ),
)
