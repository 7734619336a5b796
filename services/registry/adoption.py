"""Adoption: findings become devices and cameras, in one transaction, as often as it is asked for with one result."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from services.contracts.camera import REFUSALS_MAX, AuthOutcome, Credentials, OnvifSource
from services.contracts.discovery import Found, Refusal
from services.contracts.errors import Fault, Invalid
from services.contracts.ids import PrincipalId
from services.contracts.ladder import Reason
from services.contracts.messages import RosterChange
from services.contracts.scope import ProvinceScope
from services.contracts.zones import Zone
from services.registry import discovery_repository, repository
from services.registry.adopted_rows import Adopted, Rows
from services.registry.adoption_plan import Chosen, LeftOut, WantedDevice, Wish, choose, looked_closer
from services.registry.attempts import SearchAttempts
from services.registry.cameras import read_zone
from services.registry.credentials import CredentialVault
from services.registry.discoveries import Discoveries, findings_of, found_row
from services.registry.discovery_tables import Discovery, DiscoveryStatus
from services.registry.errors import CameraAlreadyRegistered, NotAdoptable
from services.registry.findings import recognised
from services.registry.found_channels import keys_of
from services.registry.identity import KnownDevice
from services.registry.moves import Mover, plan_moves
from services.registry.ports import AuditLog, InterrogationFailed, Interrogator
from services.registry.service import Registry
from services.registry.tables import Facility
from services.runtime.clock import Clock
from services.storage.database import AsyncSession, Transactions, violates

#: Most cameras that one adoption makes: one transaction, and a list that people can still read.
CAMERAS_MAX = 2048


@dataclass(frozen=True, slots=True)
class Adoption:
    """What became of it."""

    adopted: Sequence[Adopted]
    left_out: Sequence[LeftOut]


class Adoptions:
    """Turns chosen findings into devices and cameras."""

    def __init__(
        self,
        transactions: Transactions,
        registry: Registry,
        discoveries: Discoveries,
        vault: CredentialVault,
        audit: AuditLog,
        interrogator: Interrogator,
        clock: Clock,
    ) -> None:
        self._transactions = transactions
        self._registry = registry
        self._discoveries = discoveries
        self._vault = vault
        self._audit = audit
        self._interrogator = interrogator
        self._clock = clock
        self._attempts = SearchAttempts(vault)
        self._mover = Mover(audit)
        self._rows = Rows(vault, self._attempts)

    async def adopt(self, principal: PrincipalId, scope: ProvinceScope, discovery_id: UUID, wish: Wish) -> Adoption:
        """Adopt what is wished for. What was adopted before is given back as it is, with its ids.

        Raises DiscoveryNotFound, NotAmongFindings, ZoneForbidden, CameraAlreadyRegistered, or, for a device that was
        named, NotAdoptable; nothing is stored then. When all are wished for, those that cannot be are left out.
        """
        zones = _zones(wish)
        row = await self._discoveries.discovery(scope, discovery_id)
        found, failed = await self._look_closer(row, wish)
        chosen, left_out = choose(found, wish)
        left_out = [
            *failed,
            *(one for one in left_out if (one.address, one.port) not in {(f.address, f.port) for f in failed}),
        ]
        _require(wish, left_out)
        if sum(len(one.channels) for one in chosen) > CAMERAS_MAX:
            raise Invalid(f"One adoption makes {CAMERAS_MAX} cameras at most. Name some of the devices.")
        try:
            async with self._transactions.write() as session:
                row = found_row(await discovery_repository.discovery(session, scope, discovery_id, locked=True))
                facility = await repository.facility_locked(session, scope, row.facility_id)
                assert facility is not None  # noqa: S101 - the search goes with its facility
                adopted, more = await self._store(session, principal, facility, row, chosen, zones)
                _require(wish, more)
                left_out += more
                await self._erase_unneeded(session, facility, row)
        except IntegrityError as error:
            if violates(error, "uq_camera_source_key", "camera.source_key", "uq_device_facility_id_protocol"):
                raise CameraAlreadyRegistered from error
            raise
        if any(one.created or any(camera.created for camera in one.cameras) for one in adopted):
            await self._registry.nudge(facility.id, RosterChange.CAMERA_REGISTERED)
        return Adoption(adopted, left_out)

    async def _store(
        self,
        session: AsyncSession,
        principal: PrincipalId,
        facility: Facility,
        row: Discovery,
        chosen: Sequence[Chosen],
        zones: dict[tuple[str, int, str], Zone],
    ) -> tuple[list[Adopted], list[LeftOut]]:
        now = self._clock.now()
        await self._move(session, principal, facility, chosen, now)
        sets = self._vault.unseal(row)
        batch = await self._rows.batch(session, facility, chosen)
        adopted: list[Adopted] = []
        left_out: list[LeftOut] = []
        for one in chosen:
            made, without = await self._rows.adopt(session, batch, one, _accepted(one, sets), zones, now)
            left_out += without
            if made is None:
                continue
            adopted.append(made)
            for camera in made.cameras:
                if camera.created:
                    await self._audit.record(
                        session,
                        principal_id=principal,
                        action="camera.register",
                        subject=str(camera.row.id),
                        province_unit_id=facility.province_unit_id,
                        details={
                            "facility_id": str(facility.id),
                            "credentials": camera.row.credential is not None,
                            "discovery_id": str(row.id),
                        },
                    )
        await self._audit.record(
            session,
            principal_id=principal,
            action="discovery.adopt",
            subject=str(row.id),
            province_unit_id=facility.province_unit_id,
            details={
                "facility_id": str(facility.id),
                "devices": [str(one.device.id) for one in adopted],
                "cameras": sum(camera.created for one in adopted for camera in one.cameras),
                "left_out": len(left_out),
            },
        )
        return adopted, left_out

    async def _move(
        self, session: AsyncSession, principal: PrincipalId, facility: Facility, chosen: Sequence[Chosen], now: datetime
    ) -> None:
        """Whoever adopts a device that is registered at another address says that it has moved here."""
        devices = await discovery_repository.devices_of(session, facility.id)
        found, known = recognised([one.finding for one in chosen], devices)
        moves = plan_moves(found, known, [KnownDevice.of(device) for device in devices], None)
        if moves:
            await self._mover.carry_out(session, facility, moves, now, principal)

    async def _look_closer(self, row: Discovery, wish: Wish) -> tuple[list[Found], list[LeftOut]]:
        """Ask devices for which somebody now gives credentials that the search had not. Not within a transaction."""
        found = list(findings_of(row))
        failed: list[LeftOut] = []
        places = {(finding.address, finding.port): place for place, finding in enumerate(found)}
        for number, wanted in enumerate(wish.devices or ()):
            place = places.get((wanted.address, wanted.port))
            if place is None or wanted.credentials is None or found[place].channels or found[place].protocol != "onvif":
                continue
            try:
                found[place] = await self._ask(row.facility, found[place], wanted)
            except InterrogationFailed as failure:
                failed.append(
                    LeftOut(wanted.address, wanted.port, failure.reason, pointer=f"/devices/{number}/credentials")
                )
        return found, failed

    async def _ask(self, facility: Facility, finding: Found, wanted: WantedDevice) -> Found:
        assert wanted.credentials is not None  # noqa: S101 - the caller looked
        credentials = Credentials(username=wanted.credentials.username, password=wanted.credentials.password, version=1)
        async with self._transactions.read() as session:
            if await self._attempts.spent(session, facility.reach, finding.address, credentials, REFUSALS_MAX):
                raise InterrogationFailed(Reason.AUTH_FAILED)
        source = OnvifSource(
            address=finding.address,
            port=finding.port,
            tls=finding.tls,
            certificate=finding.certificate,
            **({"path": finding.service_path} if finding.service_path else {}),
        )
        outcome: AuthOutcome | None = AuthOutcome.ACCEPTED
        try:
            told = await self._interrogator.interrogate(facility.reach, source, credentials, every_channel=True)
        except InterrogationFailed as failure:
            outcome = failure.auth
            raise
        finally:
            if outcome is not None:
                await self._judged(facility.reach, finding, credentials, outcome)
        return looked_closer(finding, told)

    async def _judged(self, reach: str, finding: Found, credentials: Credentials, outcome: AuthOutcome) -> None:
        """Count it with what searches learned."""
        accepted = outcome is AuthOutcome.ACCEPTED
        refusal = Refusal(credential=0, count=1, locked_out=outcome is AuthOutcome.LOCKED_OUT)
        told = finding.model_copy(
            update={"credential": 0 if accepted else None, "refusals": () if accepted else (refusal,)}
        )
        async with self._transactions.write() as session:
            await self._attempts.keep(session, reach, [credentials], (), [told], self._clock.now())

    async def _erase_unneeded(self, session: AsyncSession, facility: Facility, row: Discovery) -> None:
        """Forget the credentials of a search that has ended when nothing is left there to be adopted."""
        if row.credentials is None or row.status is DiscoveryStatus.RUNNING:
            return
        chosen, _ = choose(findings_of(row), Wish())
        wanted = [keys_of(facility.reach, one.finding, channel) for one in chosen for channel, _ in one.channels]
        known = await discovery_repository.cameras_by_key(session, [key for keys in wanted for key in keys])
        if all(any(key in known for key in keys) for keys in wanted):
            row.credentials = None


def _accepted(one: Chosen, sets: Sequence[Credentials]) -> tuple[Credentials | None, bool]:
    """The credentials of a device, and whether it has accepted them."""
    given, place = one.wanted.credentials, one.finding.credential
    if given is not None:
        return Credentials(username=given.username, password=given.password, version=1), False
    return (sets[place], True) if place is not None and place < len(sets) else (None, False)


def _zones(wish: Wish) -> dict[tuple[str, int, str], Zone]:
    """By address, port and channel key, or with empty ones by default. Raises ZoneForbidden or Invalid."""
    usual = read_zone(wish.zone) if wish.zone is not None else Zone.OTHER_PUBLIC
    zones = {("", 0, ""): usual}
    for place, device in enumerate(wish.devices or ()):
        for number, channel in enumerate(device.channels or ()):
            if channel.zone is not None:
                zone = read_zone(channel.zone, f"/devices/{place}/channels/{number}/zone")
                zones[device.address, device.port, channel.key] = zone
    return zones


def _require(wish: Wish, left_out: Sequence[LeftOut]) -> None:
    """Raises NotAdoptable when something that was named cannot be adopted."""
    if wish.devices is None or not left_out:
        return
    faults = [Fault(one.pointer, f"{one.address} port {one.port}: {one.advice.en}") for one in left_out]
    raise NotAdoptable(faults, [left_out_json(one) for one in left_out])


def left_out_json(one: LeftOut) -> dict[str, object]:
    """As the API tells it."""
    return {
        "address": one.address,
        "port": one.port,
        "channel": one.channel,
        "reason": str(one.reason),
        "advice": {"en": one.advice.en, "vi": one.advice.vi},
    }
