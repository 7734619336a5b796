"""Mistakes that the checks of the way in for people must find."""

from tests.deploy.manifests import one
from tests.deploy.mistakes.mistake import Mistake, remove, rules, spec

MISTAKES = (
    Mistake(
        "gateway_objects_are_valid",
        "a misspelt field",
        lambda m: rules(m)[0].update(backendRef=[]),
        "backendRef",
    ),
    Mistake(
        "gateway_objects_are_valid",
        "a kind that nobody knows",
        lambda m: one(m, "BackendTLSPolicy", "vonggac-api").update(kind="BackendTlsPolicy"),
        "of a kind without a schema",
    ),
    Mistake(
        "routes_fit",
        "a listener that does not exist",
        lambda m: spec(m, "HTTPRoute", "vonggac")["parentRefs"][0].update(sectionName="web"),
        "hangs on a listener that does not exist",
    ),
    Mistake(
        "routes_fit",
        "another host",
        lambda m: spec(m, "HTTPRoute", "vonggac").update(hostnames=["www.vonggac.example"]),
        "is not for vonggac.example",
    ),
    Mistake(
        "routes_fit",
        "a port that the Service does not have",
        lambda m: rules(m)[1]["backendRefs"][0].update(port=8443),
        "which is no port of a Service",
    ),
    Mistake(
        "routes_fit",
        "a certificate that nobody checks",
        lambda m: remove(m, "BackendTLSPolicy", "vonggac-api"),
        "whose certificate nobody checks",
    ),
    Mistake(
        "routes_fit",
        "links to an address that leads nowhere",
        lambda m: [
            manifest["data"].update(VONGGAC_PUBLIC_URL="https://elsewhere.example")
            for manifest in m
            if manifest["kind"] == "ConfigMap"
        ],
        "people come in by",
    ),
)
