"""Mistakes that the checks of settings must find."""

from tests.deploy.mistakes.mistake import Mistake, container, drop, set_variable, spec, volume

MISTAKES = (
    Mistake(
        "settings_are_accepted",
        "a variable that is no setting",
        lambda m: set_variable(container(m), "VONGGAC_LISTEN", "0.0.0.0"),
        "sets VONGGAC_LISTEN, which is no setting",
    ),
    Mistake(
        "settings_are_accepted",
        "a value that does not fit",
        lambda m: set_variable(container(m, "vonggac-ingest"), "VONGGAC_LEASE_TTL", "twenty"),
        "lease_ttl",
    ),
    Mistake(
        "settings_are_accepted",
        "an API that would speak plain HTTP",
        lambda m: drop(container(m)["env"], "VONGGAC_TLS_CERT", "VONGGAC_TLS_KEY"),
        "would speak plain HTTP",
    ),
    Mistake(
        "settings_are_accepted",
        "a worker that would send credentials in clear",
        lambda m: set_variable(container(m, "vonggac-ingest"), "VONGGAC_API_URL", "http://vonggac-api"),
        "plain HTTP beyond loopback",
    ),
    Mistake(
        "settings_are_accepted",
        "a role without a broker",
        lambda m: drop(container(m, "vonggac-aggregator")["env"], "VONGGAC_BUS_URL"),
        "needs a broker",
    ),
    Mistake(
        "ports_agree",
        "a port that nobody opens",
        lambda m: set_variable(container(m, "vonggac-ingest"), "VONGGAC_MEDIA_PORT", "9444"),
        "VONGGAC_MEDIA_PORT is 9444, the port media is 9443",
    ),
    Mistake(
        "ports_agree",
        "a port left to chance",
        lambda m: drop(container(m, "vonggac-aggregator")["env"], "VONGGAC_OPS_PORT"),
        "VONGGAC_OPS_PORT is None",
    ),
    Mistake(
        "files_are_mounted",
        "a certificate that is not on the volume",
        lambda m: set_variable(container(m), "VONGGAC_TLS_CERT", "/etc/vonggac/tls/cert.pem"),
        "needs /etc/vonggac/tls/cert.pem",
    ),
    Mistake(
        "files_are_mounted",
        "an authority under another name",
        lambda m: volume(m, "vonggac-ingest", "trust")["projected"]["sources"][0]["configMap"]["items"][0].update(
            path="ca.crt"
        ),
        "needs /etc/vonggac/trust/api.crt",
    ),
    Mistake(
        "files_are_mounted",
        "keys in a directory where nobody looks",
        lambda m: set_variable(container(m), "VONGGAC_DATA_DIR", "/data"),
        "needs /data/keys",
    ),
    Mistake(
        "workers_find_the_api",
        "workers that look elsewhere",
        lambda m: set_variable(container(m, "vonggac-ingest"), "VONGGAC_API_URL", "https://vonggac-api:8443"),
        "leads to no Service",
    ),
    Mistake(
        "camera_networks_agree",
        "networks in one place only",
        lambda m: spec(m, "NetworkPolicy", "ingest-to-cameras")["egress"][0]["to"].append(
            {"ipBlock": {"cidr": "10.96.0.0/16"}}
        ),
        "may register cameras in",
    ),
    Mistake(
        "camera_networks_agree",
        "an API that can reach cameras",
        lambda m: spec(m, "NetworkPolicy", "ingest-to-cameras").update(
            podSelector={"matchLabels": {"app.kubernetes.io/name": "vonggac"}}
        ),
        "Deployment vonggac-api may register cameras in",
    ),
    Mistake(
        "camera_networks_agree",
        "no networks at all",
        lambda m: [
            manifest["data"].pop("VONGGAC_CAMERA_NETWORKS", None) for manifest in m if manifest["kind"] == "ConfigMap"
        ],
        "has no camera networks",
    ),
)
