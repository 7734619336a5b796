"""One delivery of one message: what both buses do with a body, and what comes of it."""

import asyncio
import logging
from dataclasses import dataclass
from enum import Enum, auto

from services.bus.port import BusLimits, Subscription
from services.bus.wire import decode
from services.contracts.errors import Invalid

log = logging.getLogger(__name__)


class Outcome(Enum):
    """How a delivery ended."""

    HANDLED = auto()
    FAILED = auto()  # may succeed the next time
    POISON = auto()  # can never succeed


@dataclass(slots=True)
class BusCounters:
    """What this process did on the bus since it started, for metrics. Counts only grow."""

    published: int = 0
    delivered: int = 0
    #: Of the delivered, those that were not the first delivery of their message to its group.
    redelivered: int = 0
    dead: int = 0
    #: Lost by a listener: its handler failed or it was too slow.
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that a group could not handle. ``reason``: ``rejected`` (poison) or ``delivery_limit``."""

    body: bytes
    reason: str


async def attempt(subscription: Subscription, body: bytes, limits: BusLimits) -> Outcome:
    """Let the subscription handle one message. Never raises but for cancellation."""
    try:
        message = decode(body)
        # While a group's types change, its queues still receive what an older version bound to them.
        if isinstance(message, subscription.types):
            async with asyncio.timeout(limits.handler_timeout_s):
                await subscription.handler(message)
    except Invalid as error:
        log.error("message refused", extra={"group": subscription.group, "error": error.detail})  # noqa: TRY400 - not our bug
        return Outcome.POISON
    except Exception as error:
        log.warning("message not handled", extra={"group": subscription.group, "error": repr(error)}, exc_info=True)
        return Outcome.FAILED
    return Outcome.HANDLED


def retry_pause_s(limits: BusLimits, failed: int) -> float:
    """How long to wait before the next delivery, after ``failed`` ones: doubling, up to a bound."""
    doublings = min(failed - 1, 32)
    return min(limits.retry_pause_s * 2.0**doublings, limits.retry_pause_max_s)
