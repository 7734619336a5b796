"""Make ``docs/configuration.md`` and ``deploy/env.example`` from ``services/settings.py``, so that they cannot lie.

``python docs/render_configuration.py`` writes both. With ``--check`` nothing is written, and the exit code is 1 when a
file is not what it would write.
"""

import argparse
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from services.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
_HEADING = re.compile(r"^    # (?P<heading>\S.*)$")
_FIELD = re.compile(r"^    (?P<name>[a-z][a-z0-9_]*): ")
_BOUNDS = {Ge: ("ge", "at least {}"), Gt: ("gt", "more than {}"), Le: ("le", "at most {}"), Lt: ("lt", "less than {}")}

_PAGE_INTRODUCTION = """\
# Configuration

Made from `services/settings.py` by `docs/render_configuration.py`: change the settings there, then run it again.

Every setting is an environment variable. A variable that is empty counts as not set. A value that does not fit ends the
process at its start with a sentence that names the variable. `deploy/env.example` lists the same variables, ready to
be copied; `k8s/README.md` says which of them come from which Secret in a cluster.
"""

_EXAMPLE_INTRODUCTION = """\
# Every setting of Vọng Gác with its default, made from services/settings.py by docs/render_configuration.py.
# Copy this file, remove the # before a variable and change its value. What stays a comment keeps its default.
"""


@dataclass(frozen=True)
class Variable:
    """One setting as an operator sees it. ``default`` is written as the environment would write it."""

    section: str
    name: str
    default: str
    allowed: str
    description: str


def variables() -> Iterator[Variable]:
    """Every setting in the order of the source, under the comment that heads it there (after an empty line)."""
    prefix = Settings.model_config.get("env_prefix", "")
    section = before = ""
    for line in inspect.getsource(Settings).splitlines():
        if (heading := _HEADING.match(line)) and not before:
            section = heading["heading"]
        elif (found := _FIELD.match(line)) and found["name"] in Settings.model_fields:
            field = Settings.model_fields[found["name"]]
            yield Variable(
                section=section,
                name=f"{prefix}{found['name']}".upper(),
                default=_written(field.default),
                allowed=_allowed(field),
                description=(field.description or "").strip(),
            )
        before = line.strip()


def configuration_page() -> str:
    """The text of ``docs/configuration.md``."""
    parts = [_PAGE_INTRODUCTION]
    section = None
    for variable in variables():
        if variable.section != section:
            section = variable.section
            parts.append(f"\n## {section}\n\n| Variable | Default | Allowed | Meaning |\n|---|---|---|---|\n")
        default = f"`{variable.default}`" if variable.default else "(empty)"
        cells = (f"`{variable.name}`", default, variable.allowed, variable.description)
        parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return "".join(parts)


def environment_example() -> str:
    """The text of ``deploy/env.example``: with every ``#VONGGAC_`` line taken in, it is exactly the defaults."""
    parts = [_EXAMPLE_INTRODUCTION]
    section = None
    for variable in variables():
        if variable.section != section:
            section = variable.section
            parts.append(f"\n# ---- {section} ----\n")
        sentence = f"{variable.description} ({variable.allowed})".replace("`", "")
        parts.append("\n" + textwrap.fill(sentence, 118, initial_indent="# ", subsequent_indent="# ") + "\n")
        parts.append(f"#{variable.name}={variable.default}\n")
    return "".join(parts)


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    return str(value)


def _allowed(field: FieldInfo) -> str:
    kind = field.annotation
    if get_origin(kind) in {Union, UnionType}:
        kind = next(part for part in get_args(kind) if part is not NoneType)
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    if get_origin(kind) is tuple:
        return "list with commas"
    names = {bool: "`true` or `false`", int: "whole number", float: "number", Path: "path", str: "text"}
    if kind not in names:
        raise TypeError(f"render_configuration does not know how to describe {kind!r}: teach it")
    bounds = [
        words.format(_written(getattr(bound, attribute)))
        for bound_type, (attribute, words) in _BOUNDS.items()
        for bound in field.metadata
        if isinstance(bound, bound_type)
    ]
    return ", ".join([names[kind], *bounds])


def stale_files(root: Path, *, write: bool) -> list[Path]:
    """The made files under ``root`` that are not current, relative to it. With ``write`` they are made current."""
    stale = []
    for path, text in (
        (Path("docs/configuration.md"), configuration_page()),
        (Path("deploy/env.example"), environment_example()),
    ):
        file = root / path
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            stale.append(path)
            if write:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
    return stale


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is not current")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository in which to write")
    options = parser.parse_args(arguments)
    stale = stale_files(options.root, write=not options.check)
    for path in stale:
        print(f"{path}: {'not current, run docs/render_configuration.py' if options.check else 'written'}")
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
