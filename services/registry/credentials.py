"""Camera credentials: encrypted, bound to their row, readable only on their way to a worker that holds the lease."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter

from services.contracts.camera import Credentials
from services.registry.discovery_tables import CredentialSet, Discovery
from services.registry.tables import Camera, Credential
from services.storage.cipher import KeyRing

_SEALED = TypeAdapter(tuple[Credentials, ...])


class CredentialVault:
    """Turns user name and password into a row and back."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def enter(self, camera: Camera, username: str, password: str, now: datetime) -> None:
        """Set a camera's credentials; the version grows."""
        version = camera.credential.version + 1 if camera.credential is not None else 1
        row = camera.credential or Credential(camera_id=camera.id)
        row.username = self._keys.encrypt(username, _row(camera.id, "username"))
        row.password = self._keys.encrypt(password, _row(camera.id, "password"))
        row.key_id = row.password.split(".")[1]
        row.version = version
        row.fingerprint = self.fingerprint(camera.device_id, username, password)
        row.updated_at = now
        camera.credential = row

    def reveal(self, camera: Camera) -> Credentials | None:
        """The credentials in clear. For the worker that holds the lease, and for nobody else."""
        row = camera.credential
        if row is None:
            return None
        return Credentials(
            username=self._keys.decrypt(row.username, _row(camera.id, "username")),
            password=self._keys.decrypt(row.password, _row(camera.id, "password")),
            version=row.version,
        )

    def fingerprint(self, device_id: UUID, username: str, password: str) -> str:
        """Equal for equal credentials of one device, so that 16 channels share one budget of attempts."""
        return self._keys.fingerprint(str(device_id), username, password)

    def fingerprint_at(self, reach: str, address: str, credentials: Credentials) -> str:
        """Equal for equal credentials at one address, before a device is known there."""
        return self._keys.fingerprint(reach, address, credentials.username, credentials.password)

    def enter_set(self, row: CredentialSet, username: str, password: str) -> None:
        """Set user name and password of a site's set. The row has its id."""
        row.username = self._keys.encrypt(username, f"credential_set:{row.id}:username")
        row.password = self._keys.encrypt(password, f"credential_set:{row.id}:password")
        row.key_id = row.password.split(".")[1]

    def reveal_set(self, row: CredentialSet) -> Credentials:
        """A site's set in clear, for a search."""
        return Credentials(
            username=self._keys.decrypt(row.username, f"credential_set:{row.id}:username"),
            password=self._keys.decrypt(row.password, f"credential_set:{row.id}:password"),
            version=row.version,
        )

    def seal(self, discovery_id: UUID, credentials: Sequence[Credentials]) -> str | None:
        """Credentials of a search, for its row; None without any."""
        if not credentials:
            return None
        return self._keys.encrypt(_SEALED.dump_json(tuple(credentials)).decode(), f"discovery:{discovery_id}")

    def unseal(self, row: Discovery) -> tuple[Credentials, ...]:
        """Credentials of a search in clear: on their way to the worker that runs it, or to cameras adopted from it."""
        if row.credentials is None:
            return ()
        return _SEALED.validate_json(self._keys.decrypt(row.credentials, f"discovery:{row.id}"))


def _row(camera_id: UUID, field: str) -> str:
    return f"credential:{camera_id}:{field}"
