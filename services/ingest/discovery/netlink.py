"""Tables that the kernel tells over rtnetlink (rtnetlink(7)), to anybody: addresses of this machine and its neighbours.

Reading what it sent is pure and apart from asking. Bounded in time and size.
"""

import socket
import struct
from collections.abc import Iterator
from ipaddress import ip_address
from typing import NamedTuple

from services.contracts.networks import Address

# include/uapi/linux/rtnetlink.h and netlink.h
_GET_LINKS, _NEW_LINK = 18, 16
_GET_ADDRESSES, _NEW_ADDRESS = 22, 20
_GET_NEIGHBOURS, _NEW_NEIGHBOUR = 30, 28
_GET_TABLES, _NEW_TABLE = 66, 64
#: Bytes of ifinfomsg, ifaddrmsg, ndmsg and ndtmsg, with which messages about these begin. Each begins with the family.
_LINK, _ADDRESS, _NEIGHBOUR, _TABLE = 16, 8, 12, 4
_QUESTIONS = {_GET_LINKS: _LINK, _GET_ADDRESSES: _ADDRESS, _GET_NEIGHBOURS: _NEIGHBOUR, _GET_TABLES: _TABLE}
_ERROR, _DONE = 2, 3
_REQUEST_DUMP = 0x301
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_STATE = struct.Struct("=H")
_ANSWER_S = 1.0
_ANSWERS_MAX = 4096
_RECEIVE_BYTES = 65_536
# if_addr.h, if_link.h, neighbour.h
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_NDA_DESTINATION, _NDA_LINK_ADDRESS = 1, 2
_NDTA_NAME, _NDTA_THRESHOLD_3 = 1, 4
#: States of a neighbour: being asked for, and those in which its link address is known (neighbour.h, NUD_…).
_INCOMPLETE = 0x01
_KNOWN = 0x02 | 0x04 | 0x08 | 0x10 | 0x80
_UP, _LOOPBACK, _MULTICAST = 0x1, 0x8, 0x1000


class OwnAddress(NamedTuple):
    """An address of this machine and the index of its interface."""

    address: Address
    interface: int


class Neighbour(NamedTuple):
    """A host on the same link. ``mac`` is None as long as it has not answered."""

    address: Address
    mac: str | None
    unresolved: bool


def own_addresses() -> list[OwnAddress]:
    """The addresses of interfaces that are up and can send multicast, and of loopback. Raises OSError."""
    usable = {index for index, flags in read_links(_dump(_GET_LINKS, socket.AF_UNSPEC)) if _usable(flags)}
    told = read_addresses(_dump(_GET_ADDRESSES, socket.AF_UNSPEC))
    return [one for one in told if one.interface in usable]


def neighbours(family: int = socket.AF_UNSPEC) -> list[Neighbour]:
    """The hosts whose link addresses this machine knows or asks for. Raises OSError."""
    return list(read_neighbours(_dump(_GET_NEIGHBOURS, family)))


def unresolved(family: int) -> int:
    """How many neighbours of a family are being asked for. Raises OSError."""
    return count_unresolved(_dump(_GET_NEIGHBOURS, family))


def neighbours_max(family: int) -> int | None:
    """How many neighbours of a family the kernel keeps at most, for all namespaces together. Raises OSError."""
    wanted = "ndisc_cache" if family == socket.AF_INET6 else "arp_cache"
    return dict(read_tables(_dump(_GET_TABLES, socket.AF_UNSPEC))).get(wanted)


def _usable(flags: int) -> bool:
    return bool(flags & _UP and flags & (_MULTICAST | _LOOPBACK))


def _dump(kind: int, family: int) -> bytes:
    """Everything the kernel says to one question."""
    body = bytes([family]).ljust(_QUESTIONS[kind], b"\0")
    told = bytearray()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as link:
        link.settimeout(_ANSWER_S)
        link.bind((0, 0))
        link.sendto(_HEADER.pack(_HEADER.size + len(body), kind, _REQUEST_DUMP, 1, 0) + body, (0, 0))
        for _ in range(_ANSWERS_MAX):
            piece = link.recv(_RECEIVE_BYTES)
            told += piece
            if any(kind in {_DONE, _ERROR} for kind, _ in _messages(piece)):
                break
    return bytes(told)


def _messages(told: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and body of each message."""
    at = 0
    while at + _HEADER.size <= len(told):
        length, kind, *_ = _HEADER.unpack_from(told, at)
        if not _HEADER.size <= length <= len(told) - at:
            return
        yield kind, told[at + _HEADER.size : at + length]
        at += (length + 3) & ~3


def _attributes(body: bytes, at: int) -> dict[int, bytes]:
    found = {}
    while at + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, at)
        if not _ATTRIBUTE.size <= length <= len(body) - at:
            break
        found[kind] = body[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return found


def read_links(told: bytes) -> Iterator[tuple[int, int]]:
    """Index and flags of each interface."""
    for kind, body in _messages(told):
        if kind == _NEW_LINK and len(body) >= _LINK:
            yield struct.unpack_from("=iI", body, 4)


def read_addresses(told: bytes) -> Iterator[OwnAddress]:
    """The addresses of this machine."""
    for kind, body in _messages(told):
        if kind != _NEW_ADDRESS or len(body) < _ADDRESS:
            continue
        attributes = _attributes(body, _ADDRESS)
        packed = attributes.get(_IFA_LOCAL, attributes.get(_IFA_ADDRESS, b""))
        if len(packed) in {4, 16}:
            yield OwnAddress(ip_address(packed), struct.unpack_from("=I", body, 4)[0])


def read_neighbours(told: bytes) -> Iterator[Neighbour]:
    """The neighbours, among them those that are no hosts (multicast) and that failed to answer."""
    for kind, body in _messages(told):
        if kind != _NEW_NEIGHBOUR or len(body) < _NEIGHBOUR:
            continue
        attributes = _attributes(body, _NEIGHBOUR)
        packed = attributes.get(_NDA_DESTINATION, b"")
        if len(packed) not in {4, 16}:
            continue
        (state,) = _STATE.unpack_from(body, 8)
        link_address = attributes.get(_NDA_LINK_ADDRESS, b"") if state & _KNOWN else b""
        mac = ":".join(f"{byte:02x}" for byte in link_address) if len(link_address) == 6 and any(link_address) else None
        yield Neighbour(ip_address(packed), mac, bool(state & _INCOMPLETE))


def read_tables(told: bytes) -> Iterator[tuple[str, int]]:
    """Name of each table of neighbours, and how many it holds at most."""
    for kind, body in _messages(told):
        if kind != _NEW_TABLE or len(body) < _TABLE:
            continue
        attributes = _attributes(body, _TABLE)
        threshold = attributes.get(_NDTA_THRESHOLD_3, b"")
        if len(threshold) == 4:
            yield (
                attributes.get(_NDTA_NAME, b"").rstrip(b"\0").decode("ascii", "replace"),
                struct.unpack("=I", threshold)[0],
            )


def count_unresolved(told: bytes) -> int:
    """The same from what the kernel told, without looking at more than each one's state."""
    bodies = (body for kind, body in _messages(told) if kind == _NEW_NEIGHBOUR and len(body) >= _NEIGHBOUR)
    return sum(1 for body in bodies if _STATE.unpack_from(body, 8)[0] & _INCOMPLETE)
