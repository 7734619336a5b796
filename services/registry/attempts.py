"""What hosts said to credentials in searches, so that however often somebody searches, two refusals are the most."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.contracts.camera import AuthOutcome, Credentials
from services.contracts.discovery import Found, RefusedBefore
from services.registry import discovery_repository, interrogations, repository
from services.registry.credentials import CredentialVault
from services.registry.discovery_tables import DiscoveryAttempt
from services.registry.tables import AuthAttempt
from services.registry.targets import Targets
from services.storage.database import AsyncSession

#: How long a refusal at an address is remembered. Longer, and another device may have the address by now.
REMEMBERED = timedelta(days=30)


class SearchAttempts:
    """Remembers and gives back. Passwords are known here by their keyed fingerprints only."""

    def __init__(self, vault: CredentialVault) -> None:
        self._vault = vault

    async def refused(
        self,
        session: AsyncSession,
        reach: str,
        facility_id: UUID,
        credentials: Sequence[Credentials],
        targets: Targets,
        now: datetime,
    ) -> tuple[RefusedBefore, ...]:
        """What hosts of this reach, and registered devices of this facility, said to these sets before."""
        before: dict[tuple[str, int], RefusedBefore] = {}

        def note(address: str, credential: int, attempt: DiscoveryAttempt | AuthAttempt) -> None:
            told = RefusedBefore(
                address=address,
                credential=credential,
                refusals=attempt.refusals,
                locked_out=attempt.locked_out,
                at=attempt.at,
            )
            known = before.get((address, credential))
            if known is None or (told.locked_out, told.refusals) > (known.locked_out, known.refusals):
                before[address, credential] = told

        for attempt in await discovery_repository.attempts(session, reach, now - REMEMBERED):
            if not (targets.multicast or targets.cover(attempt.address)):
                continue
            for place, one in enumerate(credentials):
                if attempt.fingerprint == self._vault.fingerprint_at(reach, attempt.address, one):
                    note(attempt.address, place, attempt)
        for address, judged in await discovery_repository.device_attempts(session, facility_id):
            for place, one in enumerate(credentials):
                if judged.fingerprint == self._of_device(judged.device_id, one):
                    note(address, place, judged)
        return tuple(before.values())

    async def keep(
        self,
        session: AsyncSession,
        reach: str,
        credentials: Sequence[Credentials],
        earlier: Sequence[Found],
        found: Sequence[Found],
        now: datetime,
    ) -> None:
        """Count what is new in a report. ``earlier`` is the report before it: each says all that was so far."""
        counted = _refusals(earlier)
        devices = {finding.address: finding.known_device_id for finding in found}
        for (address, place), (count, locked_out) in sorted(_refusals(found).items()):
            new = count - counted.get((address, place), (0, False))[0]
            if new <= 0 or place >= len(credentials):
                continue
            fingerprint = self._vault.fingerprint_at(reach, address, credentials[place])
            row = await discovery_repository.attempt_for_update(session, reach, address, fingerprint, now)
            row.refusals, row.locked_out, row.at = row.refusals + new, locked_out, now
            device_id = devices.get(address)
            if device_id is not None:
                outcome = AuthOutcome.LOCKED_OUT if locked_out else AuthOutcome.REFUSED
                known = self._of_device(device_id, credentials[place])
                await interrogations.remember_auth(session, device_id, known, outcome, now, times=new)
        accepted_before = {(finding.address, finding.credential) for finding in earlier}
        for finding in found:
            accepted = finding.credential
            if accepted is None or accepted >= len(credentials) or (finding.address, accepted) in accepted_before:
                continue
            fingerprint = self._vault.fingerprint_at(reach, finding.address, credentials[accepted])
            forgiven = await discovery_repository.attempt(session, reach, finding.address, fingerprint)
            if forgiven is not None:
                forgiven.refusals, forgiven.locked_out, forgiven.at = 0, False, now
            if finding.known_device_id is not None:
                known = self._of_device(finding.known_device_id, credentials[accepted])
                await interrogations.remember_auth(session, finding.known_device_id, known, AuthOutcome.ACCEPTED, now)

    async def carry_over(
        self, session: AsyncSession, reach: str, address: str, device_id: UUID, username: str, password: str
    ) -> None:
        """What a host refused in searches counts for the device that it has become."""
        credentials = Credentials(username=username, password=password, version=1)
        fingerprint = self._vault.fingerprint_at(reach, address, credentials)
        row = await discovery_repository.attempt(session, reach, address, fingerprint)
        known = self._of_device(device_id, credentials)
        if row is None or not row.refusals or await repository.auth_attempt(session, device_id, known) is not None:
            return
        session.add(
            AuthAttempt(
                device_id=device_id, fingerprint=known, refusals=row.refusals, locked_out=row.locked_out, at=row.at
            )
        )

    async def spent(
        self, session: AsyncSession, reach: str, address: str, credentials: Credentials, limit: int
    ) -> bool:
        """Whether a host has refused these so often in searches that they are not to be tried any more."""
        fingerprint = self._vault.fingerprint_at(reach, address, credentials)
        row = await discovery_repository.attempt(session, reach, address, fingerprint)
        return row is not None and (row.refusals >= limit or row.locked_out)

    def _of_device(self, device_id: UUID, credentials: Credentials) -> str:
        return self._vault.fingerprint(device_id, credentials.username, credentials.password)


def _refusals(found: Sequence[Found]) -> dict[tuple[str, int], tuple[int, bool]]:
    """By address and set: how often it was refused, and whether the account is locked."""
    told: dict[tuple[str, int], tuple[int, bool]] = {}
    for finding in found:
        for refusal in finding.refusals:
            count, locked_out = told.get((finding.address, refusal.credential), (0, False))
            told[finding.address, refusal.credential] = count + refusal.count, locked_out or refusal.locked_out
    return told
