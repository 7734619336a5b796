"""Acceptances: refused with all that is missing, or kept with the evidence of every zone."""

from dataclasses import replace
from datetime import timedelta

from services.contracts.ids import FacilityId, PrincipalId, new_id
from services.contracts.scope import ProvinceScope
from services.programme import repository
from services.programme.acceptance import Judgement, NewAcceptance, ZoneEvidence, judge
from services.programme.errors import AcceptanceRefused
from services.programme.files import FileFacts, Files
from services.programme.ports import Evidence
from services.programme.stages import Stage
from services.programme.tables import Acceptance, AcceptanceZone
from services.runtime.clock import Clock
from services.storage.database import AsyncSession, Transactions


class Acceptances:
    """Accepts facilities."""

    def __init__(
        self, transactions: Transactions, files: Files, evidence: Evidence, clock: Clock, fresh: timedelta
    ) -> None:
        self._transactions = transactions
        self._files = files
        self._evidence = evidence
        self._clock = clock
        self._fresh = fresh

    async def accept(
        self, principal: PrincipalId, scope: ProvinceScope, facility_id: FacilityId, new: NewAcceptance
    ) -> Acceptance:
        """Accept a facility at stage connecting or trial; in the same transaction it becomes accepted.

        Raises FacilityNotFound, Invalid, or AcceptanceRefused with everything that is missing.
        """
        now = self._clock.now()
        new.check(now)
        async with self._transactions.write() as session:
            file = await self._files.open(session, scope, facility_id)
            facts = await self._files.read(session, file.fact, file.stage.receiving_people)
            plan = await repository.newest_plan(session, facility_id)
            signatures, recording = new.signatures, new.recording
            judgement = await self.judge(
                session,
                file.stage.stage,
                facts,
                signed=signatures is not None,
                recording_checked=recording is not None,
            )
            if judgement.missing or plan is None or signatures is None:
                raise AcceptanceRefused(judgement.missing, "")
            acceptance = Acceptance(
                id=new_id(),
                facility_id=facility_id,
                plan_id=plan.id,
                accepted_at=now,
                principal_id=principal,
                signed_so_tttt=signatures.so_tttt,
                signed_enterprise=signatures.enterprise,
                signed_facility=signatures.facility,
                recording_checked_by=None if recording is None else recording.checked_by,
                recording_checked_at=None if recording is None else recording.checked_at,
                recording_kept_days=None if recording is None else recording.kept_days,
                notes=new.notes,
                zones=[_zone_row(evidence) for evidence in judgement.evidence],
            )
            session.add(acceptance)
            dossier = replace(facts.dossier, acceptance_passed=True)
            self._files.move(session, file, Stage.ACCEPTED, dossier, principal, "acceptance.accept")
            await self._files.record(
                session,
                file,
                principal,
                "acceptance.accept",
                {
                    "acceptance_id": str(acceptance.id),
                    "plan_version": plan.version,
                    "cameras": {one.zone.value: str(one.camera.camera_id) for one in judgement.evidence},
                },
            )
        return acceptance

    async def judge(
        self,
        session: AsyncSession,
        stage: Stage,
        facts: FileFacts,
        *,
        signed: bool = True,
        recording_checked: bool = False,
    ) -> Judgement:
        """What an acceptance would say at this moment. By default it is taken to come with its signatures."""
        proofs = await self._evidence.proofs_of(session, [camera.camera_id for camera in facts.roster])
        return judge(
            stage,
            facts.dossier,
            facts.roster,
            proofs,
            self._clock.now(),
            self._fresh,
            signed=signed,
            recording_checked=recording_checked,
        )


def _zone_row(evidence: ZoneEvidence) -> AcceptanceZone:
    row = AcceptanceZone(
        zone=evidence.zone, camera_id=evidence.camera.camera_id, camera_name=evidence.camera.name[:200]
    )
    if evidence.proof is not None:
        stream = evidence.proof.stream
        row.rung, row.observed_at = evidence.proof.rung, evidence.proof.observed_at
        row.codec = None if stream.codec is None else stream.codec[:32]
        row.width, row.height, row.fps = stream.width, stream.height, stream.fps
    return row
