"""Which language a page is in. Pure."""

from enum import StrEnum

from services.contracts.ladder import Advice
from services.contracts.names import Bilingual


class Language(StrEnum):
    """The value is that of the ``lang`` attribute."""

    EN = "en"
    VI = "vi"

    def of(self, text: Bilingual | Advice) -> str:
        """The text in this language."""
        return text.vi if self is Language.VI else text.en


def parse_language(text: str | None) -> Language | None:
    """The language of a cookie or a link; None for anything else."""
    return next((language for language in Language if language == text), None)


def accepted_language(header: str) -> Language:
    """The one of ours that an ``Accept-Language`` header (RFC 9110 section 12.5.4) likes best; English if neither."""
    best, best_weight = Language.EN, 0.0
    for part in header[:500].split(","):
        tag, _, parameters = part.strip().partition(";")
        language = parse_language(tag.strip().lower().partition("-")[0])
        weight = _weight(parameters)
        if language is not None and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0
