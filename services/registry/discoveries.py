"""Searches as integrators ask for them: begin, follow, cancel, repeat. Who runs them: ``discovery_desk``."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from services.contracts.camera import Credentials
from services.contracts.discovery import DiscoveryProgress, Found
from services.contracts.errors import Fault
from services.contracts.ids import FacilityId, PrincipalId, new_id
from services.contracts.ladder import Advice
from services.contracts.networks import CameraNetworks
from services.contracts.scope import ProvinceScope
from services.registry import discovery_repository, repository
from services.registry.attempts import REMEMBERED, SearchAttempts
from services.registry.credentials import CredentialVault
from services.registry.discovery_tables import Discovery, DiscoveryKind, DiscoveryStatus
from services.registry.errors import (
    DiscoveryNotFound,
    FacilityNotFound,
    FindingsRefused,
    NothingToRepeat,
    TooManyDiscoveries,
)
from services.registry.findings import FoundList, as_json, recognised
from services.registry.locator import NewCredentials
from services.registry.ports import AuditLog
from services.registry.tables import Facility
from services.registry.targets import TargetReader, Targets
from services.storage.database import AsyncSession, Transactions, database_now
from services.storage.paging import Page, PageRequest, page_of

#: Searches of one facility that people may have running at once.
RUNNING_MAX = 2
#: A search that no worker has come for by then has failed.
WAITS_AT_MOST = timedelta(minutes=10)
#: A worker that has not reported for so long is gone.
SILENT_AFTER = timedelta(seconds=20)
#: So many workers may be lost over one search.
ATTEMPTS_MAX = 3

_KEEP_SECRETS = timedelta(hours=24)
_KEEP_SEARCHES = timedelta(days=90)

#: Why searches fail that no worker tells of, by the code that is kept.
FAILURES = {
    "nobody_came": Advice(
        "No worker that reaches this site's network took the search within 10 minutes. Start an ingest worker for its "
        "reach, or search from a computer on site with `vonggac discover`.",
        "Không có tiến trình nào tới được mạng của cơ sở nhận lượt dò tìm trong 10 phút. Hãy khởi động tiến trình ingest "
        "cho vùng mạng này, hoặc dò tìm từ máy tính tại chỗ bằng `vonggac discover`.",
    ),
    "workers_lost": Advice(
        "Three workers were lost while they ran this search. Check the ingest workers' logs, then repeat it with fewer "
        "addresses.",
        "Ba tiến trình đã mất khi đang chạy lượt dò tìm này. Hãy kiểm tra nhật ký của các tiến trình ingest rồi chạy lại "
        "với ít địa chỉ hơn.",
    ),
}


@dataclass(frozen=True, slots=True)
class NewDiscovery:
    """A search as somebody asks for it. ``credentials`` None: the sets of the site."""

    facility_id: FacilityId
    networks: Sequence[str] = ()
    hosts: Sequence[str] = ()
    multicast: bool = False
    credentials: Sequence[NewCredentials] | None = field(default=None, repr=False)


class Discoveries:
    """Searches of facilities."""

    def __init__(
        self,
        transactions: Transactions,
        vault: CredentialVault,
        audit: AuditLog,
        networks: CameraNetworks,
        reader: TargetReader,
    ) -> None:
        self._transactions = transactions
        self._vault = vault
        self._audit = audit
        self._networks = networks
        self._reader = reader
        self._attempts = SearchAttempts(vault)

    async def start(self, principal: PrincipalId, scope: ProvinceScope, new: NewDiscovery) -> Discovery:
        """Ask for a search. Raises FacilityNotFound, TargetsRefused or TooManyDiscoveries."""
        async with self._transactions.read() as session:
            _facility(await repository.facility(session, scope, new.facility_id))
        targets = await self._reader.read(new.networks, new.hosts, multicast=new.multicast)
        given = None if new.credentials is None else _numbered(new.credentials)
        return await self._begin(principal, scope, new.facility_id, targets, given)

    async def repeat(self, principal: PrincipalId, scope: ProvinceScope, discovery_id: UUID) -> Discovery:
        """A new search with the same targets, and the same credentials while they are still kept.

        Raises DiscoveryNotFound, NothingToRepeat, TargetsRefused (the allowed networks are others now) or
        TooManyDiscoveries.
        """
        row = await self.discovery(scope, discovery_id)
        if row.kind is DiscoveryKind.FINDINGS:
            raise NothingToRepeat
        before = Targets.from_json(row.targets)
        targets = await self._reader.read(before.networks, before.hosts, multicast=before.multicast)
        kept = self._vault.unseal(row) if row.kind is DiscoveryKind.ASKED else ()
        return await self._begin(principal, scope, row.facility_id, targets, kept or None)

    async def _begin(
        self,
        principal: PrincipalId,
        scope: ProvinceScope,
        facility_id: UUID,
        targets: Targets,
        credentials: Sequence[Credentials] | None,
    ) -> Discovery:
        async with self._transactions.write() as session:
            facility = _facility(await repository.facility_locked(session, scope, facility_id))
            if await discovery_repository.count_running(session, facility_id) >= RUNNING_MAX:
                raise TooManyDiscoveries
            if credentials is None:
                rows = await discovery_repository.credential_sets(session, facility_id)
                credentials = [self._vault.reveal_set(row) for row in rows]
            row = new_row(facility, DiscoveryKind.ASKED, targets, await database_now(session), principal)
            row.credentials = self._vault.seal(row.id, credentials)
            session.add(row)
            await self._record(session, principal, row, "discovery.start", credentials)
        return row

    async def keep_findings(
        self,
        principal: PrincipalId,
        scope: ProvinceScope,
        facility_id: FacilityId,
        found: Sequence[Found],
        credentials: Sequence[NewCredentials],
    ) -> Discovery:
        """Keep what somebody found from a shell on site, so that it can be adopted.

        Raises FacilityNotFound or FindingsRefused.
        """
        self._check(found, len(credentials))
        sets = _numbered(credentials)
        async with self._transactions.write() as session:
            facility = _facility(await repository.facility_locked(session, scope, facility_id))
            now = await database_now(session)
            row = new_row(facility, DiscoveryKind.FINDINGS, Targets(), now, principal)
            row.credentials = self._vault.seal(row.id, sets)
            told, _ = recognised(found, await discovery_repository.devices_of(session, facility_id))
            await self._attempts.keep(session, facility.reach, sets, (), told, now)
            row.found = as_json(told)
            row.progress = DiscoveryProgress(phase="done", hosts=len(found), asked=len(found)).model_dump(mode="json")
            row.status, row.ended_at = DiscoveryStatus.DONE, now
            session.add(row)
            await self._record(session, principal, row, "discovery.findings", sets)
        return row

    def _check(self, found: Sequence[Found], sets: int) -> None:
        faults = []
        seen: set[tuple[str, int]] = set()
        for place, finding in enumerate(found):
            where = f"/found/{place}"
            if not self._networks.permit_text(finding.address):
                detail = "lies outside the allowed camera networks; VONGGAC_CAMERA_NETWORKS names them"
                faults.append(Fault(f"{where}/address", detail))
            elif str(ip_address(finding.address)) != finding.address:
                faults.append(Fault(f"{where}/address", "is not written as usual"))
            if not 1 <= finding.port <= 65535:
                faults.append(Fault(f"{where}/port", "must be between 1 and 65535"))
            for channel, stream in ((c, s) for c in range(len(finding.channels)) for s in finding.channels[c].streams):
                if not 1 <= stream.port <= 65535:
                    faults.append(Fault(f"{where}/channels/{channel}/streams", "must have ports of 1 to 65535"))
            if finding.credential is not None and not 0 <= finding.credential < sets:
                faults.append(Fault(f"{where}/credential", "names a set that was not sent in `credentials`"))
            if (finding.address, finding.port) in seen:
                faults.append(Fault(where, "is there twice"))
            seen.add((finding.address, finding.port))
        if faults:
            raise FindingsRefused(faults[:50])

    async def discovery(self, scope: ProvinceScope, discovery_id: UUID) -> Discovery:
        """Raises DiscoveryNotFound."""
        async with self._transactions.read() as session:
            return found_row(await discovery_repository.discovery(session, scope, discovery_id))

    async def discoveries(
        self, scope: ProvinceScope, page: PageRequest, *, facility_id: UUID | None
    ) -> Page[Discovery]:
        async with self._transactions.read() as session:
            rows = await discovery_repository.discoveries(session, scope, page, facility_id=facility_id)
        return page_of(rows, page, lambda row: row.id)

    async def cancel(self, principal: PrincipalId, scope: ProvinceScope, discovery_id: UUID) -> Discovery:
        """End a search; its worker stops at its next report. One that has ended stays as it is."""
        async with self._transactions.write() as session:
            row = found_row(await discovery_repository.discovery(session, scope, discovery_id, locked=True))
            if row.status is DiscoveryStatus.RUNNING:
                row.status, row.ended_at = DiscoveryStatus.CANCELLED, await database_now(session)
                erase_unneeded(row)
                await self._record(session, principal, row, "discovery.cancel", ())
        return row

    async def tidy(self) -> None:
        """End what nobody runs, and erase what was kept long enough. Now and then, by any process."""
        async with self._transactions.write() as session:
            await tidy(session, await database_now(session))

    async def _record(
        self,
        session: AsyncSession,
        principal: PrincipalId,
        row: Discovery,
        action: str,
        credentials: Sequence[Credentials],
    ) -> None:
        details: dict[str, Any] = {"facility_id": str(row.facility_id), **row.targets, "credentials": len(credentials)}
        if row.kind is DiscoveryKind.FINDINGS:
            details["found"] = [f"{finding['address']}:{finding['port']}" for finding in row.found]
        await self._audit.record(
            session,
            principal_id=principal,
            action=action,
            subject=str(row.id),
            province_unit_id=row.facility.province_unit_id,
            details=details,
        )


def new_row(
    facility: Facility, kind: DiscoveryKind, targets: Targets, now: datetime, principal: PrincipalId | None
) -> Discovery:
    """A search that waits for a worker."""
    return Discovery(
        id=new_id(),
        facility_id=facility.id,
        facility=facility,
        principal_id=principal,
        kind=kind,
        targets=targets.as_json(),
        credentials=None,
        status=DiscoveryStatus.RUNNING,
        progress=DiscoveryProgress().model_dump(mode="json"),
        found=[],
        failure=None,
        worker_id=None,
        heartbeat_at=None,
        attempts=0,
        created_at=now,
        ended_at=None,
    )


async def tidy(session: AsyncSession, now: datetime) -> None:
    """End what nobody runs, and erase what was kept long enough."""
    silent_since = now - SILENT_AFTER
    for row in await discovery_repository.unattended(session, now - WAITS_AT_MOST, silent_since, ATTEMPTS_MAX):
        row.status, row.ended_at = DiscoveryStatus.FAILED, now
        row.failure = "workers_lost" if row.attempts >= ATTEMPTS_MAX else "nobody_came"
        erase_unneeded(row)
    await discovery_repository.forget(
        session, secrets=now - _KEEP_SECRETS, searches=now - _KEEP_SEARCHES, attempts=now - REMEMBERED
    )


def erase_unneeded(row: Discovery) -> None:
    """Forget the credentials of a search of the registry's own once it has ended: cameras have them anyway.

    Those that people gave are kept for a day, so that what was found can be adopted and the search repeated.
    """
    if row.status is not DiscoveryStatus.RUNNING and row.kind is DiscoveryKind.SEARCH:
        row.credentials = None


def findings_of(row: Discovery) -> Sequence[Found]:
    """What a search has found so far."""
    return FoundList.validate_python(row.found)


def found_row(row: Discovery | None) -> Discovery:
    """The row. Raises DiscoveryNotFound."""
    if row is None:
        raise DiscoveryNotFound
    return row


def _facility(facility: Facility | None) -> Facility:
    if facility is None:
        raise FacilityNotFound(faults=(Fault("/facility_id", "is not a facility within your provinces"),))
    return facility


def _numbered(credentials: Sequence[NewCredentials]) -> list[Credentials]:
    return [Credentials(username=one.username, password=one.password, version=1) for one in credentials]
