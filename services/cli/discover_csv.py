"""What was found, as a CSV file: one line for each channel, and one for each host without any."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from services.contracts.discovery import Found, FoundChannel

HEADINGS = (
    "address",
    "port",
    "protocol",
    "manufacturer",
    "model",
    "serial",
    "mac",
    "channel",
    "stream",
    "sub_stream",
    "rung",
    "reasons",
    "advice_en",
    "advice_vi",
)
#: With these a spreadsheet begins a formula: a camera's name must not become one on the desk of whoever opens the file.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(path: Path, found: Iterable[Found]) -> None:
    """Write the file anew. UTF-8 with a byte order mark, without which spreadsheets take Vietnamese for something else."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(HEADINGS)
        for one in found:
            lines.writerows(rows(one))


def rows(found: Found) -> Iterator[list[str]]:
    """The lines of one host."""
    for channel in found.channels or (None,):
        yield [_plain(cell) for cell in _row(found, channel)]


def stream_url(found: Found, channel: FoundChannel, role: str) -> str:
    """The URL of a stream, without credentials; empty when the channel has none of this role."""
    host = f"[{found.address}]" if ":" in found.address else found.address
    return next((f"rtsp://{host}:{stream.port}{stream.path}" for stream in channel.streams if stream.role == role), "")


def _row(found: Found, channel: FoundChannel | None) -> list[str]:
    rung, reasons = found.rung, found.reasons
    if channel is not None and channel.rung is not None:
        advisory = tuple(reason for reason in reasons if not reason.deciding)
        rung, reasons = channel.rung, tuple(dict.fromkeys((*channel.reasons, *advisory)))
    return [
        found.address,
        str(found.port),
        found.protocol,
        found.manufacturer or "",
        found.model or "",
        found.serial or "",
        found.mac or "",
        channel.name if channel is not None else "",
        stream_url(found, channel, "main") if channel is not None else "",
        stream_url(found, channel, "sub") if channel is not None else "",
        rung.value,
        " ".join(reason.value for reason in reasons),
        " ".join(reason.advice.en for reason in reasons),
        " ".join(reason.advice.vi for reason in reasons),
    ]


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
