"""Device events of one worker: one subscription for each host, for as long as a camera of it has joined."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from services.contracts.camera import AuthOutcome, Credentials, OnvifSource
from services.contracts.networks import CameraNetworks
from services.ingest.device_events.exchange import AuthMode, Exchange, SignInFacts
from services.ingest.device_events.http import HostConnection
from services.ingest.device_events.pull_point import PullPoint
from services.ingest.device_events.routing import Address, Gate, Memory
from services.ingest.device_events.subscription import EventStatistics, Subscription
from services.ingest.device_events.topics import Hint, Kind
from services.ingest.onvif.memory import HostMemory
from services.ingest.onvif.transport import Endpoint
from services.runtime.clock import Clock

log = logging.getLogger(__name__)

#: Subscriptions that are being made at the same moment, and ended.
_MADE_AT_ONCE = 32
_ENDED_AT_ONCE = 64
#: At the end of the worker, all that are not ended by then run out by themselves.
_CLOSE_S = 10.0
#: The first question to a host comes within this time, so that those leased together are not asked together.
_SPREAD_S = 5.0
#: Hosts whose refusals are remembered, at most.
_REFUSALS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Listener:
    """One camera that wants the hints of its device.

    ``credentials`` only where the device has accepted them before: no attempt is ever spent on events. ``tokens`` are
    those by which the device may name the camera; ``alone``: it has no other.
    """

    device_id: UUID
    source: OnvifSource
    credentials: Credentials | None = field(repr=False)
    auth_mode: AuthMode
    clock_offset_s: float
    tokens: frozenset[str]
    alone: bool
    on_hint: Callable[[Hint], None]
    #: The device refused the credentials, after all; said to one listener of the device, once.
    on_refused: Callable[[AuthOutcome], None] = lambda _: None

    @property
    def sign_in(self) -> tuple[object, ...]:
        """All that decides whether the device lets us in. No secret: the version stands for the password."""
        who, source = self.credentials, self.source
        account = (who.username, who.version) if who is not None else None
        return self.device_id, source.path, source.tls, source.certificate, self.auth_mode, account


@dataclass(eq=False, slots=True)
class Handle:
    """A listener that has joined."""

    listener: Listener
    host: Endpoint
    gate: Gate = field(default_factory=Gate)


class DeviceEvents:
    """Belongs to one event loop, and is of no use after ``close``."""

    def __init__(
        self,
        clock: Clock,
        networks: CameraNetworks,
        *,
        memory: HostMemory | None = None,
        uniform: Callable[[float, float], float] = random.uniform,
        spread_s: float = _SPREAD_S,
    ) -> None:
        """``memory``: what interrogations learned of hosts. ``uniform`` draws pauses; ``spread_s`` is the longest before the first question to a host."""
        self._clock = clock
        self._networks = networks
        self._memory = memory if memory is not None else HostMemory()
        self._uniform = uniform
        self._spread_s = spread_s
        self._connecting = asyncio.Semaphore(_MADE_AT_ONCE)
        self._parting = asyncio.Semaphore(_ENDED_AT_ONCE)
        self._hosts: dict[Endpoint, _Host] = {}
        #: Subscriptions of each host that are being ended: the next one waits for all.
        self._ending: dict[Endpoint, set[asyncio.Task[None]]] = {}
        #: How a host was signed in to when it refused.
        self._refused: dict[Endpoint, tuple[object, ...]] = {}
        self.statistics = EventStatistics()

    def join(self, listener: Listener) -> Handle | None:
        """Tell this camera what its device notices, from now until ``leave``. None: its address is not allowed.

        The first of a host decides how it is signed in to; one that joins with other credentials begins it anew.
        """
        if not self._networks.permit_text(listener.source.address):
            return None
        source = listener.source
        handle = Handle(listener, Endpoint(source.address, source.port, source.tls))
        host = self._hosts.get(handle.host)
        if host is None:
            host = self._hosts[handle.host] = _Host(handle.host)
        host.handles.append(handle)
        if host.memory.storage_failed:  # it joins later than it was told
            asyncio.get_running_loop().call_soon(self._tell_of_storage, host, handle)
        if host.wants(listener) and self._refused.get(host.endpoint) != listener.sign_in:
            self._begin(host, listener)
        return handle

    def leave(self, handle: Handle) -> None:
        """The camera wants no more hints. The last of a host ends the subscription, without being waited for."""
        host = self._hosts.get(handle.host)
        if host is None or handle not in host.handles:
            return
        host.handles.remove(handle)
        if not host.handles:
            del self._hosts[handle.host]
            self._end(host)

    async def close(self) -> None:
        """End all subscriptions, within ten seconds."""
        for host in self._hosts.values():
            self._end(host)
        self._hosts.clear()
        ending = [task for tasks in self._ending.values() for task in tasks]
        if ending:
            _, late = await asyncio.wait(ending, timeout=_CLOSE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _begin(self, host: "_Host", listener: Listener) -> None:
        """A subscription for the host as this listener signs in, after the one that it may have had."""
        self._end(host)
        host.listener = listener
        former = frozenset(self._ending.get(host.endpoint, ()))
        host.running = asyncio.create_task(
            self._run(host, listener, former), name=f"device events {host.endpoint.authority}"
        )

    def _end(self, host: "_Host") -> None:
        running, host.running = host.running, None
        if running is None or running.done():
            return
        running.cancel()
        self._ending.setdefault(host.endpoint, set()).add(running)
        running.add_done_callback(lambda done: self._ended(host.endpoint, done))

    def _ended(self, endpoint: Endpoint, done: "asyncio.Task[None]") -> None:
        tasks = self._ending[endpoint]
        tasks.remove(done)
        if not tasks:
            del self._ending[endpoint]

    async def _run(self, host: "_Host", listener: Listener, former: "frozenset[asyncio.Task[None]]") -> None:
        if former:
            await asyncio.wait(former)
        await asyncio.sleep(self._uniform(0.0, self._spread_s))
        source = listener.source
        notes = self._memory.of(host.endpoint)
        # Where the device sent the interrogation, if it speaks HTTPS only (ADR 0029).
        connection = HostConnection(
            notes.moved or host.endpoint, certificate=source.certificate, legacy_tls=notes.legacy_tls
        )
        facts = SignInFacts(listener.credentials, listener.auth_mode, listener.clock_offset_s, notes.prefixed)
        try:
            await Subscription(
                connection,
                Exchange(connection, source.path, facts, self._clock),
                PullPoint(source.path, self._uniform),
                connecting=self._connecting,
                parting=self._parting,
                statistics=self.statistics,
                clock=self._clock,
                on_hints=lambda hints: self._tell(host, hints),
                on_refused=lambda outcome: self._note_refusal(host, listener, outcome),
            ).run()
        except Exception:
            log.exception("device events failed", extra={"device_id": listener.device_id})

    def _tell(self, host: "_Host", hints: Iterable[Hint]) -> None:
        now = self._clock.monotonic()
        for hint in hints:
            if not host.memory.is_news(hint):
                continue
            for handle in tuple(host.handles):
                address = Address(handle.listener.tokens, handle.listener.alone)
                if address.means(hint) and handle.gate.admit(hint, now):
                    self.statistics.hints += 1
                    _tell(handle.listener, hint)

    def _tell_of_storage(self, host: "_Host", handle: Handle) -> None:
        if handle in host.handles and host.memory.storage_failed:
            _tell(handle.listener, Hint(Kind.STORAGE_FAILURE, "", active=True, news=False))

    def _note_refusal(self, host: "_Host", listener: Listener, outcome: AuthOutcome | None) -> None:
        """Nothing is asked again of this host with these credentials: not even if all leave and come back."""
        told = outcome.value if outcome is not None else "wants other credentials"
        log.info("device events refused", extra={"device_id": listener.device_id, "outcome": told})
        self._refused.pop(host.endpoint, None)
        self._refused[host.endpoint] = listener.sign_in
        if len(self._refused) > _REFUSALS_KEPT:
            del self._refused[next(iter(self._refused))]
        if outcome is not None:
            listener.on_refused(outcome)


@dataclass(eq=False, slots=True)
class _Host:
    endpoint: Endpoint
    handles: list[Handle] = field(default_factory=list)
    #: By whose account it is asked.
    listener: Listener | None = None
    running: "asyncio.Task[None] | None" = None
    memory: Memory = field(default_factory=Memory)

    def wants(self, listener: Listener) -> bool:
        """Whether a subscription is to be made with this listener's account. Another account of the same device
        replaces the former; one of another device, at the same address, only takes the place of none."""
        if self.listener is None:
            return True
        if self.listener.sign_in == listener.sign_in:
            return False
        return self.listener.device_id == listener.device_id or self.running is None or self.running.done()


def _tell(listener: Listener, hint: Hint) -> None:
    try:
        listener.on_hint(hint)
    except Exception:  # of ours, in one camera: the others of its device go on listening
        log.exception("hint not taken", extra={"device_id": listener.device_id})
