"""The OnvifGateway of ingest, on onvif-zeep."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from services.contracts.camera import Credentials, Interrogation, OnvifSource
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.onvif.conversation import Conversation
from services.ingest.onvif.interrogation import interrogate
from services.ingest.onvif.transport import Deadline, Endpoint, HttpLimits
from services.runtime.clock import Clock, SystemClock


class ZeepOnvifGateway:
    """Interrogates devices in a bounded number of threads, one at a time for each address and port.

    ``interrogation_s`` bounds one interrogation from its first connect; waiting for a thread, or for another
    interrogation of the same device, comes on top. Cancelling an interrogation breaks its connection. Belongs to one
    event loop, and is of no use after ``close``.
    """

    def __init__(
        self,
        *,
        threads: int = 8,
        interrogation_s: float = 20.0,
        limits: HttpLimits | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="onvif")
        self._interrogation_s = interrogation_s
        self._limits = limits or HttpLimits()
        self._clock = clock or SystemClock()
        self._turns = _Turns()
        self._running: dict[asyncio.Task[Interrogation], Deadline] = {}

    async def interrogate(self, source: OnvifSource, credentials: Credentials | None) -> Interrogation:
        """See ``services.ingest.ports.OnvifGateway``. OSError means that this machine has no sockets left."""
        endpoint = _endpoint(source)
        deadline = Deadline(self._clock, self._interrogation_s)
        conversation = Conversation(endpoint, credentials, limits=self._limits, deadline=deadline, clock=self._clock)
        task = asyncio.create_task(self._in_turn(conversation, deadline, source))
        self._running[task] = deadline
        task.add_done_callback(self._forget)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            # A thread cannot be cancelled, only its connection broken. Until it ends, the device's turn stays taken.
            deadline.stop()
            raise

    async def close(self) -> None:
        """Break the interrogations that run and wait for their threads to end."""
        for deadline in self._running.values():
            deadline.stop()
        await asyncio.gather(*self._running, return_exceptions=True)
        await asyncio.to_thread(self._pool.shutdown)

    async def _in_turn(self, conversation: Conversation, deadline: Deadline, source: OnvifSource) -> Interrogation:
        def run() -> Interrogation:
            deadline.start()
            return interrogate(conversation, source)

        async with self._turns.of(conversation.endpoint):
            return await asyncio.get_running_loop().run_in_executor(self._pool, run)

    def _forget(self, task: asyncio.Task[Interrogation]) -> None:
        del self._running[task]


def _endpoint(source: OnvifSource) -> Endpoint:
    """The one address to connect to. A name is refused: resolving it here would be a second opinion on a checked one."""
    try:
        address = ip_address(source.address)
    except ValueError:
        raise CameraFault(Reason.ADDRESS_REFUSED, Rung.UNREACHABLE, "the address is no IP address") from None
    if not 0 < source.port < 65536:
        raise CameraFault(Reason.ADDRESS_REFUSED, Rung.UNREACHABLE, "there is no such port")
    return Endpoint(str(address), source.port)


class _Turns:
    """One interrogation at a time for each endpoint: cheap recorders serve one client at a time.

    Waiting takes no thread, so that a recorder with many cameras does not keep the others from being asked.
    """

    def __init__(self) -> None:
        self._locks: dict[Endpoint, asyncio.Lock] = {}
        self._wanted: Counter[Endpoint] = Counter()

    @contextlib.asynccontextmanager
    async def of(self, endpoint: Endpoint) -> AsyncIterator[None]:
        lock = self._locks.setdefault(endpoint, asyncio.Lock())
        self._wanted[endpoint] += 1
        try:
            async with lock:
                yield
        finally:
            self._wanted[endpoint] -= 1
            if not self._wanted[endpoint]:
                del self._wanted[endpoint], self._locks[endpoint]
