"""Structured logs: one JSON object a line, without credentials and tokens.

Redaction is the last line of defence. No code should hand a secret to a log in the first place.
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}

_REDACTIONS = (
    # user:password@ in any URL
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@\"']*@"), r"\1…@"),
    # tokens of live links and sessions in a query
    (re.compile(r"(?i)([?&;](?:token|session|jwt|key|password|secret)=)[^&\s\"']+"), r"\1…"),
    # API keys, bearer tokens, RTSP and HTTP authorization headers
    (re.compile(r"\bvg_[A-Za-z0-9_-]{8,}"), "vg_…"),
    (re.compile(r"(?i)\b(authorization\s*[:=]\s*)(?:basic|bearer|digest)\b[^\r\n]*"), r"\1…"),
    (re.compile(r"(?i)([\"']?(?:password|passwd|secret)[\"']?\s*[:=]\s*)(\"[^\"]*\"|'[^']*'|[^\s,}\"']+)"), r"\1…"),
)


def redact(text: str) -> str:
    """The text without user info in URLs, tokens, keys and passwords."""
    for pattern, replacement in _REDACTIONS:
        text = pattern.sub(replacement, text)
    return text


class JsonFormatter(logging.Formatter):
    """One JSON object a line. Fields given by ``extra=`` stand beside ``message``."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        for name, value in vars(record).items():
            if name not in _STANDARD and not name.startswith("_"):
                fields[name] = value if isinstance(value, int | float | bool | None) else redact(str(value))
        if record.exc_info:
            fields["exception"] = redact(self.formatException(record.exc_info))
        return json.dumps(fields, ensure_ascii=False)


class PlainFormatter(logging.Formatter):
    """One line for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        extra = " ".join(
            f"{name}={value}"
            for name, value in vars(record).items()
            if name not in _STANDARD and not name.startswith("_")
        )
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        line = f"{time} {record.levelname[:4]} {record.name.removeprefix('services.')}: {record.getMessage()} {extra}"
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        return redact(line.rstrip())


def configure(level: str, *, plain: bool = False) -> None:
    """Send all logs to standard error in our form. Called once, by the entry point."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlainFormatter() if plain else JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Foreign libraries tell too much at INFO, and some put URLs with credentials there.
    for name in (
        "aio_pika",
        "aiormq",
        "aiosqlite",
        "httpcore",
        "httpx",
        "libav",
        "zeep",
        "urllib3",
        "onvif",
        "alembic",
    ):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It logs an error at every attempt to reconnect; the bus says the same once.
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    # The access log of uvicorn prints the whole query, in which live links carry their token; we write our own.
    logging.getLogger("uvicorn.access").disabled = True
