"""The protocol between the host and its media processes: frames of a JSON header and a binary blob.

A frame is two big-endian lengths of four bytes, the header, the blob. Both lengths are bounded, so that neither side
can be made to reserve memory by the other. Requests are ``probe``, ``decode``, ``mux``, ``cancel`` and ``ping``; the
blob of ``decode`` is the extradata and then the units, whose lengths its header gives. Every event carries the ``id`` of its request, and ``freed`` says that the thread of a request is available again.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

HEADER_MAX_BYTES = 64 * 1024
BLOB_MAX_BYTES = 48 * 1024 * 1024

LENGTHS = struct.Struct(">II")


class WireError(Exception):
    """The other side does not keep to the protocol."""


class Frame(NamedTuple):
    """One message: ``header`` has string keys, ``blob`` may be empty."""

    header: dict[str, Any]
    blob: bytes = b""


class UnitPlan(NamedTuple):
    """How one unit stands in the blob of ``decode``."""

    size: int
    key: bool
    arrived_at: float


def encode(header: Mapping[str, Any], blob: bytes = b"") -> bytes:
    """The bytes of a frame."""
    text = json.dumps(header, separators=(",", ":")).encode()
    if len(text) > HEADER_MAX_BYTES or len(blob) > BLOB_MAX_BYTES:
        raise WireError(f"a frame of {len(text)} + {len(blob)} bytes is too large to send")
    return LENGTHS.pack(len(text), len(blob)) + text + blob


def lengths(prefix: bytes) -> tuple[int, int]:
    """The lengths of header and blob from the first ``LENGTHS.size`` bytes of a frame. Raises WireError."""
    header_bytes, blob_bytes = LENGTHS.unpack(prefix)
    if header_bytes > HEADER_MAX_BYTES or blob_bytes > BLOB_MAX_BYTES:
        raise WireError(f"a frame of {header_bytes} + {blob_bytes} bytes is announced")
    return header_bytes, blob_bytes


def header_of(text: bytes) -> dict[str, Any]:
    """Parse a header. Raises WireError."""
    try:
        header = json.loads(text)
    except ValueError as error:
        raise WireError("a header is not JSON") from error
    if not isinstance(header, dict):
        raise WireError("a header is not an object")
    return header


class FrameBuffer:
    """Takes bytes as they come and gives whole frames."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames completed by these bytes. Raises WireError."""
        self._bytes += data
        while len(self._bytes) >= LENGTHS.size:
            header_bytes, blob_bytes = lengths(bytes(self._bytes[: LENGTHS.size]))
            end = LENGTHS.size + header_bytes + blob_bytes
            if len(self._bytes) < end:
                return
            blob_at = LENGTHS.size + header_bytes
            frame = Frame(header_of(bytes(self._bytes[LENGTHS.size : blob_at])), bytes(self._bytes[blob_at:end]))
            del self._bytes[:end]
            yield frame
