"""What all bodies share: text, lists, reasons."""

import unicodedata
from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from services.contracts.ladder import Reason

T = TypeVar("T")


def clean(text: str) -> str:
    """Text as people wrote it, in one normal form, without control characters."""
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in text):
        raise ValueError("must not hold control characters")
    return unicodedata.normalize("NFC", text)


_Plain = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(clean)]
Text64 = Annotated[_Plain, StringConstraints(min_length=1, max_length=64)]
Text200 = Annotated[_Plain, StringConstraints(min_length=1, max_length=200)]
Text500 = Annotated[_Plain, StringConstraints(min_length=1, max_length=500)]
Text2000 = Annotated[_Plain, StringConstraints(min_length=1, max_length=2000)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$")]
Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
ProvinceCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]
Email = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]


class Request(BaseModel):
    """A body that somebody sends us."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """A body that we send."""

    model_config = ConfigDict(from_attributes=True)


class Listing(Answer, Generic[T]):
    """A page of a list."""

    items: Sequence[T]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last one.")


class Advice(Answer):
    """One sentence to the person who must act, in two languages."""

    en: str
    vi: str


class ReasonOut(Answer):
    """Why something stands as it stands."""

    code: Reason
    deciding: bool = Field(description="Whether it changes the condition; otherwise it is only shown.")
    advice: Advice

    @classmethod
    def of(cls, reason: Reason) -> "ReasonOut":
        return cls(code=reason, deciding=reason.deciding, advice=Advice(en=reason.advice.en, vi=reason.advice.vi))
