"""One camera's part in the events of its device, as its session wants it."""

from collections.abc import Callable

from services.contracts.camera import CameraAssignment, Channel, Credentials, Interrogation, OnvifSource
from services.contracts.ladder import Reason
from services.ingest.device_events.hub import DeviceEvents, Handle, Listener
from services.ingest.device_events.messages import EVENTS_NAMESPACE
from services.ingest.device_events.topics import Hint, Kind
from services.ingest.tools import Tools

#: Motion is worth a look where the last one is older than this, and than half of the pause between two.
_OLD_S = 30.0


class CameraEvents:
    """From the first session that the device accepted to the end of the watch, over all reconnects."""

    def __init__(self, tools: Tools, on_hint: Callable[[Hint], None]) -> None:
        """``on_hint`` is called after ``notes`` were brought up to date."""
        self._events: DeviceEvents | None = tools.device_events
        self._budget = tools.budget
        self._tell = on_hint
        self._joined: tuple[Handle, int] | None = None
        self._storage_failed = False

    @property
    def notes(self) -> tuple[Reason, ...]:
        """Advisory reasons from what the device noticed."""
        return (Reason.STORAGE_FAILED,) if self._storage_failed else ()

    def follow(self, assignment: CameraAssignment, told: Interrogation | None, credentials: Credentials | None) -> None:
        """Listen from now on, if the device has events. Its stream was opened: the credentials are right.

        A sampled camera does not listen: what it is spared is the line.
        """
        source, events = assignment.source, self._events
        if events is None or told is None or not isinstance(source, OnvifSource) or not _worth_asking(told):
            return
        if assignment.sample_every_s is not None or (self._joined and self._joined[1] == assignment.version):
            return
        former, channel = self._joined, _channel_of(source, told)
        mode = told.device.auth_mode or "none"
        handle = events.join(
            Listener(
                device_id=assignment.device_id,
                source=source,
                credentials=credentials if mode != "none" else None,
                auth_mode=mode,
                clock_offset_s=told.device.clock_offset_s or 0.0,
                tokens=frozenset((*channel.sources, *channel.profiles, channel.profile)) if channel else frozenset(),
                alone=len(told.channels) == 1,
                on_hint=self._hear,
                on_refused=lambda outcome: self._budget.note(assignment, outcome),
            )
        )
        self._joined = (handle, assignment.version) if handle is not None else None
        if former is not None:
            events.leave(former[0])  # after the other joined, so that the device keeps its subscription

    def take_update(self, old: CameraAssignment, new: CameraAssignment) -> None:
        """Before another device or other credentials were proved, nothing is asked with the former ones."""
        if new.source != old.source or new.credential_version != old.credential_version or new.sample_every_s:
            self.leave()

    def leave(self) -> None:
        """Listen no more. Does not wait. Idempotent."""
        joined, self._joined = self._joined, None
        self._storage_failed = False
        if joined is not None and self._events is not None:
            self._events.leave(joined[0])

    def _hear(self, hint: Hint) -> None:
        if hint.kind is Kind.STORAGE_FAILURE:
            self._storage_failed = hint.active
        self._tell(hint)


def worth_a_look(kind: Kind, *, doubtful: bool, looked_s_ago: float, picture_every_s: float) -> bool:
    """Whether the picture is looked at now, and not only at the next regular look.

    Motion comes all day at a gate, so it counts only where it tells something: the picture seems to stand still
    (``doubtful``), and now ought not to, or nobody has looked for long.
    """
    if kind is Kind.MOTION:
        return doubtful or looked_s_ago > max(_OLD_S, picture_every_s / 2)
    return kind in {Kind.TAMPER, Kind.VIDEO_LOSS}


def worth_a_connect(hint: Hint) -> bool:
    """Whether a camera that is down is tried now: its recorder sees it again."""
    return hint.kind is Kind.VIDEO_LOSS and not hint.active


def _worth_asking(told: Interrogation) -> bool:
    """Whether the device may have an event service; not all say which services they have."""
    return not told.device.services or EVENTS_NAMESPACE in told.device.services


def _channel_of(source: OnvifSource, told: Interrogation) -> Channel | None:
    if len(told.channels) == 1:
        return told.channels[0]
    return next(
        (one for one in told.channels if source.profile is not None and source.profile in (one.profile, *one.profiles)),
        None,
    )
