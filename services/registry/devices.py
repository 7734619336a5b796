"""What people do with a registered device: its credentials, its clock, its factory password, its identity."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.contracts.camera import REFUSALS_MAX, AuthOutcome, Credentials, Evidence
from services.contracts.errors import Unavailable
from services.contracts.ids import PrincipalId
from services.contracts.ladder import Reason
from services.contracts.messages import RosterChange
from services.contracts.scope import ProvinceScope
from services.contracts.worker_endpoint import ClockSet
from services.registry import discovery_repository, identity, interrogations, repository
from services.registry.credentials import CredentialVault
from services.registry.discovery_tables import DeviceChange
from services.registry.errors import (
    BudgetSpent,
    DeviceNotFound,
    DeviceRefused,
    IdentityUndecided,
    NotAnOnvifDevice,
)
from services.registry.factory_passwords import factory_passwords
from services.registry.leases import onvif_source
from services.registry.locator import NewCredentials
from services.registry.ports import AuditLog, InterrogationFailed, Interrogator
from services.registry.service import Registry
from services.registry.tables import Device, Facility, Protocol
from services.runtime.clock import Clock
from services.storage.database import AsyncSession, Transactions
from services.storage.paging import Page, PageRequest, page_of

#: Refusals older than this are forgiven when the same credentials are entered again.
FORGIVE_AFTER = timedelta(minutes=5)
#: A device that refused something so lately is not tried with factory passwords: a third wrong one may lock it.
_REST_AFTER_REFUSAL = timedelta(minutes=60)


@dataclass(frozen=True, slots=True)
class FactoryPasswordChecked:
    """What a check for factory passwords found. ``accepts`` None: not known; ``tried``: how many were tried."""

    accepts: bool | None
    tried: int
    at: datetime


@dataclass(frozen=True, slots=True)
class _Asked:
    """A device that is to be asked something, and how to sign in to it."""

    device: Device
    facility: Facility
    credentials: Credentials | None
    fingerprint: str


class Devices:
    """Acts on devices as wholes: all their cameras at once."""

    def __init__(
        self,
        transactions: Transactions,
        registry: Registry,
        vault: CredentialVault,
        audit: AuditLog,
        interrogator: Interrogator,
        clock: Clock,
    ) -> None:
        self._transactions = transactions
        self._registry = registry
        self._vault = vault
        self._audit = audit
        self._interrogator = interrogator
        self._clock = clock

    async def enter_credentials(
        self, principal: PrincipalId, scope: ProvinceScope, device_id: UUID, credentials: NewCredentials
    ) -> None:
        """Set the credentials of all cameras of a device. Waiting workers try them at once."""
        async with self._transactions.write() as session:
            device, facility = await self._found(session, scope, device_id)
            now = self._clock.now()
            for camera in await discovery_repository.cameras_of(session, [device_id]):
                self._vault.enter(camera, credentials.username, credentials.password, now)
                camera.watch_version += 1
                camera.version += 1
                camera.updated_at = now
            fingerprint = self._vault.fingerprint(device_id, credentials.username, credentials.password)
            await forgive(session, device_id, fingerprint, now)
            if device.factory_password:
                device.factory_password = None  # the new one is not known to be a factory password
            await self._record(session, principal, "device.credentials", device_id, facility)
        await self._registry.nudge(facility.id, RosterChange.CREDENTIALS_CHANGED)

    async def set_clock(self, principal: PrincipalId, scope: ProvinceScope, device_id: UUID) -> ClockSet:
        """Set a device's clock to ours, through a worker.

        Raises NotAnOnvifDevice, BudgetSpent (its credentials are refused), DeviceRefused, or Unavailable when no worker
        gets there.
        """
        asked = await self._asked(scope, device_id)
        outcome = AuthOutcome.ACCEPTED if asked.credentials is not None else None
        try:
            told = await self._interrogator.set_clock(
                asked.facility.reach, onvif_source(asked.device), asked.credentials
            )
        except InterrogationFailed as failure:
            await self._judged(asked, failure.auth)
            raise refusal(failure) from failure
        async with self._transactions.write() as session:
            device, facility = await self._found(session, scope, device_id)
            if told.offset_after_s is not None:
                device.clock_offset_s = told.offset_after_s
            if outcome is not None:
                await interrogations.remember_auth(session, device_id, asked.fingerprint, outcome, self._clock.now())
            details = told.model_dump(mode="json")
            await self._record(session, principal, "device.clock", device_id, facility, details)
        return told

    async def check_factory_password(
        self, principal: PrincipalId, scope: ProvinceScope, device_id: UUID
    ) -> FactoryPasswordChecked:
        """Try the factory passwords of a device's maker, two at most, because its owner asks for it.

        Raises NotAnOnvifDevice, BudgetSpent (something was refused within the hour), or Unavailable.
        """
        asked = await self._asked(scope, device_id, signing_in=False)
        known = factory_passwords(asked.device.maker)
        tries = [Credentials(username=one.username, password=one.password, version=1) for one in known]
        await self._require_rest(device_id, tries)
        accepts: bool | None = None
        tried = 0
        for one in tries:
            if asked.credentials is not None and (one.username, one.password) == (
                asked.credentials.username,
                asked.credentials.password,
            ):
                accepts = True  # it is the password that we use ourselves
                break
            await self._note_trial(principal, device_id, asked.facility)
            outcome = await self._try(asked, one)
            tried += 1
            if outcome is AuthOutcome.ACCEPTED:
                accepts = True
                break
            if outcome is not AuthOutcome.REFUSED:  # it locks us out, or lets anybody in: nothing is known
                accepts = None
                break
            accepts = False
        now = self._clock.now()
        async with self._transactions.write() as session:
            device, facility = await self._found(session, scope, device_id)
            changed = device.factory_password != accepts
            device.factory_password, device.factory_password_at = accepts, now
            if changed:
                await repository.retell_cameras(session, device_id)
            details: dict[str, object] = {"accepts": accepts, "tried": tried}
            await self._record(session, principal, "device.factory_password", device_id, facility, details)
        if changed:
            await self._registry.nudge(facility.id, RosterChange.CAMERA_CHANGED)
        return FactoryPasswordChecked(accepts, tried, now)

    async def _try(self, asked: _Asked, credentials: Credentials) -> AuthOutcome | None:
        source = onvif_source(asked.device)
        try:
            outcome = await self._interrogator.try_sign_in(asked.facility.reach, source, credentials)
        except InterrogationFailed as failure:
            if failure.auth is None:
                raise refusal(failure) from failure
            outcome = failure.auth
        if outcome is not None:
            fingerprint = self._vault.fingerprint(asked.device.id, credentials.username, credentials.password)
            async with self._transactions.write() as session:
                await interrogations.remember_auth(session, asked.device.id, fingerprint, outcome, self._clock.now())
        return outcome

    async def _require_rest(self, device_id: UUID, tries: Sequence[Credentials]) -> None:
        since = self._clock.now() - _REST_AFTER_REFUSAL
        async with self._transactions.read() as session:
            for one in tries:
                fingerprint = self._vault.fingerprint(device_id, one.username, one.password)
                attempt = await repository.auth_attempt(session, device_id, fingerprint)
                if attempt is not None and (attempt.refusals or attempt.locked_out) and attempt.at > since:
                    raise BudgetSpent
            if await repository.refused_since(session, device_id, since):
                raise BudgetSpent

    async def _note_trial(self, principal: PrincipalId, device_id: UUID, facility: Facility) -> None:
        """Before it is done: what is tried at somebody's device is audited even if we end in the middle of it."""
        async with self._transactions.write() as session:
            await self._record(session, principal, "device.factory_password.try", device_id, facility)

    async def decide_identity(
        self, principal: PrincipalId, scope: ProvinceScope, device_id: UUID, *, accept: bool
    ) -> Device:
        """``accept``: what stands there now is this device from now on. Otherwise the conflict is put aside.

        Raises IdentityUndecided when another registered device has the address.
        """
        async with self._transactions.write() as session:
            device, facility = await self._found(session, scope, device_id)
            conflict = device.conflict
            if accept and conflict is not None and conflict["kind"] == "address_taken":
                raise IdentityUndecided
            if accept:
                now = self._clock.now()
                seen = Evidence.model_validate(conflict["seen"]) if conflict is not None else None
                was, is_now = identity.become(device, seen, now)
                session.add(DeviceChange(device_id=device_id, at=now, field="identity", was=was, now=is_now))
            device.conflict = None
            await repository.retell_cameras(session, device_id)
            await self._record(session, principal, "device.identity", device_id, facility, {"accept": accept})
        await self._registry.nudge(facility.id, RosterChange.CAMERA_CHANGED)
        return device

    async def changes(self, scope: ProvinceScope, device_id: UUID, page: PageRequest) -> Page[DeviceChange]:
        """What became another thing, in order of time. Raises DeviceNotFound."""
        async with self._transactions.read() as session:
            await self._found(session, scope, device_id)
            rows = await discovery_repository.changes(session, device_id, page)
        return page_of(rows, page, lambda row: row.id)

    async def acknowledge_changes(self, principal: PrincipalId, scope: ProvinceScope, device_id: UUID) -> int:
        """Say that all changes so far are well; how many that were."""
        async with self._transactions.write() as session:
            _, facility = await self._found(session, scope, device_id)
            rows = await discovery_repository.unacknowledged(session, device_id)
            now = self._clock.now()
            for row in rows:
                row.acknowledged_at, row.acknowledged_by = now, principal
            if rows:
                await repository.retell_cameras(session, device_id)
                details: dict[str, object] = {"changes": len(rows)}
                await self._record(session, principal, "device.acknowledge", device_id, facility, details)
        if rows:
            await self._registry.nudge(facility.id, RosterChange.CAMERA_CHANGED)
        return len(rows)

    async def _asked(self, scope: ProvinceScope, device_id: UUID, *, signing_in: bool = True) -> _Asked:
        async with self._transactions.read() as session:
            device, facility = await self._found(session, scope, device_id)
            if device.protocol is not Protocol.ONVIF:
                raise NotAnOnvifDevice
            cameras = await discovery_repository.cameras_of(session, [device_id])
            camera = next((camera for camera in cameras if camera.credential is not None), None)
            fingerprint = camera.credential.fingerprint if camera is not None and camera.credential else ""
            attempt = await repository.auth_attempt(session, device_id, fingerprint)
        if signing_in and attempt is not None and (attempt.refusals >= REFUSALS_MAX or attempt.locked_out):
            raise BudgetSpent
        return _Asked(device, facility, self._vault.reveal(camera) if camera is not None else None, fingerprint)

    async def _judged(self, asked: _Asked, outcome: AuthOutcome | None) -> None:
        if outcome is None:
            return
        async with self._transactions.write() as session:
            now = self._clock.now()
            await interrogations.remember_auth(session, asked.device.id, asked.fingerprint, outcome, now)

    async def _found(self, session: AsyncSession, scope: ProvinceScope, device_id: UUID) -> tuple[Device, Facility]:
        device = await repository.device(session, scope, device_id)
        facility = await repository.facility(session, scope, device.facility_id) if device is not None else None
        if device is None or facility is None:
            raise DeviceNotFound
        return device, facility

    async def _record(
        self,
        session: AsyncSession,
        principal: PrincipalId,
        action: str,
        device_id: UUID,
        facility: Facility,
        details: dict[str, object] | None = None,
    ) -> None:
        await self._audit.record(
            session,
            principal_id=principal,
            action=action,
            subject=str(device_id),
            province_unit_id=facility.province_unit_id,
            details=details,
        )


async def forgive(session: AsyncSession, device_id: UUID, fingerprint: str, now: datetime) -> None:
    """Credentials that were refused a while ago and are typed again deserve new attempts.

    Not those refused just now: whoever enters one wrong password for sixteen channels would lock the recorder.
    """
    attempt = await repository.auth_attempt(session, device_id, fingerprint)
    if attempt is not None and now - attempt.at > FORGIVE_AFTER:
        await session.delete(attempt)


def refusal(failure: InterrogationFailed) -> DeviceRefused | Unavailable:
    """The failure of a device, or of the way to it, as people are told."""
    if failure.reason in {Reason.NOT_WATCHED, Reason.WORKER_LOST}:
        return Unavailable("No ingest worker that gets to this device answers now. Try again shortly.")
    advice = failure.reason.advice
    return DeviceRefused(failure.reason, advice.en, advice.vi)
