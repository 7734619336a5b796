"""One list of what was found: each device once, in the order of addresses. Pure.

A device that is found at two ports of one address is one: the finding that came further is kept. At two addresses it
stays two findings that name each other in ``same_as``, because endpoint references, serial numbers and even MACs repeat
between devices (quirk 25 of docs/devices.md; a router that answers ARP for others has one MAC for all of them), and a
recorder with two interfaces looks the same as a camera that changed its address during the search. Nothing is dropped on
such evidence: a human or the identity of registered devices decides.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from services.contracts.discovery import FOUND_MAX, Found, SeenBy

_SAME_MAX = 8
_WAYS: tuple[SeenBy, ...] = ("multicast", "probe", "tcp", "host")
_PROTOCOLS = ("unknown", "rtsp", "onvif")


def merged(found: Iterable[Found]) -> tuple[Found, ...]:
    """What was found, without repetitions; at most ``FOUND_MAX``, those that came further first."""
    by_address: dict[str, list[Found]] = defaultdict(list)
    for one in sorted(found, key=_rank, reverse=True):
        kept = by_address[one.address]
        same = next((index for index, other in enumerate(kept) if _is_repetition(other, one)), None)
        if same is None:
            kept.append(one)
        else:
            kept[same] = _united(kept[same], one)
    every = sorted((one for kept in by_address.values() for one in kept), key=_rank, reverse=True)[:FOUND_MAX]
    noted = _noted(every)
    return tuple(sorted(noted, key=lambda one: (_place(one.address), one.port)))


def _rank(one: Found) -> tuple[int, int, int]:
    return one.rung.height, _PROTOCOLS.index(one.protocol), -one.port


def _place(address: str) -> tuple[int, int]:
    parsed = ip_address(address)
    return parsed.version, int(parsed)


def _is_repetition(kept: Found, other: Found) -> bool:
    """Whether two findings at one address are of one device. Ports that were named are devices of their own: behind a
    router each may be a camera with the endpoint reference of the next."""
    if kept.port == other.port:
        return True
    both_named = "host" in kept.seen_by and "host" in other.seen_by
    return not both_named and kept.endpoint is not None and kept.endpoint == other.endpoint


def _united(kept: Found, other: Found) -> Found:
    ways = {*kept.seen_by, *other.seen_by}
    return kept.model_copy(update={"seen_by": tuple(way for way in _WAYS if way in ways)})


def _noted(found: Sequence[Found]) -> list[Found]:
    """With the other addresses at which the same evidence was found."""
    alike: dict[str, list[Found]] = defaultdict(list)
    for one in found:
        for evidence in (one.endpoint, one.mac):
            if evidence is not None:
                alike[evidence].append(one)
    noted = []
    for one in found:
        others = [
            other.address
            for evidence in (one.endpoint, one.mac)
            if evidence is not None
            for other in alike[evidence]
            if other.address != one.address and not _contradict(one, other)
        ]
        noted.append(one.model_copy(update={"same_as": tuple(dict.fromkeys(others))[:_SAME_MAX]}))
    return noted


def _contradict(one: Found, other: Found) -> bool:
    pairs = ((one.endpoint, other.endpoint), (one.mac, other.mac), (one.serial, other.serial))
    return any(ours is not None and theirs is not None and ours != theirs for ours, theirs in pairs)
