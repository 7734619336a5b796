"""One received video track, packet by packet (RFC 3550): frames, losses, progress of media time. No object per packet."""

from struct import Struct

from services.ingest.rtsp.counters import Counters
from services.ingest.rtsp.payload import FRAGMENT, INSPECT, KEY, KINDS, SLICE
from services.ingest.rtsp.sdp import VideoTrack

#: Beside the flags of ``payload``: the packet begins a new access unit.
NEW_UNIT = 8
#: The packet belongs to another track, or to another session on the same connection, and was not counted.
FOREIGN = 16
#: What came is no RTP packet.
BAD = -1

HEADER_BYTES = 12
_HEADER = Struct(">BBHII")
#: An interleaved header and the RTP header behind it.
_FRAMED = Struct(">HHHHII")
_DOLLAR = 0x24
#: With so many bytes a kind can be read, whatever the codec. Many packets are shorter: access unit delimiters have two.
_FRAMED_MIN_BYTES = _FRAMED.size + 3

#: A jump of the media clock beyond this is a new beginning and not progress.
_LARGEST_STEP_S = 10
#: Another source is believed after so many of its packets without one of ours between them: the camera's encoder
#: restarted. Fewer are the rest of an old session that live555 mixes into a new one (moonfire-nvr issue 209).
_SOURCE_BELIEVED_AFTER = 32


