"""The remote control of a running site: HTTP on loopback, JSON both ways.

``GET /site`` tells everything. ``PUT /cameras/{name}/…`` changes a camera or recorder: ``fault`` with
``{"fault": "frozen"}`` (also one channel of a recorder), ``quirks`` with ``{"quirks": ["html"]}``, ``account`` with
``{"locked": true}``, ``address`` with ``{"host": "127.77.0.9"}`` or ``{"swap_with": "camera-2"}``.
"""

import json
import re
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote

from services.simulator.faults import Fault, FaultNotPossible
from services.simulator.http_server import HttpRequest, HttpResponse, HttpServer
from services.simulator.listener import PortTaken
from services.simulator.quirks import UnknownQuirk, read_quirks
from services.simulator.site import SimulatedSite, UnknownName

_CAMERA_PATH = re.compile(r"^/cameras/([^/]+)/(fault|quirks|account|address)$")

Wish = dict[str, Any]


class WishUnclear(ValueError):
    """The body of a request does not say what to do."""


class ControlServer:
    """The control endpoint of one site. Always on loopback, since it tells passwords."""

    def __init__(self, site: SimulatedSite, port: int) -> None:
        self._site = site
        self.listener = HttpServer("127.0.0.1", port, self._answer).listener
        self._changes: dict[str, Callable[[str, Wish], Awaitable[Wish]]] = {
            "fault": self._switch,
            "quirks": self._bend,
            "account": self._lock,
            "address": self._move,
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.port}"

    def describe(self) -> dict[str, Any]:
        """The site and where it is controlled."""
        return {"control_url": self.url, **self._site.describe()}

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/site":
            return _json(200, self.describe()) if request.method == "GET" else _not_allowed("GET")
        match = _CAMERA_PATH.match(request.path)
        if match is None:
            return _error(404, "there are /site and /cameras/{name}/fault, quirks, account and address")
        if request.method != "PUT":
            return _not_allowed("PUT")
        name = unquote(match[1])
        try:
            return _json(200, {"name": name, **await self._changes[match[2]](name, _wish(request.body))})
        except (WishUnclear, UnknownQuirk) as error:
            return _error(400, str(error))
        except UnknownName as error:
            return _error(404, str(error))
        except (FaultNotPossible, PortTaken) as error:
            return _error(409, str(error))

    async def _switch(self, name: str, wish: Wish) -> Wish:
        if set(wish) != {"fault"}:
            raise WishUnclear("the body must be an object with the one member fault")
        try:
            fault = Fault(wish["fault"])
        except ValueError as error:
            raise WishUnclear(f"fault must be one of: {', '.join(Fault)}") from error
        await self._site.set_fault(name, fault)
        return {"fault": fault.value}

    async def _bend(self, name: str, wish: Wish) -> Wish:
        if set(wish) != {"quirks"} or not isinstance(wish["quirks"], list):
            raise WishUnclear("the body must be an object with the one member quirks, a list of names")
        quirks = read_quirks(wish["quirks"])
        await self._site.set_quirks(name, quirks)
        return {"quirks": sorted(quirks)}

    async def _lock(self, name: str, wish: Wish) -> Wish:
        if set(wish) != {"locked"} or not isinstance(wish["locked"], bool):
            raise WishUnclear("the body must be an object with the one member locked, true or false")
        account = self._site.find(name).state.account
        if wish["locked"]:
            account.lock()
        else:
            account.unlock()
        return {"locked": wish["locked"]}

    async def _move(self, name: str, wish: Wish) -> Wish:
        device = self._site.find(name)
        match wish:
            case {"swap_with": str(other)} if len(wish) == 1:
                await self._site.swap(name, other)
            case {"host": str(host)} if len(wish) == 1:
                try:
                    await self._site.move(name, str(ip_address(host)))
                except ValueError as error:
                    raise WishUnclear(str(error)) from error
            case _:
                raise WishUnclear("the body must be an object with the one member host or swap_with")
        return {"host": device.host, "onvif_port": device.onvif_port, "rtsp_port": device.rtsp_port}


def _wish(body: bytes) -> Wish:
    try:
        wish = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WishUnclear('the body is not JSON; send for example {"fault": "frozen"}') from error
    if not isinstance(wish, dict):
        raise WishUnclear("the body must be an object with one member, for example the one member fault")
    return wish


def _json(status: int, content: object) -> HttpResponse:
    return HttpResponse(status, json.dumps(content, ensure_ascii=False).encode() + b"\n", "application/json")


def _error(status: int, sentence: str) -> HttpResponse:
    return _json(status, {"error": sentence})


def _not_allowed(method: str) -> HttpResponse:
    response = _error(405, f"only {method} is possible here")
    return HttpResponse(response.status, response.body, response.content_type, (("Allow", method),))
