"""Errors as problem documents."""

import json

import pytest

import services.access.keys
import services.access.sessions
import services.live.service
import services.live.tokens
import services.programme.errors
import services.registry.errors
import services.storage.cipher
import services.storage.database  # noqa: F401 - imported so that their errors are known
from services.api.errors import STATUS, pointer, service_error
from services.contracts.errors import Fault, NotFound, ServiceError, Unauthenticated, Unavailable


def kinds(base: type[ServiceError]) -> list[type[ServiceError]]:
    return [kind for child in base.__subclasses__() for kind in (child, *kinds(child))]


@pytest.mark.parametrize("kind", kinds(ServiceError), ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_a_code_and_a_sentence(kind: type[ServiceError]) -> None:
    assert any(category in STATUS for category in kind.__mro__)
    assert kind.code != "error"
    assert (kind.__doc__ or "").strip(), "the docstring is the default sentence"


def test_codes_are_stable_names_of_one_error_each() -> None:
    public = [kind for kind in kinds(ServiceError) if not kind.__name__.startswith("_")]
    by_code: dict[str, set[str]] = {}
    for kind in public:
        by_code.setdefault(kind.code, set()).add(kind.__name__)
    assert {code: names for code, names in by_code.items() if len(names) > 1} == {}


def test_the_fields_at_fault_and_extra_members_stand_in_the_document() -> None:
    answer = service_error(NotFound("Nothing there.", faults=(Fault("/facility_id", "is unknown"),), channels=["a"]))
    body = json.loads(bytes(answer.body))
    assert (answer.status_code, body["detail"], body["channels"]) == (404, "Nothing there.", ["a"])
    assert body["errors"] == [{"pointer": "/facility_id", "detail": "is unknown"}]


def test_answers_say_how_to_go_on() -> None:
    assert service_error(Unauthenticated()).headers["www-authenticate"].startswith("Bearer")
    assert int(service_error(Unavailable()).headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (("body", "name"), "/name"),
        (("body", "source", "rtsp", "url"), "/source/url"),
        (("body", "source", "onvif", "port"), "/source/port"),
        (("body", "zones", 2), "/zones/2"),
        (("body", "a/b~c"), "/a~1b~0c"),
        (("query", "limit"), "/limit"),
        (("body",), ""),
    ],
)
def test_places_are_json_pointers(location: tuple[str | int, ...], expected: str) -> None:
    assert pointer(location) == expected
