"""The first page: how many facilities are connected, where the trouble is, how far the programme has come."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import BaseRoute

from services.access.roles import Scope
from services.console import counts
from services.console.counts import Slice, Tally
from services.console.frame import Frame, Visit
from services.console.services import ConsoleServices
from services.contracts.errors import NotFound
from services.contracts.ids import ProvinceUnitId
from services.contracts.ladder import Reason, State
from services.contracts.scope import ProvinceScope
from services.programme import workbook
from services.programme.local_time import local_day
from services.registry import provinces
from services.registry.provinces import Unit

#: Facilities in the list of those that need attention.
TROUBLED_MAX = 15


@dataclass(frozen=True, slots=True)
class Tile:
    """A number that leads to the facilities behind it."""

    state: State
    count: int


@dataclass(frozen=True, slots=True)
class ProvinceLine:
    """A province that has facilities."""

    unit: Unit
    tally: Tally
    bar: Sequence[Slice]


class Overview:
    """The pages that are about all facilities in scope."""

    def __init__(self, services: ConsoleServices) -> None:
        self._services = services

    def routes(self, frame: Frame) -> Sequence[BaseRoute]:
        async def overview(visit: Visit) -> Response:
            return frame.renderer.page("overview.html", visit.setting, await self._overview(visit.provinces))

        return [
            frame.page("/", overview, Scope.STATUS_READ, Scope.REGISTRY_READ),
            frame.page("/reports/progress.xlsx", self._progress, Scope.PROGRAMME_READ),
        ]

    async def _overview(self, scope: ProvinceScope) -> dict[str, object]:
        queries = self._services.queries
        total, by_unit = counts.tally(await queries.facility_groups(scope))
        troubled = await queries.troubled(scope, TROUBLED_MAX)
        more, _ = await queries.more_of([line.id for line in troubled])
        units = provinces.units()
        return {
            "total": total,
            "tiles": [
                Tile(state, total.states[state])
                for state in counts.STATES
                if state in counts.ALWAYS_SHOWN or total.states[state]
            ],
            "cameras": counts.count_cameras(await queries.camera_groups(scope)),
            "provinces": province_lines(by_unit),
            "silent": silent_units(scope, by_unit),
            "troubled": [(line, units[line.unit_id], _first(more[line.id].reasons)) for line in troubled],
        }

    async def _progress(self, visit: Visit) -> Response:
        unit_id = visit.request.query_params.get("unit")
        if unit_id is not None and (unit_id not in provinces.units() or not visit.provinces.covers(unit_id)):
            raise NotFound
        report = await self._services.programme.reports.progress(
            visit.provinces, None if unit_id is None else [unit_id]
        )
        body = await asyncio.to_thread(workbook.render, report)
        name = f"vong-gac-{'' if unit_id is None else f'{unit_id}-'}{local_day(report.as_of):%Y-%m-%d}.xlsx"
        return Response(
            body,
            media_type=workbook.MEDIA_TYPE,
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"},
        )


def province_lines(by_unit: Mapping[ProvinceUnitId, Tally]) -> list[ProvinceLine]:
    """Units that have facilities, those with the most trouble first."""
    units = provinces.units()
    ordered = sorted(by_unit.items(), key=lambda item: (item[1].urgency, item[0]))
    return [ProvinceLine(units[unit_id], tally, counts.bar(tally.states)) for unit_id, tally in ordered]


def silent_units(scope: ProvinceScope, by_unit: Mapping[ProvinceUnitId, Tally]) -> list[Unit]:
    """Units of 2021 in scope that have no facility: their silence is news too."""
    return [
        unit
        for unit in provinces.units().values()
        if unit.edition == 2021 and scope.covers(unit.id) and unit.id not in by_unit
    ]


def _first(reasons: Sequence[Reason]) -> Reason | None:
    return reasons[0] if reasons else None
