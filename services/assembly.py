"""The composition root: opens what a process needs, builds the services, runs the roles.

GROUPS and SUBSCRIPTIONS are every crossing of the bus; ROLES is what each role consists of. No other place chooses
implementations.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, TypeAlias, TypeVar

from services.access.audit import Audit
from services.access.keys import ApiKeys
from services.access.sessions import ConsoleSessions
from services.aggregator.derive import FlappingRule
from services.aggregator.evidence import HealthEvidence
from services.aggregator.queries import StatusQueries
from services.aggregator.service import Aggregator, SweepGuard
from services.api.app import App, create_app, wrapped
from services.api.idempotency import IdempotencyStore
from services.api.services import ApiServices
from services.bus.delivery import BusCounters
from services.bus.memory import MemoryBus
from services.bus.port import Bus, BusLimits, Groups, Subscription
from services.bus.rabbit import RabbitBus
from services.console.pages import console_routes
from services.console.queries import ConsoleQueries
from services.console.services import ConsoleServices
from services.contracts.camera import AuthOutcome, Credentials, Interrogation, OnvifSource, WatchPolicy
from services.contracts.errors import Unavailable
from services.contracts.ids import CameraId
from services.contracts.ladder import Condition, Reason
from services.contracts.messages import CameraHealthReported, RosterChanged
from services.contracts.networks import CameraNetworks
from services.contracts.scope import ProvinceScope
from services.contracts.worker_endpoint import ClockSet
from services.ingest.adapters.directory_http import HttpDirectory
from services.ingest.faults import CameraFault
from services.ingest.figures import figures
from services.ingest.ports import Directory, OnvifGateway
from services.ingest.tools import SessionSettings
from services.ingest.worker import Worker, WorkerSettings, default_name
from services.live.ports import HlsSource, Viewable
from services.live.service import LiveLinks
from services.live.tokens import TokenSigner
from services.live.worker_hls import WorkerHls
from services.migrations import runner
from services.programme.service import Programme
from services.registry import provinces
from services.registry.adoption import Adoptions
from services.registry.cameras import CameraRegistry
from services.registry.credential_sets import CredentialSets
from services.registry.credentials import CredentialVault
from services.registry.devices import Devices
from services.registry.directory import LocalDirectory, SnapshotDesk, WorkerDesk
from services.registry.discoveries import Discoveries
from services.registry.discovery_desk import DiscoveryDesk
from services.registry.installation import Installer
from services.registry.leases import Leases, WatchDefaults
from services.registry.locator import SourceLocator
from services.registry.ports import InterrogationFailed, Interrogator
from services.registry.resolver import Resolver, SystemResolver
from services.registry.roster import RegistryRoster
from services.registry.service import Registry
from services.registry.snapshots import SnapshotFiles
from services.registry.targets import TargetReader
from services.registry.worker_interrogator import WorkerInterrogator
from services.runtime.clock import SystemClock
from services.runtime.http_client import HttpClient, trusting
from services.runtime.http_server import HttpServer
from services.runtime.metrics import Metrics
from services.runtime.probes import ops_app
from services.runtime.tasks import Shutdown, repeat, run_until_shutdown
from services.runtime.worker_clients import WorkerClients
from services.settings import Settings
from services.storage.cipher import KeyRing
from services.storage.database import Database

log = logging.getLogger(__name__)

T = TypeVar("T")

Role: TypeAlias = Literal["all", "api", "ingest", "aggregator"]

#: Who wants which messages, each group once; every process declares it, so that nothing is lost before a group came.
GROUPS: Groups = {"health": (CameraHealthReported, RosterChanged)}

SWEEP_EVERY_S = 2.0
REVIEW_EVERY_S = 300.0
TIDY_EVERY_S = 15.0
GRACE_S = 20.0


@dataclass(slots=True)
class Process:
    """One process while it runs: what is open, what to run, what the probes ask."""

    settings: Settings
    shutdown: Shutdown
    bus: Bus
    stack: contextlib.AsyncExitStack
    clock: SystemClock = field(default_factory=SystemClock)
    metrics: Metrics = field(default_factory=Metrics)
    tasks: dict[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    readiness: dict[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    subscriptions: list[Subscription] = field(default_factory=list)
    database: Database | None = None
    desk: WorkerDesk | None = None
    worker: Worker | None = None
    api_port: int = 0
    #: Set once the API listens on ``api_port``.
    listening: asyncio.Event = field(default_factory=asyncio.Event)


async def add_database(process: Process) -> Database:
    """Open the database and require its schema to be the one of this program."""
    if process.database is None:
        process.database = database = Database(process.settings.resolved_database_url)
        process.stack.push_async_callback(database.close)
        process.readiness["database"] = database.ping
        await runner.require_newest(database)
    return process.database


async def add_aggregator(process: Process) -> Aggregator:
    """Role ``aggregator``: takes reports, notices silence."""
    settings, database = process.settings, await add_database(process)
    roster, audit = RegistryRoster(), Audit(database, process.clock)
    programme = build_programme(process, database, audit)
    aggregator = Aggregator(
        database,
        roster,
        programme.plans,
        process.bus,
        FlappingRule(settings.flapping_changes, timedelta(seconds=settings.flapping_window)),
        timedelta(seconds=settings.stale_after),
    )
    guard = SweepGuard(SWEEP_EVERY_S, settings.stale_after, process.clock.monotonic())

    async def sweep() -> None:
        if not guard.allow(process.clock.monotonic()):
            aggregator.counters.sweeps_skipped += 1
            return
        try:
            await aggregator.sweep()
        except Exception:
            guard.stumbled(process.clock.monotonic())
            raise

    async def sweeping() -> None:
        await repeat("sweep", process.shutdown, SWEEP_EVERY_S, sweep)

    async def review() -> None:
        await aggregator.review(lambda: process.shutdown.requested)

    async def reviewing() -> None:
        await repeat("review", process.shutdown, REVIEW_EVERY_S, review)

    counters = aggregator.counters
    process.metrics.add("counter", "reports_accepted", "Camera reports taken.", lambda: counters.accepted)
    process.metrics.add("counter", "reports_repeated", "Camera reports ignored as old.", lambda: counters.repeated)
    process.metrics.add("counter", "reports_refused", "Camera reports without a lease.", lambda: counters.refused)
    process.metrics.add("counter", "cameras_silenced", "Cameras made unknown for silence.", lambda: counters.silenced)
    process.metrics.add("counter", "facility_changes", "Changes of a facility's state.", lambda: counters.state_changes)
    process.tasks["aggregator"] = sweeping
    process.tasks["review"] = reviewing
    process.subscriptions.append(Subscription(GROUPS["health"], aggregator.on_message, group="health"))
    return aggregator


async def add_worker(process: Process) -> None:
    """Role ``ingest``: watches cameras. In one process it asks the registry directly, else the API over HTTPS."""
    settings = process.settings
    worker = Worker(
        worker_settings(settings, alone=process.desk is None),
        LocalDirectory(process.desk) if process.desk is not None else remote_directory(process),
        process.bus,
        CameraNetworks(settings.camera_networks),
        process.clock,
    )
    process.worker = worker
    await worker.start()
    process.stack.push_async_callback(worker.close)

    async def watching() -> None:
        await worker.run(process.shutdown)

    process.tasks["worker"] = watching
    process.readiness["directory"] = worker.supervisor.check_directory
    for figure in figures(worker):
        process.metrics.add(figure.kind, figure.name, figure.meaning, figure.read)
    process.subscriptions.append(Subscription((RosterChanged,), worker.on_nudge, group=None))


@dataclass(frozen=True, slots=True)
class RegistryParts:
    """What API and local worker share over one database."""

    database: Database
    keys: KeyRing
    audit: Audit
    vault: CredentialVault
    files: SnapshotFiles
    desk: WorkerDesk


async def add_registry(process: Process) -> RegistryParts:
    settings, database = process.settings, await add_database(process)
    keys = KeyRing.open(settings.keys_dir)
    audit = Audit(database, process.clock)
    vault = CredentialVault(keys)
    files = SnapshotFiles(settings.snapshots_dir)
    watching = WatchDefaults(WatchPolicy(settings.watch_policy), settings.watch_sample_every)
    leases = Leases(database, keys, settings.lease_duration, watching)
    searches = DiscoveryDesk(database, leases, vault, audit, CameraNetworks(settings.camera_networks), process.bus)
    process.desk = WorkerDesk(database, leases, vault, files, audit, process.clock, searches)
    return RegistryParts(database, keys, audit, vault, files, process.desk)


async def add_api(process: Process, *, local_worker: bool) -> None:
    """Role ``api``: HTTP and console. With ``local_worker`` media and ONVIF come from the worker of this process."""
    settings, parts = process.settings, await add_registry(process)
    interrogator: Interrogator
    hls: HlsSource
    if local_worker:
        await add_worker(process)
        assert process.worker is not None  # noqa: S101 - add_worker made it
        interrogator, hls = LocalInterrogator(process.worker), process.worker.live
    else:
        clients = WorkerClients()
        process.stack.push_async_callback(clients.close)
        interrogator, hls = WorkerInterrogator(parts.desk, clients), WorkerHls(parts.desk, clients)
    server = HttpServer(
        wrapped(build_app(process, parts, interrogator, hls, SystemResolver())),
        settings.host,
        settings.port,
        certificate=settings.tls_cert,
        key=settings.tls_key,
        believed_proxies=[str(network) for network in settings.proxy_networks],
    )

    async def serving() -> None:
        process.api_port = await server.start()
        process.listening.set()
        log.info("listening", extra={"host": settings.host, "port": process.api_port})
        stopping, ended = asyncio.create_task(process.shutdown.wait()), asyncio.create_task(server.ended())
        await asyncio.wait({stopping, ended}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        await server.stop()
        await ended

    process.tasks["api"] = serving


def build_app(
    process: Process, parts: RegistryParts, interrogator: Interrogator, hls: HlsSource, resolver: Resolver
) -> App:
    """API and console over these parts, without the middleware."""
    settings, clock, database = process.settings, process.clock, parts.database
    api_keys = ApiKeys(database, parts.audit, provinces.scope_of, clock)
    registry = Registry(database, process.bus, parts.audit, parts.files, clock)
    networks = CameraNetworks(settings.camera_networks)
    locator = SourceLocator(networks, resolver, interrogator)
    installer = Installer(database, parts.vault, locator, clock)
    cameras = CameraRegistry(database, registry, parts.vault, parts.audit, installer, parts.files, clock)
    discoveries = Discoveries(database, parts.vault, parts.audit, networks, TargetReader(networks, resolver))
    process.tasks["discoveries"] = lambda: repeat("discoveries", process.shutdown, TIDY_EVERY_S, discoveries.tidy)
    status = StatusQueries(database)
    snapshots = SnapshotDesk(database, parts.files)
    programme = build_programme(process, database, parts.audit)
    live = LiveLinks(
        database,
        CameraViews(cameras, status),
        hls,
        api_keys,
        parts.audit,
        TokenSigner(parts.keys.derive("vonggac live links")),
        clock,
        timedelta(seconds=settings.live_link_ttl),
        timedelta(seconds=settings.live_session_max),
    )

    async def require_schema() -> None:
        await runner.require_newest(database)

    process.readiness["schema"] = require_schema
    services = ApiServices(
        registry=registry,
        cameras=cameras,
        discoveries=discoveries,
        adoptions=Adoptions(database, registry, discoveries, parts.vault, parts.audit, interrogator, clock),
        credential_sets=CredentialSets(database, parts.vault, parts.audit, clock),
        devices=Devices(database, registry, parts.vault, parts.audit, interrogator, clock),
        desk=parts.desk,
        snapshots=snapshots,
        status=status,
        live=live,
        programme=programme,
        keys=api_keys,
        audit=parts.audit,
        idempotency=IdempotencyStore(database, clock),
        metrics=process.metrics,
        readiness=process.readiness,
        public_url=settings.public_url,
        shutdown=process.shutdown,
    )
    pages = ConsoleServices(
        sessions=ConsoleSessions(database, api_keys, timedelta(seconds=settings.console_session), clock),
        registry=registry,
        cameras=cameras,
        snapshots=snapshots,
        status=status,
        live=live,
        programme=programme,
        queries=ConsoleQueries(database),
        clock=clock,
        public_url=settings.public_url,
        secure=settings.tls_cert is not None or settings.tls_terminated,
    )
    return create_app(services, console_routes(pages))


async def add_ops(process: Process) -> None:
    """Probes and metrics for a role without an API."""
    settings = process.settings
    server = HttpServer(ops_app(process.metrics, process.readiness), settings.ops_host, settings.ops_port, graceful_s=1)
    port = await server.start()
    log.info("probes listening", extra={"host": settings.ops_host, "port": port})
    process.stack.push_async_callback(server.stop)


async def assemble_all(process: Process) -> None:
    await add_aggregator(process)
    await add_api(process, local_worker=True)


async def assemble_api(process: Process) -> None:
    await add_api(process, local_worker=False)


async def assemble_ingest(process: Process) -> None:
    await add_worker(process)
    await add_ops(process)


async def assemble_aggregator(process: Process) -> None:
    await add_aggregator(process)
    await add_ops(process)


ROLES: dict[Role, Callable[[Process], Awaitable[None]]] = {
    "all": assemble_all,
    "api": assemble_api,
    "ingest": assemble_ingest,
    "aggregator": assemble_aggregator,
}


@contextlib.asynccontextmanager
async def opened(settings: Settings, role: Role, shutdown: Shutdown) -> AsyncIterator[Process]:
    """A process of this role with everything open, ready to ``run``. What was opened is closed in reverse order.

    Only the API begins without its broker: it registers and shows what is in the database all the same.
    """
    async with contextlib.AsyncExitStack() as stack:
        bus = open_bus(settings, role)
        process = Process(settings, shutdown, bus, stack)
        add_bus_metrics(process.metrics, bus.counters)
        await ROLES[role](process)
        stack.push_async_callback(bus.close)
        if role == "api":
            process.tasks["bus"] = lambda: _keep_bus(process)
        else:
            process.readiness["bus"] = bus.ping
            await _open_patiently(process)
        yield process


def add_bus_metrics(metrics: Metrics, counters: BusCounters) -> None:
    """What passed over the bus in this process."""
    metrics.add("counter", "messages_published", "Messages made safe on the bus.", lambda: counters.published)
    metrics.add("counter", "messages_handled", "Messages delivered to handlers.", lambda: counters.delivered)
    metrics.add("counter", "messages_redelivered", "Messages delivered again.", lambda: counters.redelivered)
    metrics.add("counter", "messages_dead", "Messages given up: dead letters.", lambda: counters.dead)


async def _keep_bus(process: Process) -> None:
    await _open_patiently(process)
    await process.shutdown.wait()


async def run(process: Process) -> None:
    """Run until shutdown or until a part ends."""
    await run_until_shutdown(process.shutdown, process.tasks, grace_s=GRACE_S)


async def serve(settings: Settings, role: Role) -> None:
    """The whole life of a process of this role."""
    shutdown = Shutdown()
    shutdown.on_signals()
    async with opened(settings, role, shutdown) as process:
        await run(process)


def open_bus(settings: Settings, role: Role) -> MemoryBus | RabbitBus:
    """The bus that the settings name."""
    limits = BusLimits(
        shards=settings.bus_shards, queue_max=settings.bus_queue_max, delivery_limit=settings.bus_delivery_limit
    )
    name = settings.worker_name or default_name()
    if settings.bus_url.startswith("memory:"):
        return MemoryBus(limits, f"/{role}/{name}", GROUPS)
    return RabbitBus(settings.bus_url, limits, f"/{role}/{name}", f"vonggac {role} {name}", GROUPS)


async def _open_patiently(process: Process) -> None:
    """Wait for a broker that is not there yet, and then subscribe: after a power cut everything starts at once."""
    pause_s = 0.5
    while True:
        try:
            await process.bus.open()
        except Unavailable as error:
            log.warning("broker does not answer yet", extra={"error": error.detail})
            if not await process.shutdown.sleep(pause_s):
                return
            pause_s = min(pause_s * 2, 10.0)
        else:
            break
    for subscription in process.subscriptions:
        await process.bus.subscribe(subscription)


def build_programme(process: Process, database: Database, audit: Audit) -> Programme:
    return Programme(database, RegistryRoster(), HealthEvidence(), audit, process.bus, provinces.units(), process.clock)


def worker_settings(settings: Settings, *, alone: bool) -> WorkerSettings:
    """``alone``: the worker is a process of its own and serves media to the API over TLS."""
    return WorkerSettings(
        name=settings.worker_name,
        reaches=settings.worker_reaches,
        capacity=settings.worker_capacity,
        lease_ttl_s=settings.lease_ttl,
        connects_at_once=settings.connects_at_once,
        site_connects_max=settings.site_connects_max,
        tls_cameras_max=settings.tls_cameras_max,
        probe_processes=settings.probe_processes,
        device_events=settings.device_events,
        live_streams_max=settings.live_streams_max,
        media_host=settings.media_host if alone else None,
        media_port=settings.media_port,
        media_advertise_host=settings.media_advertise_host,
        session=SessionSettings(
            settle_up_s=settings.settle_up,
            settle_down_s=settings.settle_down,
            heartbeat_s=settings.heartbeat,
            picture_every_s=settings.picture_every,
            snapshot_every_s=settings.snapshot_every,
            frozen_after_s=settings.frozen_after,
        ),
    )


def remote_directory(process: Process) -> Directory:
    """The API's registry over HTTPS."""
    settings = process.settings
    client = HttpClient(settings.api_url, settings.api_key, trusting(settings.api_ca), timeout_s=10.0)
    process.stack.push_async_callback(client.close)
    return HttpDirectory(client)


