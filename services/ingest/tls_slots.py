"""How many cameras inside TLS one worker watches at the same time."""

from services.contracts.errors import Unavailable


class TlsSlots:
    """Sessions inside TLS of one worker. They are decrypted as bytes come, and each keeps buffers of its own."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.taken = 0

    def take(self) -> None:
        """Raises Unavailable when all are taken: ours is the lack, and nothing is known of the camera."""
        if self.taken >= self._most:
            raise Unavailable(f"All {self._most} sessions inside TLS of this worker are taken: start another worker.")
        self.taken += 1

    def give_back(self) -> None:
        """One is free again."""
        self.taken -= 1
