"""How often somebody may try to sign in. Pure: the caller says what time it is."""

from collections import OrderedDict
from ipaddress import IPv6Address, IPv6Network, ip_address


class SignInThrottle:
    """A bucket of tries for every client address; a try that fails costs one, and one comes back every so often.

    A try is taken before the key is looked at and given back when it was right, so that many at once gain nothing.
    At most ``clients_max`` addresses are remembered, the one used longest ago is forgotten first.
    """

    def __init__(self, tries: int = 5, every_s: float = 20.0, clients_max: int = 10_000) -> None:
        self._tries = tries
        self._every_s = every_s
        self._clients_max = clients_max
        #: Address → moment at which its bucket is full again.
        self._full_at: OrderedDict[str, float] = OrderedDict()

    @property
    def clients(self) -> int:
        """Addresses remembered now."""
        return len(self._full_at)

    def take(self, client: str, now: float) -> float:
        """Take a try. Returns 0, or the seconds to wait, and then nothing was taken. ``now`` is a monotonic time."""
        key = client_key(client)
        full_at = max(self._full_at.get(key, now), now)
        wait_s = full_at - now - (self._tries - 1) * self._every_s
        if wait_s > 0:
            self._full_at.move_to_end(key)
            return wait_s
        self._full_at[key] = full_at + self._every_s
        self._full_at.move_to_end(key)
        while len(self._full_at) > self._clients_max:
            self._full_at.popitem(last=False)
        return 0.0

    def give_back(self, client: str, now: float) -> None:
        """The key was right."""
        key = client_key(client)
        full_at = self._full_at.get(key, now) - self._every_s
        if full_at <= now:
            self._full_at.pop(key, None)
        else:
            self._full_at[key] = full_at


def client_key(client: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 that one subscriber of IPv6 has for himself."""
    try:
        address = ip_address(client)
    except ValueError:
        return client[:64]
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Network((int(address), 64), strict=False))
    return str(address)