class LocalInterrogator:
    """``registry.ports.Interrogator`` by the ONVIF gateway of this process's worker."""

    #: A registration waits no longer than this for a device.
    TIMEOUT_S = 12.0

    def __init__(self, worker: Worker) -> None:
        self._onvif: OnvifGateway = worker.onvif

    async def interrogate(
        self,
        reach: str,  # noqa: ARG002 - one process reaches all
        source: OnvifSource,
        credentials: Credentials | None,
        *,
        every_channel: bool = False,
    ) -> Interrogation:
        return await self._within_time(self._onvif.interrogate(source, credentials, every_channel=every_channel))

    async def set_clock(self, reach: str, source: OnvifSource, credentials: Credentials | None) -> ClockSet:  # noqa: ARG002
        return await self._within_time(self._onvif.set_clock(source, credentials))

    async def try_sign_in(self, reach: str, source: OnvifSource, credentials: Credentials) -> AuthOutcome | None:  # noqa: ARG002
        return await self._within_time(self._onvif.try_sign_in(source, credentials))

    async def _within_time(self, asking: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self.TIMEOUT_S):
                return await asking
        except CameraFault as fault:
            raise InterrogationFailed(fault.reason, fault.auth) from fault
        except TimeoutError as error:
            raise InterrogationFailed(Reason.TIMEOUT) from error


class CameraViews:
    """``live.ports.Cameras`` by registry and aggregator together."""

    def __init__(self, cameras: CameraRegistry, status: StatusQueries) -> None:
        self._cameras = cameras
        self._status = status

    async def viewable(self, scope: ProvinceScope, camera_id: CameraId) -> Viewable:
        camera = await self._cameras.camera(scope, camera_id)
        health = await self._status.camera_health(camera_id)
        return Viewable(
            camera_id=camera.id,
            province_unit_id=camera.facility.province_unit_id,
            condition=health.condition if health is not None and camera.enabled else Condition.UNKNOWN,
            reasons=tuple(Reason(code) for code in health.reasons) if health is not None else (Reason.NOT_WATCHED,),
            codec=health.stream.get("codec") if health is not None else None,
        )
