"""Mistakes that the checks that what one object names exists in another must find."""

from tests.deploy.manifests import one
from tests.deploy.mistakes.mistake import Mistake, container, drop, pod, remove, spec, volume

MISTAKES = (
    Mistake(
        "objects_are_in_namespaces",
        "an object without a namespace",
        lambda m: one(m, "Service", "vonggac-api")["metadata"].pop("namespace"),
        "Service vonggac-api is in namespace ''",
    ),
    Mistake(
        "objects_are_in_namespaces",
        "two objects of one name",
        lambda m: m.append(one(m, "Service", "vonggac-api")),
        "Service vonggac-api exists twice",
    ),
    Mistake(
        "selectors_hit_pods",
        "a Service that selects nothing",
        lambda m: spec(m, "Service", "vonggac-api")["selector"].update({"app.kubernetes.io/component": "web"}),
        "Service vonggac-api selects no pod",
    ),
    Mistake(
        "selectors_hit_pods",
        "a Service without a selector",
        lambda m: spec(m, "Service", "vonggac-api").pop("selector"),
        "Service vonggac-api selects no pod",
    ),
    Mistake(
        "selectors_hit_pods",
        "a disruption budget in another namespace",
        lambda m: one(m, "PodDisruptionBudget", "vonggac-api")["metadata"].update(namespace="other"),
        "PodDisruptionBudget vonggac-api selects no pod",
    ),
    Mistake(
        "selectors_hit_pods",
        "a policy with a misspelt label",
        lambda m: spec(m, "NetworkPolicy", "ingest").update(podSelector={"matchLabels": {"component": "ingest"}}),
        "NetworkPolicy ingest selects no pod",
    ),
    Mistake(
        "selectors_hit_pods",
        "a Deployment that does not own its pods",
        lambda m: spec(m, "Deployment", "vonggac-api")["template"]["metadata"]["labels"].pop("app.kubernetes.io/name"),
        "Deployment vonggac-api does not select its own pods",
    ),
    Mistake(
        "selectors_hit_pods",
        "a spread over the pods of another component",
        lambda m: pod(m)["topologySpreadConstraints"][1].update(
            labelSelector={"matchLabels": {"app.kubernetes.io/component": "ingest"}}
        ),
        "pods that are not its own",
    ),
    Mistake(
        "service_ports_exist",
        "a Service to a port that the pods do not have",
        lambda m: spec(m, "Service", "vonggac-api")["ports"][0].update(targetPort="http"),
        "sends to port http",
    ),
    Mistake(
        "probe_ports_exist",
        "a probe of a port that is not there",
        lambda m: container(m)["livenessProbe"]["httpGet"].update(port="ops"),
        "livenessProbe asks port ops",
    ),
    Mistake(
        "scale_targets_exist",
        "an autoscaler of a renamed Deployment",
        lambda m: spec(m, "HorizontalPodAutoscaler", "vonggac-api")["scaleTargetRef"].update(name="api"),
        "scales Deployment api",
    ),
    Mistake(
        "scale_targets_exist",
        "an autoscaler in another namespace",
        lambda m: one(m, "HorizontalPodAutoscaler", "vonggac-api")["metadata"].update(namespace="other"),
        "which its namespace does not have",
    ),
    Mistake(
        "scale_targets_exist",
        "replicas beside an autoscaler",
        lambda m: spec(m, "Deployment", "vonggac-api").update(replicas=3),
        "would fight over them",
    ),
    Mistake(
        "scale_targets_exist",
        "neither replicas nor an autoscaler",
        lambda m: spec(m, "Deployment", "vonggac-ingest").pop("replicas"),
        "neither replicas nor an autoscaler",
    ),
    Mistake(
        "scale_targets_exist",
        "bounds the wrong way round",
        lambda m: spec(m, "HorizontalPodAutoscaler", "vonggac-api").update(minReplicas=20),
        "more replicas at least than at most",
    ),
    Mistake(
        "volumes_fit_mounts",
        "a mount without a volume",
        lambda m: drop(pod(m)["volumes"], "keys"),
        "mounts volume keys, which it does not have",
    ),
    Mistake(
        "volumes_fit_mounts",
        "a volume that is mounted nowhere",
        lambda m: drop(container(m)["volumeMounts"], "keys"),
        "has volume keys and mounts it nowhere",
    ),
    Mistake(
        "volumes_fit_mounts",
        "a path mounted twice",
        lambda m: container(m)["volumeMounts"].append({"name": "tmp", "mountPath": "/etc/vonggac/tls"}),
        "mounts /etc/vonggac/tls twice",
    ),
    Mistake(
        "volumes_fit_mounts",
        "a claim that nobody makes",
        lambda m: remove(m, "PersistentVolumeClaim", "vonggac-snapshots"),
        "uses claim vonggac-snapshots",
    ),
    Mistake(
        "service_accounts_exist",
        "an account that nobody makes",
        lambda m: pod(m).update(serviceAccountName="api"),
        "runs as api",
    ),
    Mistake(
        "configuration_exists",
        "a Secret that is not documented",
        lambda m: volume(m, "vonggac-api", "keys")["secret"].update(secretName="vonggac-key"),
        "needs Secret vonggac-key with key *",
    ),
    Mistake(
        "configuration_exists",
        "a key that is not documented",
        lambda m: next(v for v in container(m)["env"] if v["name"] == "VONGGAC_BUS_URL")["valueFrom"][
            "secretKeyRef"
        ].update(key="uri"),
        "needs Secret vonggac-bus with key uri",
    ),
    Mistake(
        "configuration_exists",
        "an optional Secret of an unknown name",
        lambda m: volume(m, "vonggac-api", "trust")["projected"]["sources"][0]["secret"].update(name="vonggac-databse"),
        "needs Secret vonggac-databse",
    ),
    Mistake(
        "configuration_exists",
        "a ConfigMap whose digest is old",
        lambda m: container(m)["envFrom"][0]["configMapRef"].update(name="vonggac-settings-0000000000"),
        "needs ConfigMap vonggac-settings-0000000000",
    ),
    Mistake(
        "configuration_exists",
        "a trial that asks for what only production has",
        lambda m: next(v for v in container(m)["env"] if v["name"] == "VONGGAC_BUS_URL")["valueFrom"][
            "secretKeyRef"
        ].update(key="ca.crt"),
        "needs Secret vonggac-bus with key ca.crt",
        overlay="trial",
    ),
    Mistake(
        "configuration_exists",
        "a gateway's certificate that is not documented",
        lambda m: spec(m, "Gateway", "vonggac")["listeners"][1]["tls"]["certificateRefs"][0].update(name="people"),
        "Gateway vonggac needs Secret people",
    ),
    Mistake(
        "jobs_can_be_applied_again",
        "a new tag under the old name",
        lambda m: container(m, "vonggac-migrate-0-1-0", "Job").update(image="vonggac:0.2.0"),
        "does not carry the tag 0.2.0",
    ),
    Mistake(
        "jobs_can_be_applied_again",
        "a Job that reads a generated ConfigMap",
        lambda m: container(m, "vonggac-migrate-0-1-0", "Job").update(envFrom=container(m)["envFrom"]),
        "whose name changes with its content",
    ),
)
