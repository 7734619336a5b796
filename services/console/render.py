"""Pages from templates. Sole importer of jinja2."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from services.access.sessions import SignedIn
from services.console import formats, texts, words
from services.console.language import Language
from services.console.static_files import StaticFiles
from services.contracts.ladder import Advice
from services.contracts.names import Bilingual

#: Nothing from elsewhere, nothing inline; video by Media Source Extensions has a blob: address.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; "
    "script-src 'self'; "
    "style-src 'self'; "
    "img-src 'self'; "
    "connect-src 'self'; "
    "media-src 'self' blob:; "
    "form-action 'self'; "
    "frame-ancestors 'none'; "
    "base-uri 'none'"
)
PAGE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    # Not no-referrer: with that, browsers send "Origin: null" with our own forms (Fetch Standard, section 3.2).
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """What every page is rendered with. ``here`` is the address of the page, for links that come back to it."""

    language: Language
    now: datetime
    here: str
    signed_in: SignedIn | None = None


class Renderer:
    """Renders templates with the words of a language."""

    def __init__(self, static: StaticFiles) -> None:
        self._environment = Environment(
            loader=PackageLoader("services.console", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals["static"] = static.url
        self._environment.filters["capital"] = formats.capital
        for name in self._environment.list_templates():
            self._environment.get_template(name)  # a template that does not parse ends the process at its start

    def error_text(self, language: Language, status: int, code: str) -> str:
        """What to tell somebody whose request failed."""
        keys = (f"error.{code}", f"error.{status}", "error.500")
        return language.of(next(texts.TEXTS[key] for key in keys if key in texts.TEXTS))

    def page(
        self, template: str, setting: Setting, values: Mapping[str, object] | None = None, status: int = 200
    ) -> Response:
        """The page as an answer."""
        text = self._environment.get_template(template).render(
            **_language_functions(setting.language, setting.now),
            language=setting.language,
            here=setting.here,
            now=setting.now,
            signed_in=setting.signed_in,
            **(values or {}),
        )
        return HTMLResponse(text, status_code=status, headers=PAGE_HEADERS)


def _language_functions(language: Language, now: datetime) -> dict[str, Callable[..., str]]:
    def translated(key: str, **values: object) -> str:
        return language.of(texts.TEXTS[key]).format(**values)

    def name(member: StrEnum) -> str:
        return language.of(words.name_of(member))

    def of(text: Bilingual | Advice) -> str:
        return language.of(text)

    def age(moment: datetime) -> str:
        return formats.duration((now - moment).total_seconds(), language)

    def at(moment: datetime) -> str:
        return formats.moment(moment, now, language)

    def fully_at(moment: datetime) -> str:
        return formats.full_moment(moment, language)

    def day(value: date) -> str:
        return formats.day(value, language)

    def number(value: float, decimals: int = 0) -> str:
        return formats.number(value, language, decimals)

    def bit_rate(kbps: float) -> str:
        return formats.bit_rate(kbps, language)

    return {
        "t": translated,
        "name": name,
        "of": of,
        "age": age,
        "at": at,
        "fully_at": fully_at,
        "day": day,
        "number": number,
        "bit_rate": bit_rate,
        "clock": formats.clock,
        "codec": formats.codec,
    }
