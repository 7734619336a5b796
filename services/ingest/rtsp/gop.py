"""The newest group of pictures of a stream, from its key frame on, so that a player that joins late starts at once."""

from services.ingest.rtsp.payload import KEY, PARAMETERS, SLICE
from services.ingest.rtsp.rtp import NEW_UNIT


class GopKeeper:
    """Keeps framed packets from the last key frame on, with the parameter sets sent just before it."""

    __slots__ = ("_began", "_in_key_unit", "_limit_bytes", "_packets", "_parameters_at", "_size", "_unit_at")

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._in_key_unit = False
        self.clear()

    def clear(self) -> None:
        """Forget all; the next key frame begins anew."""
        self._packets: list[bytes] = []
        self._size = 0
        self._unit_at = 0  # where the access unit at hand begins
        self._parameters_at: int | None = None  # where parameter sets begin that no picture has followed yet
        self._began = False  # whether the first packet kept leads to a key frame

    def packets(self) -> list[bytes]:
        """The group so far; empty while no key frame was seen, or when the group outgrew the limit."""
        return list(self._packets) if self._began else []

    def add(self, flags: int, packet: bytes) -> bool:
        """Keep a packet with the flags that ``TrackReceiver`` gave it. True when a key frame begins with it."""
        if flags & NEW_UNIT:
            self._in_key_unit = False
            self._unit_at = len(self._packets)
            if not self._began:
                self._drop_before(self._beginning())
        if flags & PARAMETERS and self._parameters_at is None:
            # Some cameras give parameter sets the timestamp of the picture before, some one of their own.
            self._parameters_at = len(self._packets)
        self._packets.append(packet)
        self._size += len(packet)
        begins = bool(flags & KEY) and not self._in_key_unit
        if begins:
            self._drop_before(self._beginning())
            self._in_key_unit = self._began = True
        if flags & SLICE:
            self._parameters_at = None
        if self._size > self._limit_bytes:
            self.clear()
            return False
        return begins

    def _beginning(self) -> int:
        return self._unit_at if self._parameters_at is None else min(self._unit_at, self._parameters_at)

    def _drop_before(self, index: int) -> None:
        if index:
            self._size -= sum(map(len, self._packets[:index]))
            del self._packets[:index]
            self._unit_at -= index
            if self._parameters_at is not None:
                self._parameters_at -= index
