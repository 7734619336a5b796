"""Every text is there, in both languages, and used."""

import ast
import re
import string
import unicodedata
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from services.console import words
from services.console.frame import STATUS
from services.console.texts import TEXTS
from services.contracts.ladder import ADVICE, Condition, Reason, State
from services.contracts.names import Bilingual

CONSOLE = Path(str(resources.files("services.console")))
TEMPLATES = sorted((CONSOLE / "templates").glob("*.html"))

#: Letters that only Vietnamese has, so that a forgotten translation or lost diacritics are noticed.
VIETNAMESE = set("ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ")

#: Texts that read the same in both languages or carry no diacritics in good Vietnamese.
ALIKE = {"facility.cameras_title", "list.cameras"}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def all_texts() -> dict[str, Bilingual]:
    named = {
        f"{kind.__name__}.{member}": text for kind, table in words.TABLES.items() for member, text in table.items()
    }
    advice = {f"advice.{reason}": Bilingual(*text) for reason, text in ADVICE.items()}
    return {**TEXTS, **named, **advice}


@pytest.mark.parametrize("key", sorted(all_texts()))
def test_a_text_is_whole_in_both_languages(key: str) -> None:
    text = all_texts()[key]
    for one in text:
        assert one.strip() == one
        assert one
        assert unicodedata.is_normalized("NFC", one)
    assert placeholders(text.en) == placeholders(text.vi)
    assert not VIETNAMESE & set(text.en.lower())
    if key not in ALIKE:
        assert VIETNAMESE & set(text.vi.lower()), f"{text.vi!r} has no diacritics"


@pytest.mark.parametrize("kind", sorted(words.TABLES, key=str))
def test_every_member_of_an_enum_has_a_name(kind: type[StrEnum]) -> None:
    assert set(words.TABLES[kind]) == set(kind)


def test_names_of_different_enums_with_the_same_value_are_kept_apart() -> None:
    assert words.name_of(State.DEGRADED).vi != words.name_of(Condition.DEGRADED).vi


def test_every_reason_has_a_short_name_that_is_not_its_advice() -> None:
    for reason in Reason:
        assert len(words.name_of(reason).en) <= 25
        assert len(words.name_of(reason).vi) <= 30


def keys_in_templates() -> set[str]:
    keys: set[str] = set()
    for template in TEMPLATES:
        source = template.read_text(encoding="utf-8")
        keys |= set(re.findall(r'\bt\("([^"]+)"[,)]', source))
        for both in re.findall(r'\bt\("([^"]+)" if [^"]+ else "([^"]+)"', source):
            keys |= set(both)
    return keys


def keys_in_code() -> set[str]:
    """String constants that look like keys, wherever the code of the console has them."""
    keys: set[str] = set()
    for file in CONSOLE.glob("*.py"):
        if file.name in {"texts.py", "words.py"}:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                keys.add(node.value)
    return keys


def test_templates_ask_only_for_texts_that_are_there() -> None:
    asked = keys_in_templates()
    assert len(asked) > 60
    assert asked <= set(TEXTS)


def test_no_text_is_left_that_nobody_asks_for() -> None:
    made: set[str] = {f"overview.state.{state}" for state in ("disconnected", "degraded", "unknown", "connected")}
    errors = {key for key in TEXTS if key.startswith("error.")}
    assert set(TEXTS) - keys_in_templates() - keys_in_code() - made - errors == set()


def test_every_status_of_an_error_has_a_text() -> None:
    statuses: set[Any] = {*STATUS.values(), 500}
    assert {f"error.{status}" for status in statuses} <= set(TEXTS)


def test_templates_hold_no_text_of_their_own() -> None:
    """Between tags there are signs and names only; a sentence there would be in one language."""
    allowed = {"Vọng Gác", "English", "Tiếng Việt"}
    for template in TEMPLATES:
        source = re.sub(
            r"{#.*?#}|{%.*?%}|{{.*?}}|<!--.*?-->", "", template.read_text(encoding="utf-8"), flags=re.DOTALL
        )
        for text in re.findall(r">([^<>]+)<", source):
            words_left = re.findall(r"[^\W\d_]{2,}", text)
            assert not words_left or text.strip() in allowed or text.strip().endswith("Vọng Gác"), (template.name, text)
