"""Surveys: scheduled, protected, carried out or called off. The stage follows."""

from uuid import UUID

from services.contracts.errors import Conflict, Fault
from services.contracts.ids import FacilityId, PrincipalId, new_id
from services.contracts.scope import ProvinceScope
from services.programme import repository
from services.programme.errors import SurveyClosed, SurveyNotFound, SurveyRefused
from services.programme.fields import Fields
from services.programme.files import Files, OpenFile
from services.programme.guards import Dossier, protection_is_confirmed
from services.programme.surveys import NewSurvey, Protection, SurveyMode, SurveyResult
from services.programme.tables import Survey
from services.runtime.clock import Clock
from services.storage.database import AsyncSession, Transactions


class Surveys:
    """Every method raises FacilityNotFound, and Invalid with the fields at fault."""

    def __init__(self, transactions: Transactions, files: Files, clock: Clock) -> None:
        self._transactions = transactions
        self._files = files
        self._clock = clock

    async def schedule_survey(
        self, principal: PrincipalId, scope: ProvinceScope, facility_id: FacilityId, new: NewSurvey
    ) -> Survey:
        """Enter a visit; one that was still to come is replaced by it.

        With ``new.result`` the survey is complete at once. Raises SurveyRefused for the result of an on-site visit
        whose protection nobody confirmed.
        """
        now = self._clock.now()
        new.check(now)
        async with self._transactions.write() as session:
            file = await self._files.open(session, scope, facility_id)
            replaced = await repository.open_survey(session, facility_id)
            if replaced is not None:
                replaced.cancelled_at = now
            survey = Survey(
                id=new_id(),
                facility_id=facility_id,
                mode=new.mode,
                scheduled_at=new.scheduled_at,
                team=new.team,
                needs=[],
                created_at=now,
            )
            session.add(survey)
            if new.protection is not None:
                self._protect(survey, new.protection)
            await self._files.record(
                session,
                file,
                principal,
                "survey.schedule",
                {"survey_id": str(survey.id), "mode": new.mode, "replaced": str(replaced.id) if replaced else None},
            )
            await self._files.follow(session, file, principal, "survey.schedule")
            if new.result is not None:
                await self._complete(session, file, principal, survey, new.result)
        return survey

    async def confirm_protection(
        self,
        principal: PrincipalId,
        scope: ProvinceScope,
        facility_id: FacilityId,
        survey_id: UUID,
        protection: Protection,
    ) -> Survey:
        """Enter the conditions that the facility confirmed. Raises SurveyNotFound, SurveyClosed, Conflict (remote)."""
        async with self._transactions.write() as session:
            file, survey = await self._open(session, scope, facility_id, survey_id)
            if survey.mode is SurveyMode.REMOTE:
                raise Conflict(
                    "A remote survey needs no protection conditions.",
                    faults=(Fault("", "belongs to an on-site visit only"),),
                )
            fields = Fields()
            protection.check(fields, survey.scheduled_at)
            fields.verify()
            self._protect(survey, protection)
            await self._files.record(session, file, principal, "survey.protection", {"survey_id": str(survey_id)})
            await self._files.follow(session, file, principal, "survey.protection")
        return survey

    async def record_survey(
        self,
        principal: PrincipalId,
        scope: ProvinceScope,
        facility_id: FacilityId,
        survey_id: UUID,
        result: SurveyResult,
    ) -> Survey:
        """Complete a survey. Raises SurveyNotFound, SurveyClosed, or SurveyRefused without confirmed protection."""
        fields = Fields()
        result.check(fields, self._clock.now())
        fields.verify()
        async with self._transactions.write() as session:
            file, survey = await self._open(session, scope, facility_id, survey_id)
            await self._complete(session, file, principal, survey, result)
        return survey

    async def cancel_survey(
        self, principal: PrincipalId, scope: ProvinceScope, facility_id: FacilityId, survey_id: UUID
    ) -> Survey:
        """Call a visit off. Raises SurveyNotFound or SurveyClosed."""
        async with self._transactions.write() as session:
            file, survey = await self._open(session, scope, facility_id, survey_id)
            survey.cancelled_at = self._clock.now()
            await self._files.record(session, file, principal, "survey.cancel", {"survey_id": str(survey_id)})
            await self._files.follow(session, file, principal, "survey.cancel")
        return survey

    async def _open(
        self, session: AsyncSession, scope: ProvinceScope, facility_id: FacilityId, survey_id: UUID
    ) -> tuple[OpenFile, Survey]:
        file = await self._files.open(session, scope, facility_id)
        survey = await repository.survey(session, facility_id, survey_id)
        if survey is None:
            raise SurveyNotFound
        if not survey.open:
            raise SurveyClosed
        return file, survey

    def _protect(self, survey: Survey, protection: Protection) -> None:
        survey.guidance = protection.guidance
        survey.equipment = protection.equipment
        survey.route = protection.route
        survey.confirmed_by = protection.confirmed_by
        survey.confirmed_at = self._clock.now()
        survey.isolation_until = protection.isolation_until

    async def _complete(
        self, session: AsyncSession, file: OpenFile, principal: PrincipalId, survey: Survey, result: SurveyResult
    ) -> None:
        if survey.mode is SurveyMode.ON_SITE and survey.confirmed_at is None:
            raise SurveyRefused(protection_is_confirmed(Dossier()), "/protection")
        present = result.present
        for name in (
            "cameras",
            "cameras_model",
            "signal",
            "onvif",
            "rtsp",
            "account_known",
            "recorder_maker",
            "recorder_model",
            "recorder_channels",
            "line_provider",
            "line_down_mbps",
            "line_up_mbps",
            "addressing",
            "ups_minutes",
        ):
            setattr(survey, name, getattr(present, name))
        survey.conclusion = result.conclusion
        survey.needs = sorted(need.value for need in result.needs)
        survey.notes = result.notes
        survey.completed_at = result.completed_at or self._clock.now()
        if present.receiving_people is not None:
            file.stage.receiving_people = present.receiving_people
        await self._files.record(
            session,
            file,
            principal,
            "survey.record",
            {"survey_id": str(survey.id), "conclusion": result.conclusion},
        )
        await self._files.follow(session, file, principal, "survey.record")
