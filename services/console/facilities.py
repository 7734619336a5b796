"""Lists of facilities: those of a province, or all in scope; by state, by name or code, page by page."""

import base64
import binascii
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.routing import BaseRoute

from services.access.roles import Scope
from services.console import counts
from services.console.counts import CameraCount
from services.console.frame import Frame, Visit
from services.console.queries import FacilityLine, FacilityMore
from services.console.services import ConsoleServices
from services.contracts.errors import NotFound
from services.contracts.ladder import State
from services.registry import provinces
from services.registry.provinces import Unit

PAGE_SIZE = 50
_SEARCH_MAX = 100
_RANKS = {state: rank for rank, state in enumerate(counts.STATES)}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What somebody wants to see. ``after`` is the key of the last facility on the page before."""

    state: State | None = None
    search: str = ""
    after: tuple[int, str] | None = None

    def url(self, path: str, *, state: State | None = None, after: FacilityLine | None = None) -> str:
        """The address of the same list in another state, or of the page that comes after a facility."""
        query = {"q": self.search, "state": state or "", "after": write_cursor(sort_key(after)) if after else ""}
        query = {name: value for name, value in query.items() if value}
        return f"{path}?{urlencode(query)}" if query else path


@dataclass(frozen=True, slots=True)
class Row:
    """A facility with everything the list tells."""

    line: FacilityLine
    unit: Unit
    more: FacilityMore
    cameras: CameraCount


class FacilityLists:
    """The pages with lists."""

    def __init__(self, services: ConsoleServices) -> None:
        self._services = services

    def routes(self, frame: Frame) -> Sequence[BaseRoute]:
        async def all_facilities(visit: Visit) -> Response:
            return frame.renderer.page("facilities.html", visit.setting, await self._list(visit, None))

        async def of_province(visit: Visit) -> Response:
            unit = provinces.units().get(visit.request.path_params["unit_id"])
            if unit is None or not visit.provinces.covers(unit.id):
                raise NotFound
            return frame.renderer.page("facilities.html", visit.setting, await self._list(visit, unit))

        needed = (Scope.STATUS_READ, Scope.REGISTRY_READ, Scope.PROGRAMME_READ)
        return [
            frame.page("/facilities", all_facilities, *needed),
            frame.page("/provinces/{unit_id}", of_province, *needed),
        ]

    async def _list(self, visit: Visit, unit: Unit | None) -> dict[str, object]:
        queries, path = self._services.queries, visit.request.url.path
        chosen = read_choice(visit.request.query_params)
        found = matching(await queries.facilities(visit.provinces, unit.id if unit else None), chosen.search)
        shown, following = page_of(found, chosen, PAGE_SIZE)
        more, cameras = await queries.more_of([line.id for line in shown])
        by_facility = counts.cameras_by_facility(cameras)
        states = Counter(line.state for line in found)
        units = provinces.units()
        return {
            "unit": unit,
            "chosen": chosen,
            "path": path,
            "found": len(found),
            "choices": [
                (state, states[state], chosen.url(path, state=state))
                for state in counts.STATES
                if state in counts.ALWAYS_SHOWN or states[state] or chosen.state is state
            ],
            "everything": chosen.url(path),
            "rows": [
                Row(line, units[line.unit_id], more[line.id], by_facility.get(line.id, CameraCount()))
                for line in shown
                if line.id in more
            ],
            "next_url": chosen.url(path, state=chosen.state, after=following) if following else None,
            "first_url": chosen.url(path, state=chosen.state) if chosen.after else None,
        }


def read_choice(query: QueryParams) -> Chosen:
    """What the address says; what it says wrongly is left out, for nobody types it."""
    return Chosen(
        state=next((state for state in State if state == query.get("state")), None),
        search=" ".join(query.get("q", "")[:_SEARCH_MAX].split()),
        after=read_cursor(query.get("after")),
    )


def sort_key(line: FacilityLine) -> tuple[int, str]:
    """Those in trouble first, then by code, which is unique."""
    return _RANKS[line.state], line.code


def matching(lines: Sequence[FacilityLine], search: str) -> Sequence[FacilityLine]:
    """Those whose code or name has every word of the search in it, with or without its diacritics."""
    words = folded(search).split()
    if not words:
        return lines
    return [line for line in lines if all(word in folded(f"{line.code} {line.name}") for word in words)]


def page_of(lines: Sequence[FacilityLine], chosen: Chosen, size: int) -> tuple[list[FacilityLine], FacilityLine | None]:
    """One page of those in the chosen state and, unless it is the last, the line after which the next one begins.

    The key is the place itself, so nothing is lost or doubled while facilities come and go; one whose state changes
    meanwhile moves.
    """
    wanted = sorted((line for line in lines if chosen.state in {None, line.state}), key=sort_key)
    if chosen.after is not None:
        wanted = [line for line in wanted if sort_key(line) > chosen.after]
    return wanted[:size], wanted[size - 1] if len(wanted) > size else None


def folded(text: str) -> str:
    """Without case and diacritics: people search for ``hau giang`` and mean Hậu Giang."""
    decomposed = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def write_cursor(key: tuple[int, str]) -> str:
    """The key as it stands in an address."""
    return base64.urlsafe_b64encode(f"{key[0]}.{key[1]}".encode()).decode().rstrip("=")


def read_cursor(text: str | None) -> tuple[int, str] | None:
    """The key again; None for anything that is not one, so that the list begins anew."""
    if not text or len(text) > 400:
        return None
    try:
        rank, _, code = (
            base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode().partition(".")
        )
        return (int(rank), code) if code else None
    except (binascii.Error, ValueError):
        return None
