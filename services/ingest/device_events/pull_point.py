"""What is asked of one device about its events, and when. Pure: answers and the time go in, the next step comes out.

A subscription lasts 60 s unless something prolongs it, so that one which could not be ended frees its place by itself:
devices have two to eight places in all, and each is missed by somebody (home-assistant/core issue 72544).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from lxml import etree  # type: ignore[import-untyped]  # lxml has no stubs of its own

from services.ingest.device_events import messages
from services.ingest.device_events.messages import Operation, Reference
from services.ingest.device_events.topics import Notification
from services.ingest.onvif.soap import SoapFault

#: How long a subscription is wanted to last.
LIFETIME_S = 60
#: How long a PullMessages waits for something to tell: well below the lifetime, and below what routers let sleep.
POLL_S = 25
#: Where the device cut the connection meanwhile, as TP-Link Tapo does after 10 s (agsh/onvif pull request 314).
POLL_CUT_S = 5
#: An answer is waited for so much longer than the device was asked to wait.
ANSWER_S = 10.0
MESSAGES_MAX = 100

#: Pause after messages, so that a device with something to tell at every moment is asked once a second.
_AFTER_MESSAGES_S = 1.0
#: Pause where a device does not wait until there is something to tell.
_UNWAITED_S = 5.0
#: A subscription that could not be had, or was lost, is asked for again no sooner. Without a pause a device that
#: answers each pull with a fault is asked as fast as it can, and locks the account (agsh/onvif pull request 501).
BACKOFF_MIN_S = 10.0
BACKOFF_MAX_S = 300.0
#: While all places are taken: by then one that was left behind has run out.
_FULL_MIN_S = 60.0
#: So many cuts in a row are no long poll that was cut, but a subscription that is broken.
_CUTS_MAX = 3
#: Sooner than this, a cut has nothing to do with waiting.
_CUT_AFTER_MIN_S = 0.5

#: Where the event service is when the device does not say, most common first.
_PATHS = ("/onvif/event_service", "/onvif/Events", "/onvif/events_service", "/onvif/events", "/onvif/device_service")

_UNKNOWN = frozenset({"resourceunknown", "resourceunknownfault"})
_NOT_SUPPORTED = frozenset({"actionnotsupported", "optionalactionnotimplemented", "notimplemented", "unknownaction"})
_FULL_CODES = frozenset({"unabletocreatepullpointfault", "subscribecreationfailedfault", "unabletocreatepullpoint"})
#: No fault is laid down for it (onvif/specs issue 592).
_FULL_TEXT = re.compile(r"max|limit|too many|exceed|\bfull\b|capacity|no (?:more|free)|not enough|insufficient", re.I)


class Why(StrEnum):
    """Why nothing is asked any more."""

    NO_EVENTS = "no_events"  # the device has no event service, or no pull points
    REFUSED = "refused"  # it refused the credentials, or wants some where there are none


@dataclass(frozen=True, slots=True)
class Ask:
    """Send this. ``answer_within_s`` bounds the wait for the whole answer."""

    operation: Operation
    path: str
    reference: Reference | None = None
    termination: str = ""
    timeout_s: int = 0
    answer_within_s: float = ANSWER_S


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing is to be done until then, by the monotonic clock."""

    until: float


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing is to be done at all."""

    why: Why


Step = Ask | Rest | Over


class PullPoint:
    """The subscription of one host. After each ``next`` that gave an Ask, tell how it went by one of ``answered``,
    ``declined``, ``cut``, ``lost`` or ``refused``."""

    def __init__(self, device_path: str, uniform: Callable[[float, float], float]) -> None:
        """``device_path`` is that of the device service; ``uniform`` draws pauses."""
        self._device_path = device_path
        self._uniform = uniform
        self._locating: Operation | None = Operation.GET_SERVICES
        self._paths: list[str] = []
        self._reference: Reference | None = None
        self._dropping = False  # it is to be unsubscribed, and created anew
        self._over: Why | None = None
        self._due = float("-inf")
        self._resume_at = float("-inf")  # not before then, once it is unsubscribed
        self._asked_at = 0.0
        self._failures = 0  # since it last told something
        self._cuts = 0
        self._longest_s = POLL_S
        self._interval_s = float(LIFETIME_S)
        self._ends_at = 0.0
        self._absolute = False
        self._offset = timedelta(0)  # device time minus ours
        self._renews = True
        self._renewed = False  # since the last pull
        #: The device has no place for another subscription.
        self.full = False

    @property
    def alive(self) -> bool:
        """Whether the device has a subscription of ours, as far as we know."""
        return self._reference is not None

    def next(self, now: float, wall: datetime) -> Step:
        """What to do. ``now`` is monotonic, ``wall`` the time of day."""
        if self._over is not None:
            return Over(self._over)
        if now < self._due:
            return Rest(self._due)
        self._asked_at = now
        if self._reference is None:
            if self._locating is not None:
                return Ask(self._locating, self._device_path)
            return Ask(Operation.CREATE, self._paths[0], termination=self._termination(wall))
        if self._dropping:
            return self._unsubscribe(self._reference)
        left_s = self._ends_at - now
        if self._renews and not self._renewed and left_s < self._interval_s / 2:
            return Ask(Operation.RENEW, self._reference.path, self._reference, self._termination(wall))
        timeout_s = max(1, min(self._longest_s, int(left_s / 2)))
        return Ask(
            Operation.PULL,
            self._reference.path,
            self._reference,
            timeout_s=timeout_s,
            answer_within_s=timeout_s + ANSWER_S,
        )

    def farewell(self) -> Ask | None:
        """The last request, if there is a subscription to end. Nothing may be asked after it."""
        reference, self._reference = self._reference, None
        return self._unsubscribe(reference) if reference is not None else None

    def answered(self, ask: Ask, content: etree._Element, now: float, wall: datetime) -> tuple[Notification, ...]:
        """The device did as it was asked. Gives what it told."""
        if ask.operation in {Operation.GET_SERVICES, Operation.GET_CAPABILITIES}:
            self._located(content)
        elif ask.operation is Operation.CREATE:
            self._created(content, now, wall)
        elif ask.operation is Operation.RENEW:
            self._prolonged(content, now, wall)
        elif ask.operation is Operation.UNSUBSCRIBE:
            self._unsubscribed()
        elif ask.operation is Operation.PULL:
            return self._pulled(ask, content, now)
        return ()

    def declined(self, ask: Ask, fault: SoapFault | None, now: float) -> None:
        """The device answered with a fault, or with something that is no answer (None)."""
        codes = frozenset(code.lower() for code in fault.codes) if fault is not None else frozenset()
        if self._locating is not None:
            self._not_told()
        elif ask.operation is Operation.CREATE:
            self._not_created(codes, fault, now)
        elif ask.operation is Operation.UNSUBSCRIBE:
            self._unsubscribed()
        elif ask.operation is Operation.RENEW and not codes & _UNKNOWN:
            self._renews = False  # it may be prolonged by PullMessages all the same
        else:
            if codes & _UNKNOWN:  # it has gone: nothing is left to unsubscribe
                self._reference = None
            self._begin_anew(now, self._back_off_s(BACKOFF_MIN_S))

    def cut(self, ask: Ask, now: float) -> None:
        """The connection was closed by the device before an answer came."""
        if ask.operation is not Operation.PULL or now - self._asked_at < _CUT_AFTER_MIN_S:
            self.lost(ask, now)
            return
        # As good as an answer without messages. It shall not wait so long again.
        self._longest_s = max(1, min(POLL_CUT_S, int((now - self._asked_at) / 2)))
        self._cuts += 1
        if self._cuts >= _CUTS_MAX:
            self._begin_anew(now, self._back_off_s(BACKOFF_MIN_S))
        else:
            self._due = now + _AFTER_MESSAGES_S

    def lost(self, ask: Ask, now: float) -> None:
        """The device was not reached, or did not answer in time."""
        if ask.operation is Operation.UNSUBSCRIBE:
            self._unsubscribed()
            return
        self._due = now + self._back_off_s(BACKOFF_MIN_S)
        if self._reference is not None and self._ends_at <= self._due:
            self._reference = None  # it will have run out by then

    def refused(self) -> None:
        """The device refused the credentials: nothing is asked any more."""
        self._over, self._reference = Why.REFUSED, None

    def _termination(self, wall: datetime) -> str:
        """The end of the subscription, as a duration, or where the device does not reckon with it, by its clock
        (openvideolibs/python-onvif-zeep-async pull request 32)."""
        if not self._absolute:
            return f"PT{LIFETIME_S}S"
        return messages.moment_text(wall + self._offset + timedelta(seconds=LIFETIME_S))

    def _unsubscribe(self, reference: Reference) -> Ask:
        return Ask(Operation.UNSUBSCRIBE, reference.path, reference)

    def _located(self, content: etree._Element) -> None:
        path = messages.events_path(content)
        if path is not None:
            self._paths, self._locating = [path], None
        elif self._locating is Operation.GET_CAPABILITIES:
            self._over = Why.NO_EVENTS
        else:
            self._locating = Operation.GET_CAPABILITIES

    def _not_told(self) -> None:
        """Older devices lack GetServices (quatanium/python-onvif pull request 30)."""
        if self._locating is Operation.GET_SERVICES:
            self._locating = Operation.GET_CAPABILITIES
        else:
            self._paths, self._locating = list(_PATHS), None

    def _created(self, content: etree._Element, now: float, wall: datetime) -> None:
        self.full = False
        self._reference = messages.subscription(content)
        if self._reference is None:
            self._due = now + self._back_off_s(BACKOFF_MIN_S)
            return
        self._paths = self._paths[:1]  # the one that works
        self._renewed = False
        if self._too_short(content, wall):
            self._begin_anew(now, 0.0)
        else:
            self._note_life(content, now)

    def _not_created(self, codes: frozenset[str], fault: SoapFault | None, now: float) -> None:
        unsupported = fault is None or bool(codes & _NOT_SUPPORTED)
        if unsupported and len(self._paths) > 1:
            del self._paths[0]
            return
        if codes & _NOT_SUPPORTED:
            self._over = Why.NO_EVENTS
            return
        self.full = fault is not None and bool(codes & _FULL_CODES or _FULL_TEXT.search(fault.reason))
        self._due = now + self._back_off_s(_FULL_MIN_S if self.full else BACKOFF_MIN_S)

    def _prolonged(self, content: etree._Element, now: float, wall: datetime) -> None:
        if self._too_short(content, wall):
            return  # and is asked at once again, by the device's clock
        self._renewed = True
        self._note_life(content, now)

    def _pulled(self, ask: Ask, content: etree._Element, now: float) -> tuple[Notification, ...]:
        self._failures = self._cuts = 0
        self._renewed = False
        left_s = messages.times(content).left_s
        if left_s is not None and left_s > 0:
            self._ends_at = now + left_s
        told = messages.notifications(content)
        if told:
            self._due = now + _AFTER_MESSAGES_S
        elif now - self._asked_at < ask.timeout_s / 2:
            self._due = now + _UNWAITED_S
        return told

    def _too_short(self, content: etree._Element, wall: datetime) -> bool:
        """Whether the device did not reckon with a duration, so that it must be told a moment. Says so once."""
        told = messages.times(content)
        if self._absolute or told.current is None or told.left_s is None or told.left_s >= LIFETIME_S / 2:
            return False
        self._absolute, self._offset = True, told.current - wall
        return True

    def _note_life(self, content: etree._Element, now: float) -> None:
        left_s = messages.times(content).left_s
        self._interval_s = min(left_s, LIFETIME_S) if left_s is not None and left_s > 0 else LIFETIME_S
        self._ends_at = now + self._interval_s

    def _begin_anew(self, now: float, pause_s: float) -> None:
        """Another subscription instead of this one, which is ended first, as far as there is one."""
        self._cuts = 0
        self._resume_at = now + pause_s
        if self._reference is None:
            self._due = self._resume_at
        else:
            self._dropping, self._due = True, now

    def _unsubscribed(self) -> None:
        self._reference, self._dropping = None, False
        self._due = self._resume_at

    def _back_off_s(self, at_least_s: float) -> float:
        """How long to wait after a failure: longer with each in a row, and never the same for two hosts."""
        self._failures += 1
        return self._uniform(at_least_s, min(BACKOFF_MAX_S, at_least_s * 2.0 ** min(self._failures, 8)))