class TrackReceiver:
    """Reads the packets of one track and keeps its counters."""

    __slots__ = (
        "_clock_rate",
        "_expected",
        "_foreign_run",
        "_frame_timestamp",
        "_highest",
        "_inspect",
        "_key_timestamp",
        "_kinds",
        "_largest_step",
        "_payload_type",
        "_ssrc",
        "_timestamp",
        "counters",
        "cycles",
    )

    def __init__(self, track: VideoTrack, counters: Counters) -> None:
        """``track.encoding`` must be one that ``payload`` can inspect."""
        self.counters = counters
        self._payload_type = track.payload_type
        self._clock_rate = track.clock_rate
        self._largest_step = _LARGEST_STEP_S * track.clock_rate
        self._inspect = INSPECT[track.encoding]
        self._kinds = KINDS[track.encoding]
        self._ssrc = -1
        self._foreign_run = 0
        self._expected = -1  # the next sequence number; -1 before the first packet
        self._timestamp = -1  # of the last packet
        self._frame_timestamp = -1  # of the last packet with a slice
        self._key_timestamp = -1  # of the last packet with a slice of a key frame
        self._highest = -1  # timestamp up to which media time has gone
        self.cycles = 0  # how often the sequence numbers began anew, for receiver reports

    @property
    def ssrc(self) -> int | None:
        """The source that is counted."""
        return None if self._ssrc < 0 else self._ssrc

    @property
    def highest_sequence(self) -> int:
        """The extended highest sequence number received, for receiver reports (RFC 3550 section 6.4.1)."""
        return (self.cycles << 16 | (self._expected - 1) & 0xFFFF) & 0xFFFFFFFF

    def hop(self, buffer: bytearray, position: int, end: int, channel: int, now: float) -> int:
        """Count whole interleaved packets of ours from ``position`` on, as ``packet`` would; return where that ends.

        It ends before whatever is not quite ordinary, which is then for the caller to take apart. This loop is where a
        worker spends its time: about 0.25 microseconds for a packet.
        """
        unpack, ssrc, expected, frame_timestamp = _FRAMED.unpack_from, self._ssrc, self._expected, self._frame_timestamp
        (first, fragment_at, fragment), highest, largest_step = self._kinds, self._highest, self._largest_step
        head_wanted, kind_wanted = _DOLLAR << 8 | channel, 0x8000 | self._payload_type
        begun, packets, frames, ticks, limit = position, 0, 0, 0, end - _FRAMED_MIN_BYTES
        fragment_at += 16
        while position <= limit:
            head, size, kind, sequence, timestamp, source = unpack(buffer, position)
            after = position + 4 + size
            if (
                source != ssrc
                or head != head_wanted
                or kind & 0xFF7F != kind_wanted
                or after > end
                or size <= HEADER_BYTES
            ):
                break
            if sequence != expected:
                self._expected = expected
                self._jump(sequence)
            packets += 1
            expected = (sequence + 1) & 0xFFFF
            if not expected:
                self.cycles += 1
            if timestamp != frame_timestamp:
                # Not yet known to hold a picture; once it is, its other packets tell nothing new.
                self._timestamp = timestamp
                flags = first[buffer[position + 16]]
                if flags == FRAGMENT and size >= HEADER_BYTES + 3:
                    flags = fragment[buffer[position + fragment_at]]
                elif flags >= FRAGMENT:
                    flags = self._inspect(buffer, position + 16, after)
                if flags & SLICE:
                    frame_timestamp = timestamp
                    frames += 1
                    # As in ``_advance``.
                    step = (timestamp - highest) & 0xFFFFFFFF
                    if highest < 0:
                        highest = timestamp
                    elif step < largest_step:
                        ticks += step
                        highest = timestamp
                    elif step <= 0x100000000 - largest_step:
                        highest = timestamp
                    if flags & KEY and timestamp != self._key_timestamp:
                        self._key_timestamp = timestamp
                        self.counters.media_time_s += ticks / self._clock_rate
                        ticks = 0
                        self.counters.note_key_frame()
            position = after
        if packets:
            self._expected, self._foreign_run = expected, 0
            self.counters.packets += packets
            self.counters.bytes += position - begun - 4 * packets
        if frames:
            self._frame_timestamp, self._highest = frame_timestamp, highest
            self._note_frames(frames, ticks, now)
        return position

    def _note_frames(self, frames: int, ticks: int, now: float) -> None:
        counters = self.counters
        counters.frames += frames
        counters.media_time_s += ticks / self._clock_rate
        counters.last_frame_at = now

    def packet(self, buffer: bytearray, start: int, end: int, now: float) -> int:
        """Count the packet in ``buffer[start:end]`` and return its flags, FOREIGN, or BAD. Never raises."""
        if end - start < HEADER_BYTES:
            return BAD
        first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(buffer, start)
        if first >> 6 != 2:
            return BAD
        if second & 0x7F != self._payload_type:
            return FOREIGN
        if ssrc != self._ssrc and not self._believe(ssrc):
            return FOREIGN
        payload, payload_end = start + HEADER_BYTES, end
        if first != 0x80:  # Version 2 and nothing else, as nearly all packets.
            payload, payload_end = payload_span(buffer, first, payload, end)
            if payload < 0:
                return BAD
        self._foreign_run = 0
        counters = self.counters
        counters.packets += 1
        counters.bytes += end - start

        if sequence != self._expected:
            self._jump(sequence)
        self._expected = (sequence + 1) & 0xFFFF
        if self._expected == 0:
            self.cycles += 1

        flags = self._inspect(buffer, payload, payload_end) if payload < payload_end else 0
        if timestamp != self._timestamp:
            self._timestamp = timestamp
            flags |= NEW_UNIT
        if flags & SLICE and timestamp != self._frame_timestamp:
            self._frame_timestamp = timestamp
            counters.frames += 1
            counters.last_frame_at = now
            self._advance(timestamp)
        if flags & KEY and timestamp != self._key_timestamp:
            self._key_timestamp = timestamp
            counters.note_key_frame()
        return flags

    def _believe(self, ssrc: int) -> bool:
        """Whether to count this source from now on."""
        self._foreign_run += 1
        if self._ssrc >= 0 and self._foreign_run < _SOURCE_BELIEVED_AFTER:
            return False
        self._ssrc = ssrc
        self._expected = self._highest = -1
        return True

    def _jump(self, sequence: int) -> None:
        if self._expected < 0:
            return
        missing = (sequence - self._expected) & 0xFFFF
        self.counters.sequence_gaps += 1
        if missing < 0x8000:
            self.counters.packets_lost += missing
            if sequence < self._expected:
                self.cycles += 1

    def _advance(self, timestamp: int) -> None:
        step = (timestamp - self._highest) & 0xFFFFFFFF
        if self._highest >= 0:
            if step < self._largest_step:
                self.counters.media_time_s += step / self._clock_rate
            elif step > 0x100000000 - self._largest_step:
                return  # A picture that is shown before one already sent: B-frames.
        self._highest = timestamp


def payload_span(buffer: bytearray, first: int, payload: int, end: int) -> tuple[int, int]:
    """Where the payload lies behind contributing sources and extension and before padding; -1 when it cannot be."""
    payload += (first & 0x0F) << 2
    if first & 0x10:
        if payload + 4 > end:
            return -1, end
        payload += 4 + ((buffer[payload + 2] << 8 | buffer[payload + 3]) << 2)
    if first & 0x20:
        end -= buffer[end - 1]
    return (payload, end) if payload <= end else (-1, end)
