"""What a worker counts, as a table for the metrics page."""

from collections.abc import Callable
from typing import Literal, NamedTuple

from services.ingest.worker import Worker


class Figure(NamedTuple):
    """One metric: its kind, its name without prefix, what it means, and how it is read."""

    kind: Literal["counter", "gauge"]
    name: str
    meaning: str
    read: Callable[[], float]


def figures(worker: Worker) -> tuple[Figure, ...]:
    """The figures of one worker. Sizes in bytes, times in seconds."""
    reactor, looks, events = worker.reactor.statistics, worker.looks, worker.device_events.statistics
    return (
        Figure("gauge", "cameras_leased", "Cameras this worker watches.", lambda: worker.supervisor.held),
        Figure("gauge", "live_streams", "Cameras muxed for live view.", lambda: worker.live.streams),
        Figure("gauge", "reports_waiting", "Changes not sent yet.", lambda: worker.reporter.backlog),
        Figure("counter", "reports_sent", "Camera reports sent.", lambda: worker.reporter.sent),
        Figure("counter", "leases_fenced", "Leases given up in time.", lambda: worker.supervisor.fenced),
        Figure("gauge", "watch_streams", "Streams that the reactor reads.", lambda: len(worker.reactor)),
        Figure("counter", "watch_visits", "Visits of the reactor to a stream.", lambda: reactor.visits),
        Figure("counter", "watch_busy_seconds", "Time spent in visits.", lambda: reactor.busy_s),
        Figure("gauge", "watch_late_seconds", "How late the last turn of the reactor was.", lambda: reactor.late_s),
        Figure("counter", "watch_hang_ups", "Connections closed by cameras.", lambda: reactor.hang_ups),
        Figure(
            "gauge",
            "watch_socket_buffer_bytes",
            "Kernel memory that a stream's receive buffer holds when it is visited, on average.",
            reactor.held_mean,
        ),
        Figure("counter", "looks_taken", "Pictures looked at.", lambda: looks.taken),
        Figure("counter", "looks_shed", "Looks put off because decoders were busy.", lambda: looks.shed),
        Figure("counter", "looks_lost", "Looks that ended with their media process.", lambda: looks.lost),
        Figure("gauge", "event_subscriptions", "Devices that tell us what they notice.", lambda: events.alive),
        Figure("gauge", "event_subscriptions_full", "Devices without room for a subscription.", lambda: events.full),
        Figure("counter", "event_hints", "Hints of devices given to cameras.", lambda: events.hints),
    )
