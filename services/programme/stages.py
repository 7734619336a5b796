"""Where a facility stands in the programme. Pure: the facts of its file go in, stages and what is missing come out.

Facts move a stage by themselves as far as the table FOLLOWS says (a survey that is complete makes a facility
surveyed); people decide the rest by naming the next stage. Both ways are held to TRANSITIONS and its guards.
``accepted`` is entered by an acceptance and in no other way.
"""

from collections.abc import Mapping
from enum import StrEnum

from services.contracts.names import Bilingual
from services.programme.guards import (
    Dossier,
    Guard,
    acceptance_has_passed,
    contact_is_named,
    no_plan_was_agreed,
    no_visit_stands,
    obstacles_are_resolved,
    plan_fits_the_survey,
    plan_is_agreed,
    plan_is_feasible,
    plan_names_zones,
    plan_needs_work,
    protection_is_confirmed,
    something_blocks_the_survey,
    survey_is_complete,
    visit_is_planned,
    zones_have_cameras,
)
from services.programme.texts import Missing


class Stage(StrEnum):
    """Where a facility stands in the programme. Never mixed with its state, which says what its cameras do now."""

    LISTED = "listed"
    CONTACT_NAMED = "contact_named"
    SURVEY_SCHEDULED = "survey_scheduled"
    SURVEY_BLOCKED = "survey_blocked"
    SURVEYED = "surveyed"
    PLAN_AGREED = "plan_agreed"
    INSTALLING = "installing"
    CONNECTING = "connecting"
    TRIAL = "trial"
    ACCEPTED = "accepted"
    SUSPENDED = "suspended"
    CLOSED = "closed"


STAGE_NAMES: Mapping[Stage, Bilingual] = {
    Stage.LISTED: Bilingual("listed", "đã có trong danh sách"),
    Stage.CONTACT_NAMED: Bilingual("contact named", "đã có đầu mối"),
    Stage.SURVEY_SCHEDULED: Bilingual("survey scheduled", "đã có lịch khảo sát"),
    Stage.SURVEY_BLOCKED: Bilingual("survey blocked", "khảo sát bị vướng"),
    Stage.SURVEYED: Bilingual("surveyed", "đã khảo sát"),
    Stage.PLAN_AGREED: Bilingual("plan agreed", "đã thống nhất phương án"),
    Stage.INSTALLING: Bilingual("installing", "đang lắp đặt"),
    Stage.CONNECTING: Bilingual("connecting", "đang kết nối"),
    Stage.TRIAL: Bilingual("trial", "chạy thử"),
    Stage.ACCEPTED: Bilingual("accepted", "đã nghiệm thu"),
    Stage.SUSPENDED: Bilingual("suspended", "tạm dừng"),
    Stage.CLOSED: Bilingual("closed", "đã đóng"),
}


_ALIVE = tuple(stage for stage in Stage if stage not in {Stage.SUSPENDED, Stage.CLOSED})
_BEFORE_SURVEY = (Stage.LISTED, Stage.CONTACT_NAMED, Stage.SURVEY_SCHEDULED)
_PLANNED = (plan_is_agreed, plan_is_feasible)

