"""Searches as workers see them: take one, report on it, and say that a device is gone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Address, ip_address, ip_network
from uuid import UUID

from services.contracts.camera import REFUSALS_MAX, Credentials, LeaseRef
from services.contracts.discovery import (
    ADDRESSES_MAX,
    CREDENTIALS_MAX,
    DiscoveryOrder,
    DiscoveryReply,
    DiscoveryReport,
    RefusedBefore,
)
from services.contracts.identity import tells
from services.contracts.messages import RosterChange
from services.contracts.networks import CameraNetworks, Network
from services.registry import discovery_repository, repository
from services.registry.attempts import SearchAttempts
from services.registry.credentials import CredentialVault
from services.registry.discoveries import (
    ATTEMPTS_MAX,
    SILENT_AFTER,
    erase_unneeded,
    findings_of,
    new_row,
    tidy,
)
from services.registry.discovery_tables import Discovery, DiscoveryKind, DiscoveryStatus
from services.registry.findings import as_json, recognised
from services.registry.identity import KnownDevice, evidence_of
from services.registry.leases import Leases, WorkerCaller
from services.registry.moves import Mover, plan_moves
from services.registry.ports import AuditLog, Publisher
from services.registry.readable import readable
from services.registry.service import nudge
from services.registry.tables import Camera, Device, Facility
from services.registry.targets import Targets, collapse, usable
from services.storage.database import AsyncSession, Transactions, database_now

#: The registry looks for missing devices of a facility no more often than this.
SEARCH_EVERY = timedelta(minutes=15)
_STOP = DiscoveryReply(go_on=False)


class DiscoveryDesk:
    """Everything a worker may ask and say of searches."""

    def __init__(
        self,
        transactions: Transactions,
        leases: Leases,
        vault: CredentialVault,
        audit: AuditLog,
        networks: CameraNetworks,
        publisher: Publisher,
    ) -> None:
        self._transactions = transactions
        self._leases = leases
        self._vault = vault
        self._audit = audit
        self._networks = networks
        self._publisher = publisher
        self._attempts = SearchAttempts(vault)
        self._mover = Mover(audit)

    async def claim(self, caller: WorkerCaller, worker_id: UUID) -> DiscoveryOrder | None:
        """The oldest search that waits for a worker of this reach and these provinces; None while it runs another.

        Its credentials leave with it, which is audited. Raises Forbidden for a worker that was not announced.
        """
        async with self._transactions.write() as session:
            worker = await self._leases.announced(session, caller, worker_id)
            now = await database_now(session)
            await tidy(session, now)
            if await discovery_repository.runs_one(session, worker_id, now - SILENT_AFTER):
                return None
            row = await discovery_repository.claimable(
                session, caller.scope, worker.reaches, now - SILENT_AFTER, ATTEMPTS_MAX
            )
            if row is None:
                return None
            row.worker_id, row.heartbeat_at = worker_id, now
            row.attempts += 1
            row.found = []  # whoever had it before told of them what counts; this one begins anew
            credentials = self._vault.unseal(row)
            if credentials:
                await self._audit.record(
                    session,
                    principal_id=caller.principal_id,
                    action="credentials.fetch",
                    subject=str(row.id),
                    province_unit_id=row.facility.province_unit_id,
                    details={"worker_id": str(worker_id), "sets": len(credentials)},
                )
            return await self._order(session, row, credentials, now)

    async def _order(
        self, session: AsyncSession, row: Discovery, credentials: Sequence[Credentials], now: datetime
    ) -> DiscoveryOrder:
        facility, targets = row.facility, Targets.from_json(row.targets)
        refused = await self._attempts.refused(session, facility.reach, facility.id, credentials, targets, now)
        if row.kind is DiscoveryKind.SEARCH:
            refused = (*refused, *await self._not_for_them(session, facility, credentials, now))
        return DiscoveryOrder(
            discovery_id=row.id,
            facility_id=facility.id,
            reach=facility.reach,
            networks=targets.networks,
            hosts=targets.hosts,
            multicast=targets.multicast,
            credentials=tuple(credentials),
            refused=refused,
        )

    async def _not_for_them(
        self, session: AsyncSession, facility: Facility, credentials: Sequence[Credentials], now: datetime
    ) -> list[RefusedBefore]:
        """Sets that devices which are at home are not to be tried with: looking for one camera must not lock others."""
        devices = await discovery_repository.devices_of(session, facility.id)
        cameras = await discovery_repository.cameras_of(session, [device.id for device in devices])
        own = {(camera.device_id, camera.credential.fingerprint) for camera in cameras if camera.credential}
        return [
            RefusedBefore(address=device.address, credential=place, refusals=REFUSALS_MAX, at=now)
            for device in devices
            if device.missing_at is None and device.conflict is None
            for place, one in enumerate(credentials)
            if (device.id, self._vault.fingerprint(device.id, one.username, one.password)) not in own
        ]

    async def report(
        self, caller: WorkerCaller, worker_id: UUID, discovery_id: UUID, report: DiscoveryReport
    ) -> DiscoveryReply:
        """Keep what a worker says of the search it runs. Of any other it changes nothing, and is told to stop."""
        moved: Sequence[UUID] = ()
        async with self._transactions.write() as session:
            await self._leases.announced(session, caller, worker_id)
            row = await discovery_repository.discovery(session, caller.scope, discovery_id, locked=True)
            if row is None or row.status is not DiscoveryStatus.RUNNING or row.worker_id != worker_id:
                return _STOP
            now = await database_now(session)
            row.heartbeat_at = now
            row.progress = report.progress.model_dump(mode="json")
            devices = await discovery_repository.devices_of(session, row.facility_id)
            told, known = recognised(
                [finding for finding in report.found if self._networks.permit_text(finding.address)], devices
            )
            credentials = self._vault.unseal(row)
            reach, earlier = row.facility.reach, findings_of(row)
            await self._attempts.keep(session, reach, credentials, earlier, told, now)
            if report.status == "done":
                await repository.facility_locked(session, caller.scope, row.facility_id)
                moves = plan_moves(
                    told, known, [KnownDevice.of(device) for device in devices], Targets.from_json(row.targets)
                )
                moved = await self._mover.carry_out(session, row.facility, moves, now)
            row.found = as_json(told)
            if report.status != "running":
                row.status, row.ended_at = DiscoveryStatus(report.status), now
                row.failure = readable(report.failure, 500)
                erase_unneeded(row)
        if moved:
            await nudge(self._publisher, row.facility_id, RosterChange.CAMERA_CHANGED)
        return DiscoveryReply(go_on=report.status == "running")

    async def report_missing(self, caller: WorkerCaller, worker_id: UUID, lease: LeaseRef) -> None:
        """A leased camera's device is not at its address. Look for it, unless that was done lately or it has no marks."""
        async with self._transactions.write() as session:
            camera = await self._leases.require(session, caller, worker_id, lease)
            now = await database_now(session)
            camera.device.missing_at = now
            if not tells(evidence_of(camera.device)):
                return
            facility = await repository.facility_locked(session, caller.scope, camera.facility_id)
            if facility is None or await discovery_repository.searched_since(session, facility.id, now - SEARCH_EVERY):
                return
            devices = await discovery_repository.devices_of(session, facility.id)
            targets = places_to_look(devices, self._networks)
            credentials = await self._worth_trying(session, camera, devices)
            row = new_row(facility, DiscoveryKind.SEARCH, targets, now, None)
            row.credentials = self._vault.seal(row.id, credentials)
            session.add(row)
            await self._audit.record(
                session,
                principal_id=caller.principal_id,
                action="discovery.search",
                subject=str(row.id),
                province_unit_id=facility.province_unit_id,
                details={"facility_id": str(facility.id), "device_id": str(camera.device_id), **row.targets},
            )

    async def _worth_trying(
        self, session: AsyncSession, missing: Camera, devices: Sequence[Device]
    ) -> list[Credentials]:
        """Those by which a device with marks could be known again: of the missing one first, each once."""
        marked = [device.id for device in devices if tells(evidence_of(device))]
        cameras = sorted(
            await discovery_repository.cameras_of(session, marked),
            key=lambda camera: (camera.id != missing.id, camera.device_id != missing.device_id, camera.id),
        )
        revealed = [known for camera in cameras if (known := self._vault.reveal(camera)) is not None]
        distinct: dict[tuple[str, str], Credentials] = {}
        for known in revealed:
            distinct.setdefault((known.username, known.password), known)
        return list(distinct.values())[:CREDENTIALS_MAX]


def places_to_look(devices: Sequence[Device], allowed: CameraNetworks) -> Targets:
    """The neighbourhoods (/24) of all devices of a facility, as far as they are allowed, and the devices themselves.

    Of IPv6 only the devices: a neighbourhood there cannot be looked through.
    """
    addresses = sorted({ip_address(device.address) for device in devices}, key=lambda one: (one.version, int(one)))
    around: list[Network] = []
    for address in addresses:
        if isinstance(address, IPv4Address):
            near = ip_network(f"{address}/24", strict=False)
            around += [near] if allowed.permit_whole(near) else _within(near, allowed)
    networks: list[Network] = []
    left = ADDRESSES_MAX - len(addresses)
    for network in collapse(around):
        if usable(network) <= left:
            networks.append(network)
            left -= usable(network)
    hosts = tuple(str(address) for address in addresses if allowed.permit(address))
    return Targets(tuple(map(str, networks)), hosts, multicast=True)


def _within(near: Network, allowed: CameraNetworks) -> list[Network]:
    """The allowed networks that lie inside this one."""
    return [
        network
        for network in allowed.collapsed
        if network.version == near.version and network.subnet_of(near)  # type: ignore[arg-type]
    ]
