"""Gathers what the progress report counts: one query of each kind, whatever the number of facilities."""

from collections.abc import Collection, Mapping

from services.contracts.ids import ProvinceUnitId
from services.contracts.ladder import State
from services.contracts.scope import ProvinceScope
from services.programme import repository
from services.programme.ports import Evidence, FacilityFacts, ProvinceName
from services.programme.report import FacilityProgress, ProgressReport, summarise
from services.programme.stages import Stage
from services.programme.surveys import Need
from services.runtime.clock import Clock
from services.storage.database import Transactions


class Reports:
    """Reports on the facilities within a scope."""

    def __init__(
        self,
        transactions: Transactions,
        facts: FacilityFacts,
        evidence: Evidence,
        provinces: Mapping[ProvinceUnitId, ProvinceName],
        clock: Clock,
    ) -> None:
        self._transactions = transactions
        self._facts = facts
        self._evidence = evidence
        self._provinces = provinces
        self._clock = clock

    async def progress(self, scope: ProvinceScope, units: Collection[ProvinceUnitId] | None = None) -> ProgressReport:
        """The progress within the scope, narrowed to ``units`` if given; all figures are of one moment."""
        narrowed = _narrow(scope, units)
        async with self._transactions.read() as session:
            facts = await self._facts.facility_facts(session, narrowed)
            stages = await repository.all_stages(session)
            conclusions = await repository.all_conclusions(session)
            plans = await repository.all_agreed_plans(session)
            obstacles = await repository.all_open_obstacles(session)
            registered = await self._facts.camera_counts(session)
            online = await self._evidence.online_counts(session)
            states = await self._evidence.facility_states(session)
        facilities = []
        for fact in facts:
            stage = stages.get(fact.facility_id)
            concluded = conclusions.get(fact.facility_id)
            plan = plans.get(fact.facility_id)
            facilities.append(
                FacilityProgress(
                    facility_id=fact.facility_id,
                    code=fact.code,
                    name=fact.name,
                    province_unit_id=fact.province_unit_id,
                    enterprise=fact.designated_enterprise,
                    stage=Stage.LISTED if stage is None else stage.stage,
                    has_contact=fact.has_contact,
                    conclusion=None if concluded is None else concluded.conclusion,
                    needs=frozenset() if concluded is None else frozenset(map(Need, concluded.needs)),
                    plan_kind=None if plan is None else plan.kind,
                    plan_due=None if plan is None else plan.due,
                    obstacles=tuple(obstacles.get(fact.facility_id, ())),
                    state=states.get(fact.facility_id, State.UNKNOWN),
                    cameras_registered=registered.get(fact.facility_id, 0),
                    cameras_online=online.get(fact.facility_id, 0),
                    receiving_people=None if stage is None else stage.receiving_people,
                )
            )
        return summarise(
            facilities,
            self._provinces,
            narrowed.covers,
            self._clock.now(),
            whole_country=narrowed.units is None,
        )


def _narrow(scope: ProvinceScope, units: Collection[ProvinceUnitId] | None) -> ProvinceScope:
    if units is None:
        return scope
    return ProvinceScope(frozenset(unit for unit in units if scope.covers(unit)))