#: Every step a facility can take, with what must be true before it. The diagram in the docs is drawn from it.
TRANSITIONS: Mapping[tuple[Stage, Stage], tuple[Guard, ...]] = {
    (Stage.LISTED, Stage.CONTACT_NAMED): (contact_is_named,),
    (Stage.CONTACT_NAMED, Stage.SURVEY_SCHEDULED): (visit_is_planned, protection_is_confirmed),
    (Stage.SURVEY_SCHEDULED, Stage.CONTACT_NAMED): (no_visit_stands,),
    (Stage.SURVEY_SCHEDULED, Stage.SURVEYED): (survey_is_complete,),
    **{(stage, Stage.SURVEY_BLOCKED): (something_blocks_the_survey,) for stage in _BEFORE_SURVEY},
    # Whoever surveyed in spite of an obstacle was not blocked by it. It stays open and stands before acceptance.
    (Stage.SURVEY_BLOCKED, Stage.SURVEYED): (survey_is_complete,),
    (Stage.SURVEY_BLOCKED, Stage.SURVEY_SCHEDULED): (
        obstacles_are_resolved,
        contact_is_named,
        visit_is_planned,
        protection_is_confirmed,
    ),
    (Stage.SURVEY_BLOCKED, Stage.CONTACT_NAMED): (obstacles_are_resolved, contact_is_named),
    (Stage.SURVEY_BLOCKED, Stage.LISTED): (obstacles_are_resolved,),
    (Stage.SURVEYED, Stage.PLAN_AGREED): (survey_is_complete, plan_is_agreed, plan_fits_the_survey),
    (Stage.PLAN_AGREED, Stage.INSTALLING): (*_PLANNED, plan_needs_work),
    (Stage.PLAN_AGREED, Stage.CONNECTING): _PLANNED,
    (Stage.INSTALLING, Stage.CONNECTING): _PLANNED,
    (Stage.CONNECTING, Stage.INSTALLING): (*_PLANNED, plan_needs_work),
    (Stage.CONNECTING, Stage.TRIAL): (*_PLANNED, plan_names_zones, zones_have_cameras),
    (Stage.TRIAL, Stage.CONNECTING): _PLANNED,
    # An acceptance proves all that a trial shows, so a facility may go to it without naming the trial first.
    (Stage.CONNECTING, Stage.ACCEPTED): (acceptance_has_passed,),
    (Stage.TRIAL, Stage.ACCEPTED): (acceptance_has_passed,),
    (Stage.ACCEPTED, Stage.TRIAL): (),
    **{(stage, Stage.SUSPENDED): () for stage in _ALIVE},
    **{(stage, Stage.CLOSED): () for stage in (*_ALIVE, Stage.SUSPENDED)},
    # Reopening goes to trial, not to the list; a facility that never had a plan has nothing to try yet.
    (Stage.SUSPENDED, Stage.TRIAL): (plan_is_agreed,),
    (Stage.CLOSED, Stage.TRIAL): (plan_is_agreed,),
    (Stage.SUSPENDED, Stage.LISTED): (no_plan_was_agreed,),
    (Stage.CLOSED, Stage.LISTED): (no_plan_was_agreed,),
}

#: Steps that facts alone bring about, the first one open is taken.
FOLLOWS: Mapping[Stage, tuple[Stage, ...]] = {
    Stage.LISTED: (Stage.SURVEY_BLOCKED, Stage.CONTACT_NAMED),
    Stage.CONTACT_NAMED: (Stage.SURVEY_BLOCKED, Stage.SURVEY_SCHEDULED),
    Stage.SURVEY_SCHEDULED: (Stage.SURVEYED, Stage.SURVEY_BLOCKED, Stage.CONTACT_NAMED),
    Stage.SURVEY_BLOCKED: (Stage.SURVEYED, Stage.SURVEY_SCHEDULED, Stage.CONTACT_NAMED, Stage.LISTED),
    Stage.SURVEYED: (Stage.PLAN_AGREED,),
}


def missing_for(was: Stage, to: Stage, dossier: Dossier) -> tuple[Missing, ...] | None:
    """What is missing before this step; empty when it may be taken, None when there is no such step."""
    guards = TRANSITIONS.get((was, to))
    if guards is None:
        return None
    return tuple(missing for guard in guards for missing in guard(dossier))


def next_stages(stage: Stage, dossier: Dossier) -> Mapping[Stage, tuple[Missing, ...]]:
    """Every stage that can come next, with what is missing before it."""
    return {to: missing_for(stage, to, dossier) or () for was, to in TRANSITIONS if was is stage}


def follow(stage: Stage, dossier: Dossier) -> tuple[Stage, ...]:
    """The stages that are entered, one after another, because of what the file says by now."""
    path: list[Stage] = []
    seen = {stage}
    while True:
        steps = (to for to in FOLLOWS.get(stage, ()) if missing_for(stage, to, dossier) == ())
        to = next(steps, None)
        if to is None or to in seen:
            return tuple(path)
        path.append(to)
        seen.add(to)
        stage = to


def needs_note(was: Stage, to: Stage) -> bool:
    """Whether this step needs a reason in words: a stop, or an acceptance taken back."""
    return to in {Stage.SUSPENDED, Stage.CLOSED} or was is Stage.ACCEPTED


def warnings(stage: Stage, dossier: Dossier) -> tuple[Missing, ...]:
    """What nobody is kept from doing but somebody should know.

    Kon Tum's letter of 14 May 2021 asks that a facility is installed and connected before it receives anyone.
    """
    if not dossier.receiving_people or stage in {Stage.ACCEPTED, Stage.CLOSED}:
        return ()
    return (
        Missing(
            "receiving_before_accepted",
            Bilingual(
                "The facility receives quarantined people although its cameras are not accepted yet.",
                "Cơ sở đang tiếp nhận người cách ly dù camera chưa được nghiệm thu.",
            ),
        ),
    )
