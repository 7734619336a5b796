"""Connection plans, and the zones that others must hold a facility to."""

import logging

from services.contracts.errors import Unavailable
from services.contracts.ids import FacilityId, PrincipalId, new_id
from services.contracts.messages import RosterChange, RosterChanged
from services.contracts.scope import ProvinceScope
from services.contracts.zones import Zone
from services.programme import repository
from services.programme.files import Files
from services.programme.plans import NewPlan
from services.programme.ports import Publisher
from services.programme.stages import Stage
from services.programme.tables import ConnectionPlan, PlanZone
from services.runtime.clock import Clock
from services.storage.database import AsyncSession, Transactions

log = logging.getLogger(__name__)


class Plans:
    """Satisfies the aggregator's port ``Plans`` too."""

    def __init__(self, transactions: Transactions, files: Files, publisher: Publisher, clock: Clock) -> None:
        self._transactions = transactions
        self._files = files
        self._publisher = publisher
        self._clock = clock

    async def set_plan(
        self, principal: PrincipalId, scope: ProvinceScope, facility_id: FacilityId, new: NewPlan
    ) -> ConnectionPlan:
        """Enter a plan as the next version. Raises FacilityNotFound, ZoneForbidden, Invalid.

        Older versions are kept. Until a newer one is agreed, the zones of the last agreed one stay compulsory. An
        accepted facility whose parties agree a new plan goes back to trial: it was accepted under the old one.
        """
        zones = new.check()
        now = self._clock.now()
        async with self._transactions.write() as session:
            file = await self._files.open(session, scope, facility_id)
            older = await repository.newest_plan(session, facility_id)
            plan = ConnectionPlan(
                id=new_id(),
                facility_id=facility_id,
                version=1 if older is None else older.version + 1,
                kind=new.kind,
                line=new.line,
                addressing=new.addressing,
                due=new.due,
                agreed_by=sorted(party.value for party in new.agreed_by),
                agreed_at=now if new.agreed else None,
                notes=new.notes,
                created_at=now,
                zones=[PlanZone(zone=zone) for zone in sorted(zones)],
            )
            session.add(plan)
            await self._files.record(
                session,
                file,
                principal,
                "plan.set",
                {"plan_id": str(plan.id), "version": plan.version, "kind": plan.kind.value, "agreed": new.agreed},
            )
            if new.agreed and file.stage.stage is Stage.ACCEPTED:
                facts = await self._files.read(session, file.fact, file.stage.receiving_people)
                self._files.move(session, file, Stage.TRIAL, facts.dossier, principal, "plan.set")
            await self._files.follow(session, file, principal, "plan.set")
        await self._nudge(facility_id)
        return plan

    async def compulsory_zones(self, session: AsyncSession, facility_id: FacilityId) -> frozenset[Zone] | None:
        """The compulsory zones of the newest agreed plan, asked within the caller's transaction; None without one."""
        plan = await repository.newest_plan(session, facility_id, agreed=True)
        return None if plan is None else plan.compulsory_zones

    async def _nudge(self, facility_id: FacilityId) -> None:
        """The aggregator derives the facility anew at once, instead of at the next report."""
        try:
            await self._publisher.publish(RosterChanged(facility_id=facility_id, change=RosterChange.FACILITY_CHANGED))
        except Unavailable as error:
            log.warning("nudge not published", extra={"facility_id": facility_id, "error": error.detail})
