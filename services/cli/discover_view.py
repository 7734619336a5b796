"""What a search looks like: a table that grows on a terminal, plain lines where there is none."""

import sys
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

from services.contracts.discovery import DiscoveryProgress, DiscoveryReport, Found
from services.contracts.ladder import Reason, Rung

_PHASES = {
    "waiting": "waiting",
    "listening": "listening for devices",
    "looking": "looking at addresses",
    "asking": "asking devices",
    "done": "done",
}
_PLAIN_EVERY_S = 5.0
#: Lines of the screen that are no rows: heading, borders, progress.
_FRAME_LINES = 8


class View(Protocol):
    """Shows a search while it runs."""

    def __enter__(self) -> "View": ...

    def __exit__(self, *_: object) -> None: ...

    def show(self, report: DiscoveryReport) -> None:
        """How far it is now."""


class SilentView:
    """Nothing is shown: the result is for a program."""

    def __enter__(self) -> "SilentView":
        return self

    def __exit__(self, *_: object) -> None:
        return

    def show(self, report: DiscoveryReport) -> None:
        del report


class LiveView:
    """A table with a bar under it. On a small screen the newest rows stay in sight."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> "LiveView":
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.__exit__(None, None, None)

    def show(self, report: DiscoveryReport) -> None:
        room = max(3, self._console.height - _FRAME_LINES)
        hidden = len(report.found) - room
        table = found_table(report.found[-room:], caption=f"… and {hidden} more" if hidden > 0 else None)
        self._live.update(Group(table, *_bar(report.progress)))


class PlainView:
    """Each host once, in a line, as soon as it is understood; how far the search is, now and then."""

    def __init__(self) -> None:
        self._shown: dict[tuple[str, int], Rung] = {}
        self._told_at = time.monotonic()

    def __enter__(self) -> "PlainView":
        return self

    def __exit__(self, *_: object) -> None:
        return

    def show(self, report: DiscoveryReport) -> None:
        for one in report.found:
            key = (one.address, one.port)
            if key not in self._shown:
                self._shown[key] = one.rung
                print(found_line(one), flush=True)
        if time.monotonic() - self._told_at >= _PLAIN_EVERY_S:
            self._told_at = time.monotonic()
            print(progress_text(report.progress), file=sys.stderr, flush=True)


def choose_view(*, json: bool) -> View:
    """The one that fits where the output goes."""
    if json:
        return SilentView()
    console = Console()
    return LiveView(console) if console.is_terminal else PlainView()


def progress_text(progress: DiscoveryProgress) -> str:
    """How far a search is, in one line."""
    return (
        f"{_PHASES[progress.phase]}: {progress.looked} of {progress.addresses} addresses, "
        f"{progress.hosts} hosts, {progress.asked} asked"
    )


def _bar(progress: DiscoveryProgress) -> list[RenderableType]:
    done = progress.looked if progress.phase != "asking" else progress.asked
    total = progress.addresses if progress.phase != "asking" else max(progress.hosts, progress.asked)
    return [ProgressBar(total=max(total, 1), completed=done, width=60), progress_text(progress)]


def found_table(found: Sequence[Found], caption: str | None = None) -> Table:
    """The hosts as a table."""
    table = Table(caption=caption)
    for heading in ("Address", "Device", "MAC", "Channels", "Proved", "Reason"):
        table.add_column(heading, overflow="fold")
    for one in found:
        colour = "green" if one.rung.height >= Rung.DESCRIBED.height else "yellow"
        table.add_row(
            escape(f"{one.address}:{one.port}"),
            escape(device_name(one)),
            one.mac or "",
            str(len(one.channels)) if one.channels else "",
            f"[{colour}]{one.rung.value}[/{colour}]",
            " ".join(reason.value for reason in one.reasons),
        )
    return table


def found_line(found: Found) -> str:
    """One host in a line."""
    parts = [f"{found.address}:{found.port}", found.protocol, device_name(found) or "-", found.mac or "-"]
    parts += [f"{len(found.channels)} channels", found.rung.value]
    return "  ".join([*parts, *(reason.value for reason in found.reasons)])


def device_name(found: Found) -> str:
    """Maker and model, or what else it is called. Control characters of a device do not reach the terminal."""
    text = " ".join(part for part in (found.manufacturer, found.model) if part) or found.name or ""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:80]


def advice_lines(found: Iterable[Found]) -> list[str]:
    """What to do, for each reason once, with the hosts that it concerns."""
    hosts: dict[Reason, list[str]] = {}
    for one in found:
        for reason in (*one.reasons, *(each for channel in one.channels for each in channel.reasons)):
            known = hosts.setdefault(reason, [])
            if one.address not in known:
                known.append(one.address)
    lines = []
    for reason in sorted(hosts, key=lambda each: not each.deciding):
        where = ", ".join(hosts[reason][:8]) + (f" and {len(hosts[reason]) - 8} more" if len(hosts[reason]) > 8 else "")
        lines += [f"{reason.value}: {where}", f"  {reason.advice.en}", f"  {reason.advice.vi}"]
    return lines
