"""RTCP (RFC 3550 section 6): what a sender says of its clock, and the reports by which we show that we still listen."""

from dataclasses import dataclass
from struct import Struct

from services.ingest.rtsp.errors import RtspProtocolError

_SENDER_REPORT = 200
_RECEIVER_REPORT = 201
_DESCRIPTION = 202
_BYE = 203

_HEADER = Struct(">BBH")
_SENDER = Struct(">IIIIII")
_RECEIVER = Struct(">BBHIIIIIII")
#: Seconds between the epochs of NTP (1900) and Unix (1970).
_NTP_TO_UNIX_S = 2_208_988_800


@dataclass(frozen=True, slots=True)
class SenderReport:
    """The camera's wall clock beside its RTP clock, and what it says it sent."""

    ssrc: int
    ntp_seconds: int
    ntp_fraction: int
    rtp_timestamp: int
    packets: int
    octets: int

    @property
    def unix_time_s(self) -> float:
        """The camera's wall clock in Unix seconds."""
        return self.ntp_seconds - _NTP_TO_UNIX_S + self.ntp_fraction / 2**32

    @property
    def ntp_middle(self) -> int:
        """The middle 32 bits of the NTP time, by which a receiver report refers to this one."""
        return (self.ntp_seconds & 0xFFFF) << 16 | self.ntp_fraction >> 16

    def encode(self) -> bytes:
        """The report alone, without report blocks or extensions."""
        return _HEADER.pack(0x80, _SENDER_REPORT, 6) + _SENDER.pack(
            self.ssrc, self.ntp_seconds, self.ntp_fraction, self.rtp_timestamp, self.packets, self.octets
        )


@dataclass(frozen=True, slots=True)
class Heard:
    """What one compound packet told: the last sender report in it, and the sources that said goodbye."""

    report: SenderReport | None
    gone: frozenset[int]


def parse(packet: bytes) -> Heard:
    """Read a compound packet. Raises RtspProtocolError when its lengths do not fit."""
    report: SenderReport | None = None
    gone: set[int] = set()
    position = 0
    while position < len(packet):
        if len(packet) - position < _HEADER.size:
            raise RtspProtocolError("RTCP that ends within a header")
        first, kind, words = _HEADER.unpack_from(packet, position)
        body, position = position + 4, position + 4 + words * 4
        if first >> 6 != 2 or position > len(packet):
            raise RtspProtocolError("RTCP of another version or with a wrong length")
        if kind == _SENDER_REPORT:
            if position - body < _SENDER.size:
                raise RtspProtocolError("a sender report that is too short")
            report = SenderReport(*_SENDER.unpack_from(packet, body))
        elif kind == _BYE:
            count = min(first & 0x1F, words)
            gone.update(int.from_bytes(packet[body + 4 * i : body + 4 * i + 4], "big") for i in range(count))
    return Heard(report, frozenset(gone))


def receiver_report(
    *, own_ssrc: int, media_ssrc: int, lost: int, highest_sequence: int, last_report: int, delay_s: float, name: str
) -> bytes:
    """A receiver report about one source with the description that must go with it (RFC 3550 section 6.1).

    ``last_report`` is the ``ntp_middle`` of the last sender report, 0 before the first; ``delay_s`` the time since
    then. Jitter is given as 0: over TCP it says nothing about the line.
    """
    delay = min(int(delay_s * 65536), 0xFFFFFFFF) if last_report else 0
    report = _RECEIVER.pack(
        0x81, _RECEIVER_REPORT, 7, own_ssrc, media_ssrc, min(lost, 0x7FFFFF), highest_sequence, 0, last_report, delay
    )
    item = bytes([1, len(name)]) + name.encode("ascii")
    chunk = own_ssrc.to_bytes(4, "big") + item
    chunk += bytes(4 - len(chunk) % 4)
    return report + _HEADER.pack(0x81, _DESCRIPTION, len(chunk) // 4) + chunk
