"""The survey form: the visit, how its team is protected, and what it found. Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.programme.fields import Fields
from services.programme.local_time import local_day
from services.programme.plans import Addressing


class SurveyMode(StrEnum):
    """Whether somebody enters the facility. Who does is lost to the programme while in isolation: prefer remote."""

    ON_SITE = "on_site"
    REMOTE = "remote"


class Signal(StrEnum):
    """What the cameras that are there give."""

    IP = "ip"
    ANALOG = "analog"
    MIXED = "mixed"


class Conclusion(StrEnum):
    """Whether what is there can be connected as it is."""

    ELIGIBLE = "eligible"
    NOT_ELIGIBLE = "not_eligible"


class Need(StrEnum):
    """What a facility that is not eligible needs."""

    NEW = "new"
    REPAIR = "repair"
    ADDITION = "addition"


@dataclass(frozen=True, slots=True)
class Protection:
    """How the team of an on-site visit is protected: guided by the health department, provided by the facility."""

    guidance: str
    equipment: str
    route: str
    #: Who at the facility confirms that these conditions are in place.
    confirmed_by: str
    #: Last day of the team's isolation after the visit; None when none is asked for.
    isolation_until: date | None = None

    def check(self, fields: Fields, scheduled_at: datetime, at: str = "") -> None:
        """``at`` is the JSON pointer of these conditions in the request."""
        fields.text(f"{at}/guidance", self.guidance, 500, required=True)
        fields.text(f"{at}/equipment", self.equipment, 500, required=True)
        fields.text(f"{at}/route", self.route, 500, required=True)
        fields.text(f"{at}/confirmed_by", self.confirmed_by, 200, required=True)
        if self.isolation_until is not None and self.isolation_until < local_day(scheduled_at):
            fields.fault(f"{at}/isolation_until", "lies before the day of the visit")


@dataclass(frozen=True, slots=True)
class PresentState:
    """What the survey found. None: not found out."""

    cameras: int
    cameras_model: str | None = None
    signal: Signal | None = None
    onvif: bool | None = None
    rtsp: bool | None = None
    account_known: bool | None = None
    recorder_maker: str | None = None
    recorder_model: str | None = None
    recorder_channels: int | None = None
    line_provider: str | None = None
    line_down_mbps: float | None = None
    line_up_mbps: float | None = None
    addressing: Addressing | None = None
    ups_minutes: int | None = None
    #: Whether quarantined people live there now.
    receiving_people: bool | None = None

    def check(self, fields: Fields, at: str) -> None:
        fields.number(f"{at}/cameras", self.cameras, 0, 10_000)
        fields.text(f"{at}/cameras_model", self.cameras_model, 500)
        fields.text(f"{at}/recorder_maker", self.recorder_maker, 200)
        fields.text(f"{at}/recorder_model", self.recorder_model, 200)
        fields.number(f"{at}/recorder_channels", self.recorder_channels, 0, 10_000)
        fields.text(f"{at}/line_provider", self.line_provider, 200)
        fields.number(f"{at}/line_down_mbps", self.line_down_mbps, 0, 1_000_000)
        fields.number(f"{at}/line_up_mbps", self.line_up_mbps, 0, 1_000_000)
        fields.number(f"{at}/ups_minutes", self.ups_minutes, 0, 100_000)


@dataclass(frozen=True, slots=True)
class SurveyResult:
    """What was found and concluded. ``needs`` says what is lacking if the facility is not eligible."""

    present: PresentState
    conclusion: Conclusion
    needs: frozenset[Need] = frozenset()
    #: When the survey was carried out; None: now.
    completed_at: datetime | None = None
    notes: str | None = None

    def check(self, fields: Fields, now: datetime, at: str = "") -> None:
        """``at`` is the JSON pointer of this result in the request."""
        self.present.check(fields, f"{at}/present")
        fields.past(f"{at}/completed_at", self.completed_at, now)
        fields.text(f"{at}/notes", self.notes, 4000)
        if self.conclusion is Conclusion.NOT_ELIGIBLE and not self.needs:
            fields.fault(f"{at}/needs", "must say what is needed: new, repair or addition")
        if self.conclusion is Conclusion.ELIGIBLE and self.needs:
            fields.fault(f"{at}/needs", "must be empty for a facility that is eligible as it is")
        if self.conclusion is Conclusion.ELIGIBLE and self.present.cameras == 0:
            fields.fault(f"{at}/conclusion", "cannot be eligible without a camera")


@dataclass(frozen=True, slots=True)
class NewSurvey:
    """A visit, and what else is known when it is entered: a remote survey may come with its result at once."""

    mode: SurveyMode
    scheduled_at: datetime
    team: str
    protection: Protection | None = None
    result: SurveyResult | None = None

    def check(self, now: datetime) -> None:
        """Raises Invalid."""
        fields = Fields()
        fields.moment("/scheduled_at", self.scheduled_at)
        fields.text("/team", self.team, 500, required=True)
        if self.mode is SurveyMode.REMOTE and self.protection is not None:
            fields.fault("/protection", "belongs to an on-site visit only")
        elif self.protection is not None and not fields.faults:
            self.protection.check(fields, self.scheduled_at, "/protection")
        if self.result is not None:
            self.result.check(fields, now, "/result")
        fields.verify()
