"""The OnvifGateway of ingest, on onvif-zeep."""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any, TypeVar

from services.contracts.camera import AuthOutcome, Credentials, DeviceFacts, Interrogation, OnvifSource
from services.contracts.ladder import Reason, Rung
from services.contracts.worker_endpoint import ClockSet
from services.ingest.faults import CameraFault
from services.ingest.onvif import interrogation
from services.ingest.onvif.conversation import Conversation
from services.ingest.onvif.memory import HostMemory
from services.ingest.onvif.transport import Deadline, Endpoint, HttpLimits
from services.runtime.clock import Clock, SystemClock

T = TypeVar("T")


class ZeepOnvifGateway:
    """Visits devices in a bounded number of threads, one visit at a time for each address.

    ``interrogation_s`` bounds one visit from its first connect, ``HttpLimits.call_s`` each call of it: a device that
    hangs costs that. Waiting for a thread, or for another visit to the same address, comes on top. Cancelling a visit
    breaks its connection. Belongs to one event loop, and is of no use after ``close``.
    """

    def __init__(
        self,
        *,
        threads: int = 8,
        interrogation_s: float = 20.0,
        limits: HttpLimits | None = None,
        clock: Clock | None = None,
        memory: HostMemory | None = None,
    ) -> None:
        """``memory``: what was learned of hosts, if others are to know it too."""
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="onvif")
        self._interrogation_s = interrogation_s
        self._limits = limits or HttpLimits()
        self._clock = clock or SystemClock()
        self._turns = _Turns()
        self._memory = memory if memory is not None else HostMemory()
        # Held by the one thread that computes, and given up while it waits for a device. The interpreter lets only one
        # run anyway, but threads that quarrel about whose turn it is cost half as much again (ADR 0029).
        self._baton = threading.Lock()
        self._running: dict[asyncio.Task[Any], Deadline] = {}

    async def interrogate(
        self, source: OnvifSource, credentials: Credentials | None, *, every_channel: bool = False
    ) -> Interrogation:
        """See ``services.ingest.ports.OnvifGateway``. OSError means that this machine has no sockets left."""
        return await self._visit(
            source,
            credentials,
            lambda talk: interrogation.interrogate(talk, source, every_channel=every_channel),
        )

    async def identify(self, source: OnvifSource, credentials: Credentials | None) -> DeviceFacts:
        """See ``services.ingest.ports.OnvifGateway``."""
        return await self._visit(source, credentials, lambda talk: interrogation.identify(talk, source))

    async def set_clock(self, source: OnvifSource, credentials: Credentials | None) -> ClockSet:
        """See ``services.ingest.ports.OnvifGateway``. Seconds."""
        return await self._visit(source, credentials, lambda talk: interrogation.set_clock(talk, source))

    async def try_sign_in(self, source: OnvifSource, credentials: Credentials) -> AuthOutcome | None:
        """See ``services.ingest.ports.OnvifGateway``."""
        return await self._visit(
            source, credentials, lambda talk: interrogation.try_sign_in(talk, source), signs_again=False
        )

    async def close(self) -> None:
        """Break the visits that run and wait for their threads to end."""
        for deadline in self._running.values():
            deadline.stop()
        await asyncio.gather(*self._running, return_exceptions=True)
        await asyncio.to_thread(self._pool.shutdown)

    async def _visit(
        self,
        source: OnvifSource,
        credentials: Credentials | None,
        work: Callable[[Conversation], T],
        *,
        signs_again: bool = True,
    ) -> T:
        endpoint = _endpoint(source)
        deadline = Deadline(self._clock, self._interrogation_s)

        def run() -> T:
            deadline.start()
            conversation = Conversation(
                endpoint,
                credentials,
                limits=self._limits,
                deadline=deadline,
                clock=self._clock,
                notes=self._memory.of(endpoint),
                certificate=source.certificate,
                signs_again=signs_again,
                baton=self._baton,
            )
            with self._baton, contextlib.closing(conversation):
                return work(conversation)

        task = asyncio.create_task(self._in_turn(endpoint, run))
        self._running[task] = deadline
        task.add_done_callback(self._forget)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            # A thread cannot be cancelled, only its connection broken. Until it ends, the device's turn stays taken.
            deadline.stop()
            raise

    async def _in_turn(self, endpoint: Endpoint, run: Callable[[], T]) -> T:
        async with self._turns.of(endpoint):
            return await asyncio.get_running_loop().run_in_executor(self._pool, run)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        del self._running[task]


def _endpoint(source: OnvifSource) -> Endpoint:
    """The one address to connect to. A name is refused: resolving it here would be a second opinion on a checked one."""
    try:
        address = ip_address(source.address)
    except ValueError:
        raise CameraFault(Reason.ADDRESS_REFUSED, Rung.UNREACHABLE, "the address is no IP address") from None
    if not 0 < source.port < 65536:
        raise CameraFault(Reason.ADDRESS_REFUSED, Rung.UNREACHABLE, "there is no such port")
    return Endpoint(str(address), source.port, source.tls)


class _Turns:
    """One visit at a time for each address: cheap recorders serve one client at a time.

    Waiting takes no thread, so that a recorder with many cameras does not keep the others from being asked. Another port
    of an address may be another device behind the same router: it waits no longer than ``patience_s`` for the first.
    """

    def __init__(self, patience_s: float = 2.0) -> None:
        self._patience_s = patience_s
        self._locks: dict[Endpoint | str, asyncio.Lock] = {}
        self._wanted: Counter[Endpoint | str] = Counter()

    @contextlib.asynccontextmanager
    async def of(self, endpoint: Endpoint) -> AsyncIterator[None]:
        async with self._lock(endpoint) as door, door, self._lock(endpoint.address) as host:
            try:
                await asyncio.wait_for(host.acquire(), self._patience_s)
            except TimeoutError:
                yield
                return
            try:
                yield
            finally:
                host.release()

    @contextlib.asynccontextmanager
    async def _lock(self, key: Endpoint | str) -> AsyncIterator[asyncio.Lock]:
        """A lock that exists as long as somebody wants it."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        self._wanted[key] += 1
        try:
            yield lock
        finally:
            self._wanted[key] -= 1
            if not self._wanted[key]:
                del self._wanted[key], self._locks[key]
