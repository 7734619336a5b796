"""What the programme refuses."""

from collections.abc import Sequence

from services.contracts.errors import Conflict, Fault, Invalid, NotFound
from services.programme.texts import Missing


class FacilityNotFound(NotFound):
    """No facility has this id within your provinces."""

    code = "facility-not-found"


class SurveyNotFound(NotFound):
    """No survey of this facility has this id."""

    code = "survey-not-found"


class ObstacleNotFound(NotFound):
    """No obstacle of this facility has this id."""

    code = "obstacle-not-found"


class ZoneForbidden(Invalid):
    """A plan may not make anybody look into a private room."""

    code = "zone-forbidden"

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail, faults=(Fault(pointer, detail),))


class _Refused(Conflict):
    """Something is missing. The problem document lists it in ``missing``: code, zone if it is about one, detail."""

    def __init__(self, missing: Sequence[Missing], pointer: str, detail: str | None = None) -> None:
        self.missing = tuple(missing)
        super().__init__(
            detail or " ".join(one.detail.en for one in missing),
            faults=tuple(Fault(pointer, one.detail.en) for one in missing),
            missing=[one.as_json() for one in missing],
        )


class StageRefused(_Refused):
    """The facility cannot enter this stage now."""

    code = "stage-refused"


class NoSuchStep(Conflict):
    """No step leads from the present stage to this one."""

    code = "no-such-step"

    def __init__(self, was: str, to: str, allowed: Sequence[str]) -> None:
        detail = f"No step leads from {was} to {to}. From here: {', '.join(allowed) or 'none'}."
        super().__init__(detail, faults=(Fault("/stage", detail),), stage=was, allowed=list(allowed))


class SurveyRefused(_Refused):
    """The survey cannot be recorded yet."""

    code = "survey-refused"


class SurveyClosed(Conflict):
    """This survey is complete or cancelled. Schedule another one."""

    code = "survey-closed"


class ObstacleAlreadyOpen(Conflict):
    """This facility has an open obstacle of this code already. Escalate or resolve it."""

    code = "obstacle-already-open"

    def __init__(self, obstacle_id: str) -> None:
        super().__init__(faults=(Fault("/code", "is the code of an open obstacle"),), obstacle_id=obstacle_id)


class ObstacleResolved(Conflict):
    """This obstacle is resolved. Open a new one if it came back."""

    code = "obstacle-resolved"


class NoHigherLevel(Conflict):
    """The obstacle cannot be escalated to this level: it is there already, or above it."""

    code = "no-higher-level"

    def __init__(self, allowed: Sequence[str]) -> None:
        allowed_text = ", ".join(allowed) or "none, it is with the national committee"
        super().__init__(faults=(Fault("/level", f"can be: {allowed_text}"),), allowed=list(allowed))


class AcceptanceRefused(_Refused):
    """The facility cannot be accepted yet."""

    code = "acceptance-refused"
