"""``docs/states.md``: the state machines, drawn from their tables."""

from collections.abc import Iterable

from services.aggregator import derive
from services.ingest import health
from services.ingest.rtsp import states as rtsp
from services.programme import stages

_INTRODUCTION = """\
# State machines

Made by `docs/render_states.py` from the tables in the code: `make docs`. A table is the whole truth about what may
follow what; nothing moves a state but through it.
"""


def states_page() -> str:
    """The text of the page."""
    return "\n".join(
        (
            _INTRODUCTION,
            _section(
                "A camera, as its worker sees it",
                "Table `PHASES` in `services/ingest/health.py`. A report is settled in `up` and `down`. "
                "Signals that keep a phase are left out.",
                ((was.value, to.value, signal.value) for (was, signal), to in health.PHASES.items() if was is not to),
                start=health.Phase.NEW.value,
            ),
            _section(
                "The condition of a camera, as the aggregator concludes",
                "Table `TRANSITIONS` in `services/aggregator/derive.py`. Unsettled looks change nothing. Four changes "
                "between up and down within ten minutes show an online camera as degraded, `flapping`.",
                (
                    (was.value, to.value, observation.value)
                    for (was, observation), to in derive.TRANSITIONS.items()
                    if was is not to
                ),
                start="unknown",
            ),
            _section(
                "The stage of a facility in the programme",
                "Table `TRANSITIONS` in `services/programme/stages.py`; the guards of each step are named on its arrow. "
                "`suspended` and `closed` can follow every stage and are left out of the picture.",
                (
                    (was.value, to.value, ", ".join(guard.__name__ for guard in guards))
                    for (was, to), guards in stages.TRANSITIONS.items()
                    if not {was, to} & {stages.Stage.SUSPENDED, stages.Stage.CLOSED}
                ),
                start=stages.Stage.LISTED.value,
            ),
            _section(
                "Our side of an RTSP session",
                "Table `TRANSITIONS` in `services/ingest/rtsp/states.py`. Events that keep a state are left out.",
                (
                    (was.name.lower(), step.to.name.lower(), event.name.lower())
                    for (was, event), step in rtsp.TRANSITIONS.items()
                    if was is not step.to
                ),
                start="idle",
            ),
        )
    )


def _section(title: str, text: str, arrows: Iterable[tuple[str, str, str]], *, start: str) -> str:
    """A diagram in Mermaid; arrows between the same two states are one, with all their labels."""
    labels: dict[tuple[str, str], list[str]] = {}
    for was, to, label in arrows:
        labels.setdefault((was, to), []).append(label)
    lines = [f"    [*] --> {start}"]
    lines += [
        f"    {was} --> {to}" + (f": {', '.join(named)}" if any(named) else "") for (was, to), named in labels.items()
    ]
    return "\n".join((f"## {title}", "", text, "", "```mermaid", "stateDiagram-v2", *lines, "```", ""))
