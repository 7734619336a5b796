"""The remote control of a running site: HTTP on loopback, JSON both ways.

``GET /site`` tells everything; ``PUT /cameras/{name}/fault`` with ``{"fault": "frozen"}`` switches the fault of a
camera, a recorder or one of its channels.
"""

import json
import re
from typing import Any
from urllib.parse import unquote

from services.simulator.faults import Fault, FaultNotPossible
from services.simulator.http_server import HttpRequest, HttpResponse, HttpServer
from services.simulator.site import SimulatedSite, UnknownName

_FAULT_PATH = re.compile(r"^/cameras/([^/]+)/fault$")


class ControlServer:
    """The control endpoint of one site. Always on loopback, since it tells passwords."""

    def __init__(self, site: SimulatedSite, port: int) -> None:
        self._site = site
        self.listener = HttpServer("127.0.0.1", port, self._answer).listener

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.port}"

    def describe(self) -> dict[str, Any]:
        """The site and where it is controlled."""
        return {"control_url": self.url, **self._site.describe()}

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/site":
            return _json(200, self.describe()) if request.method == "GET" else _not_allowed("GET")
        match = _FAULT_PATH.match(request.path)
        if match is None:
            return _error(404, "there are /site and /cameras/{name}/fault")
        if request.method != "PUT":
            return _not_allowed("PUT")
        return await self._switch(unquote(match[1]), request.body)

    async def _switch(self, name: str, body: bytes) -> HttpResponse:
        try:
            wish = json.loads(body)
        except (ValueError, RecursionError):
            return _error(400, 'the body is not JSON; send for example {"fault": "frozen"}')
        if not isinstance(wish, dict) or set(wish) != {"fault"}:
            return _error(400, "the body must be an object with the one member fault")
        try:
            fault = Fault(wish["fault"])
        except ValueError:
            return _error(400, f"fault must be one of: {', '.join(Fault)}")
        try:
            await self._site.set_fault(name, fault)
        except UnknownName as error:
            return _error(404, str(error))
        except FaultNotPossible as error:
            return _error(409, str(error))
        return _json(200, {"name": name, "fault": fault.value})


def _json(status: int, content: object) -> HttpResponse:
    return HttpResponse(status, json.dumps(content, ensure_ascii=False).encode() + b"\n", "application/json")


def _error(status: int, sentence: str) -> HttpResponse:
    return _json(status, {"error": sentence})


def _not_allowed(method: str) -> HttpResponse:
    response = _error(405, f"only {method} is possible here")
    return HttpResponse(response.status, response.body, response.content_type, (("Allow", method),))
