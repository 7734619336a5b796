"""One byte stream that carries both RTSP messages and interleaved binary frames (RFC 2326 section 10.12), taken apart.

The demultiplexer owns no buffer: it hops over the caller's, from header to header, and says how far it got.
"""

from collections.abc import Callable
from typing import TypeAlias

from services.ingest.rtsp.errors import RtspProtocolError
from services.ingest.rtsp.messages import METHODS, Message, parse_message

#: Called with the buffer, the channel, and where the payload begins and ends in the buffer. Valid during the call only.
OnFrame: TypeAlias = Callable[[bytearray, int, int, int], None]
OnMessage: TypeAlias = Callable[[Message], None]

FRAME_HEADER_BYTES = 4
MAX_FRAME_BYTES = FRAME_HEADER_BYTES + 0xFFFF

#: Bytes that belong to nothing: some cameras send blank lines, or a body longer than they say. Beyond this it is noise.
MAX_JUNK_BYTES = 64 * 1024
#: So many frames and messages in a row, without junk between them, make earlier junk forgotten.
_FORGIVEN_AFTER = 1000

_DOLLAR = 0x24
_BLANK = frozenset(b"\r\n")
_MESSAGE_STARTS = (b"RTSP/", *(f"{method} ".encode() for method in METHODS))
_FIRST_BYTES = frozenset(start[0] for start in _MESSAGE_STARTS)
_LONGEST_START = max(map(len, _MESSAGE_STARTS))


class Demultiplexer:
    """Hands out frames and messages in their order. ``channels`` are those that carry media for us."""

    def __init__(self, on_frame: OnFrame, on_message: OnMessage) -> None:
        self._on_frame = on_frame
        self._on_message = on_message
        self.channels: frozenset[int] = frozenset({0, 1})
        self._spoke = False  # whether a first message was understood
        self._lost = False  # whether we are looking for the next beginning
        self._junk = 0
        self._clean = 0
        self._needed = 0  # bytes of the message at hand below which another try is in vain

    def consume(self, buffer: bytearray, start: int, end: int) -> int:
        """Hand out all that is whole in ``buffer[start:end]`` and return where the incomplete rest begins.

        The rest must be offered again, from its first byte on, with more behind it; it never exceeds
        ``max(MAX_FRAME_BYTES, MAX_MESSAGE_BYTES)``. Raises RtspProtocolError, after which it must not be used again;
        what the callbacks raise passes through.
        """
        position = start
        on_frame = self._on_frame
        whole = 0
        while position < end:
            if buffer[position] == _DOLLAR and not self._lost:
                if end - position < FRAME_HEADER_BYTES:
                    break
                payload = position + FRAME_HEADER_BYTES
                after = payload + (buffer[position + 2] << 8) + buffer[position + 3]
                if after > end:
                    break
                whole += 1
                on_frame(buffer, buffer[position + 1], payload, after)
                position = after
            elif (after := self._other(buffer, position, end)) == position:
                break
            else:
                position = after
        self._forgive(whole)
        return position

    def _other(self, buffer: bytearray, position: int, end: int) -> int:
        """Take a message or pass over junk; return the new position, the same one to wait for more."""
        found = self._find_beginning(buffer, position, end)
        if found > position:
            self._count_junk(buffer, position, found)
            return found
        if end - position < self._needed:
            return position
        if self._lost:
            if not self._is_certain(buffer, position, end):
                return position
            self._lost = False
            if buffer[position] == _DOLLAR:
                # The caller's loop takes the frame: it is not lost any more.
                return self._frame(buffer, position, end)
        elif not self._is_certain(buffer, position, end):
            return position
        taken = parse_message(buffer, position, end)
        if isinstance(taken, int):
            self._needed = taken
            return position
        message, after = taken
        self._needed = 0
        self._spoke = True
        self._forgive(1)
        self._on_message(message)
        return after

    def _frame(self, buffer: bytearray, position: int, end: int) -> int:
        payload = position + FRAME_HEADER_BYTES
        after = payload + (buffer[position + 2] << 8) + buffer[position + 3]
        if after > end:
            return position
        self._forgive(1)
        self._on_frame(buffer, buffer[position + 1], payload, after)
        return after

    def _find_beginning(self, buffer: bytearray, position: int, end: int) -> int:
        """The first position from here on at which a message (or, once lost, a frame) begins or may begin."""
        while position < end and not self._may_begin(buffer, position, end):
            position += 1
        return position

    def _may_begin(self, buffer: bytearray, position: int, end: int) -> bool:
        first = buffer[position]
        if first == _DOLLAR:
            # Only asked when lost: a dollar in the middle of junk is believed when a media packet seems to follow it.
            return (
                (end - position < 2 or buffer[position + 1] in self.channels)
                and (end - position < 4 or buffer[position + 2 : position + 4] >= b"\x00\x08")
                and (end - position < 5 or buffer[position + 4] >> 6 == 2)
            )
        if first not in _FIRST_BYTES:
            return False
        head = bytes(buffer[position : min(end, position + _LONGEST_START)])
        return any(head.startswith(start) or start.startswith(head) for start in _MESSAGE_STARTS)

    def _is_certain(self, buffer: bytearray, position: int, end: int) -> bool:
        """Whether enough is here to know that something really begins at this position, where it may begin."""
        if buffer[position] == _DOLLAR:
            return end - position >= FRAME_HEADER_BYTES + 1
        head = bytes(buffer[position : min(end, position + _LONGEST_START)])
        return head.startswith(_MESSAGE_STARTS)

    def _count_junk(self, buffer: bytearray, position: int, found: int) -> None:
        junk = buffer[position:found]
        blank = all(byte in _BLANK for byte in junk)
        if not self._spoke and not blank:
            raise RtspProtocolError("the first bytes are not RTSP")
        self._clean = 0
        self._junk += len(junk)
        if self._junk > MAX_JUNK_BYTES:
            raise RtspProtocolError(f"more than {MAX_JUNK_BYTES} bytes that belong to nothing")
        # After blank lines we are still in step.
        self._lost = self._lost or not blank

    def _forgive(self, whole: int) -> None:
        if self._junk:
            self._clean += whole
            if self._clean >= _FORGIVEN_AFTER:
                self._junk = 0
