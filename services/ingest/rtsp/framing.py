"""One byte stream that carries both RTSP messages and interleaved binary frames (RFC 2326 section 10.12), taken apart.

The demultiplexer owns no buffer: it hops over the caller's, from header to header, and says how far it got.
"""

import re
from collections.abc import Callable
from typing import TypeAlias

from services.ingest.rtsp.errors import HttpSpoken, RtspProtocolError
from services.ingest.rtsp.messages import MAX_MESSAGE_BYTES, METHODS, Message, parse_message

#: Called with the buffer, the channel, and where the payload begins and ends in the buffer. Valid during the call only.
OnFrame: TypeAlias = Callable[[bytearray, int, int, int], None]
OnMessage: TypeAlias = Callable[[Message], None]
#: Called with the buffer, where a frame may begin and where the bytes end; takes whole frames as far as it understands
#: them and returns the position behind the last.
Hop: TypeAlias = Callable[[bytearray, int, int], int]

FRAME_HEADER_BYTES = 4
MAX_FRAME_BYTES = FRAME_HEADER_BYTES + 0xFFFF
#: The most that ``Demultiplexer.consume`` leaves over.
MAX_REST_BYTES = max(MAX_FRAME_BYTES, MAX_MESSAGE_BYTES)

#: Bytes that belong to nothing: some cameras send blank lines, or a body longer than they say. Beyond this it is noise.
MAX_JUNK_BYTES = 64 * 1024
#: So much of earlier junk is forgotten with every whole frame or message.
_FORGIVEN_BYTES = 8

_DOLLAR = 0x24
_BLANK = frozenset(b"\r\n")
_MESSAGE_STARTS = (b"RTSP/", *(f"{method} ".encode() for method in METHODS))
_FIRST_BYTES = frozenset(start[0] for start in _MESSAGE_STARTS)
_LONGEST_START = max(map(len, _MESSAGE_STARTS))
#: Where amid junk a beginning may be, by its first two bytes or by one at the end: finds in one step what byte by byte
#: would take a tenth of a second for each 100 kB, while every other camera waits.
_MAY_BEGIN = re.compile(
    b"|".join([rb"\$", *(re.escape(start[:2]) for start in _MESSAGE_STARTS), b"[%b]\\Z" % bytes(_FIRST_BYTES)])
)


class Demultiplexer:
    """Hands out frames and messages in their order, however the stream was cut into pieces.

    ``channels`` are those that carry media for us; they matter only to find back into step after junk.
    """

    def __init__(self, on_frame: OnFrame, on_message: OnMessage) -> None:
        self._on_frame = on_frame
        self._on_message = on_message
        self.channels: frozenset[int] = frozenset({0, 1})
        #: Takes runs of ordinary media packets in one go, where nobody needs them one by one. What it leaves, an odd
        #: packet or another channel, goes the long way.
        self.hop: Hop | None = None
        #: How many frames were handed out.
        self.frames = 0
        self._spoke = False  # whether a first message was understood
        self._lost = False  # whether we are looking for the next beginning, after junk
        self._junk = 0
        self._needed = 0  # bytes of the message at hand below which another try is in vain

    def consume(self, buffer: bytearray, start: int, end: int) -> int:
        """Hand out all that is whole in ``buffer[start:end]`` and return where the incomplete rest begins.

        The rest, at most MAX_REST_BYTES, must be offered again from its first byte on, with more behind it. Raises
        RtspProtocolError, after which the demultiplexer must not be used again; what the callbacks raise passes through.
        """
        position = start
        on_frame = self._on_frame
        frames = 0
        while position < end:
            if buffer[position] == _DOLLAR and not self._lost:
                if self.hop is not None and not self._junk:
                    position = self.hop(buffer, position, end)
                    if position >= end or buffer[position] != _DOLLAR:
                        continue
                if end - position < FRAME_HEADER_BYTES:
                    break
                payload = position + FRAME_HEADER_BYTES
                after = payload + (buffer[position + 2] << 8) + buffer[position + 3]
                if after > end:
                    break
                frames += 1
                on_frame(buffer, buffer[position + 1], payload, after)
            else:
                self._settle(frames)
                frames = 0
                after = self._take_other(buffer, position, end)
                if after < 0:
                    break
            position = after
        self._settle(frames)
        return position

    def _take_other(self, buffer: bytearray, position: int, end: int) -> int:
        """Take a message or pass over junk, and return the position behind it; -1 when more bytes must come first."""
        if buffer[position] in _BLANK:
            return self._pass_over_blanks(buffer, position, end)
        if not self._may_begin(buffer, position, end):
            return self._pass_over_junk(buffer, position, end)
        if not self._begins(buffer, position, end):
            return -1
        self._lost = False
        if buffer[position] == _DOLLAR:
            return position  # The loop above takes it, now that we are in step again.
        if end - position < self._needed:
            return -1
        taken = parse_message(buffer, position, end)
        if isinstance(taken, int):
            self._needed = taken
            return -1
        message, after = taken
        self._needed = 0
        self._spoke = True
        self._forgive(1)
        self._on_message(message)
        return after

    def _pass_over_blanks(self, buffer: bytearray, position: int, end: int) -> int:
        after = position
        while after < end and buffer[after] in _BLANK:
            after += 1
        self._count_junk(after - position)
        return after

    def _pass_over_junk(self, buffer: bytearray, position: int, end: int) -> int:
        if not self._spoke:
            if buffer[position : min(position + 5, end)] == b"HTTP/":
                raise HttpSpoken("the first bytes are HTTP")
            raise RtspProtocolError("the first bytes are not RTSP")
        after = position + 1
        while (found := _MAY_BEGIN.search(buffer, after, end)) and not self._may_begin(buffer, found.start(), end):
            after = found.start() + 1
        after = found.start() if found else end
        self._lost = True
        self._count_junk(after - position)
        return after

    @staticmethod
    def _head(buffer: bytearray, position: int, end: int) -> bytes:
        return bytes(buffer[position : min(end, position + _LONGEST_START)])

    def _may_begin(self, buffer: bytearray, position: int, end: int) -> bool:
        """Whether a message, or a frame amid junk, begins here as far as the bytes go. More bytes only narrow it."""
        first = buffer[position]
        if first == _DOLLAR:
            # Any dollar in step is a frame and is not asked about; amid junk it must look like one of our media packets.
            here = end - position
            return (
                (here < 2 or buffer[position + 1] in self.channels)
                and (here < 4 or buffer[position + 2 : position + 4] >= b"\x00\x08")
                and (here < 5 or buffer[position + 4] >> 6 == 2)
            )
        if first not in _FIRST_BYTES:
            return False
        head = self._head(buffer, position, end)
        return any(head.startswith(start) or start.startswith(head) for start in _MESSAGE_STARTS)

    def _begins(self, buffer: bytearray, position: int, end: int) -> bool:
        """Whether enough bytes are here to be sure of what may begin here."""
        if buffer[position] == _DOLLAR:
            return end - position > FRAME_HEADER_BYTES
        return self._head(buffer, position, end).startswith(_MESSAGE_STARTS)

    def _count_junk(self, count: int) -> None:
        self._junk += count
        if self._junk > MAX_JUNK_BYTES:
            raise RtspProtocolError(f"more than {MAX_JUNK_BYTES} bytes that belong to nothing")

    def _settle(self, frames: int) -> None:
        self.frames += frames
        self._forgive(frames)

    def _forgive(self, whole: int) -> None:
        if self._junk:
            self._junk = max(0, self._junk - whole * _FORGIVEN_BYTES)
