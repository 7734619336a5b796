"""Handing findings to the API."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.cli.discover_adopt import api_client, facility_id, send_findings
from services.cli.discover_order import WrongCall
from services.contracts.camera import Credentials
from services.contracts.discovery import Found
from services.contracts.errors import NotFound
from services.runtime.http_client import HttpAnswer


class Api:
    """Answers by method and path, and remembers what it was asked."""

    def __init__(self, answers: dict[tuple[str, str], Any]) -> None:
        self._answers = answers
        self.asked: list[tuple[str, str, Any]] = []

    async def request(self, method: str, path: str, *, json: Any = None, params: Any = None) -> HttpAnswer:
        self.asked.append((method, path, json or params))
        if (method, path) not in self._answers:
            raise NotFound(f"{method} {path} answered 404.")
        return HttpAnswer(200, dumped(self._answers[method, path]))


def dumped(answer: Any) -> bytes:
    return json.dumps(answer).encode()


async def test_a_facility_is_found_by_its_code_or_its_id() -> None:
    wanted = uuid4()
    by_code = Api({("GET", "/v1/facilities"): {"items": [{"id": str(wanted)}]}})
    assert await facility_id(by_code, "HG-001") == wanted  # type: ignore[arg-type]
    assert by_code.asked == [("GET", "/v1/facilities", {"code": "HG-001"})]
    by_id = Api({("GET", "/v1/facilities"): {"items": []}, ("GET", f"/v1/facilities/{wanted}"): {"id": str(wanted)}})
    assert await facility_id(by_id, str(wanted)) == wanted  # type: ignore[arg-type]


async def test_an_unknown_facility_is_said_by_its_code() -> None:
    with pytest.raises(NotFound, match="nobody"):
        await facility_id(Api({("GET", "/v1/facilities"): {"items": []}}), "nobody")  # type: ignore[arg-type]


async def test_findings_go_with_the_sets_that_they_name_by_index() -> None:
    discovery = uuid4()
    api = Api({("POST", "/v1/discoveries/findings"): {"id": str(discovery)}})
    found = [Found(address="10.0.0.5", port=80, credential=0)]
    sets = [Credentials(username="admin", password="x", version=1)]
    assert await send_findings(api, UUID(int=7), found, sets) == discovery  # type: ignore[arg-type]
    body = api.asked[0][2]
    assert body["facility_id"] == str(UUID(int=7))
    assert Found.model_validate(body["found"][0]) == found[0]
    assert body["credentials"] == [{"username": "admin", "password": "x"}]


@pytest.mark.parametrize(
    ("url", "key"),
    [("", "k"), ("vonggac.example", "k"), ("http://10.0.0.1:8000", "k"), ("https://vonggac.example", "")],
)
def test_a_key_is_not_sent_in_the_clear_or_to_nowhere(url: str, key: str) -> None:
    with pytest.raises(WrongCall):
        api_client(url, key, None)


async def test_plain_http_is_for_this_machine(tmp_path: Path) -> None:
    client = api_client("http://127.0.0.1:8000", "k", None)
    await client.close()
