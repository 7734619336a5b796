"""Mistakes that the checks of network policies must find."""

from tests.deploy.mistakes.mistake import Mistake, remove, spec

MISTAKES = (
    Mistake(
        "policies_are_closed",
        "no default",
        lambda m: remove(m, "NetworkPolicy", "deny-all"),
        "no policy that denies everything",
    ),
    Mistake(
        "policies_are_closed",
        "a default in one direction only",
        lambda m: spec(m, "NetworkPolicy", "deny-all").update(policyTypes=["Ingress"]),
        "no policy that denies everything",
    ),
    Mistake(
        "policies_are_closed",
        "a rule for everybody",
        lambda m: spec(m, "NetworkPolicy", "api")["ingress"][0].pop("from"),
        "open to everybody",
    ),
    Mistake(
        "policies_are_closed",
        "all namespaces",
        lambda m: spec(m, "NetworkPolicy", "api")["egress"][1]["to"][0].update(namespaceSelector={}),
        "is every pod or every namespace",
    ),
    Mistake(
        "policies_are_closed",
        "the internet",
        lambda m: spec(m, "NetworkPolicy", "ingest-to-cameras")["egress"][0]["to"][0]["ipBlock"].update(
            cidr="0.0.0.0/0"
        ),
        "a large part of the internet",
    ),
    Mistake(
        "policies_are_closed",
        "rules that do not count",
        lambda m: spec(m, "NetworkPolicy", "api").update(policyTypes=["Ingress"]),
        "egress rules that do not count",
    ),
    Mistake(
        "policy_ports_exist",
        "the port of a Service instead of the pod's",
        lambda m: spec(m, "NetworkPolicy", "ingest")["egress"][0]["ports"][0].update(port=443),
        "opens port 443 of Deployment vonggac-api",
    ),
    Mistake(
        "policy_ports_exist",
        "a way in to a port that is not there",
        lambda m: spec(m, "NetworkPolicy", "aggregator")["ingress"][0]["ports"][0].update(port=9200),
        "opens port 9200 of Deployment vonggac-aggregator",
    ),
    Mistake(
        "policy_ports_exist",
        "a way to pods that are gone",
        lambda m: remove(m, "StatefulSet", "vonggac-postgres"),
        "opens the way to pods that do not exist",
        overlay="trial",
    ),
)
