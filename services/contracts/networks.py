"""Which addresses cameras may have. Checked by the API when a camera is registered and by the worker when it connects."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_address
from typing import TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network
Address: TypeAlias = IPv4Address | IPv6Address


def plain_address(address: Address) -> Address:
    """The address without disguise: an IPv6 address that only wraps an IPv4 address becomes that address."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


class CameraNetworks:
    """The networks in which cameras may be registered and reached. None by default."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self.networks = tuple(networks)

    def permit(self, address: Address) -> bool:
        """Whether connections to this address are allowed.

        Multicast, unspecified and broadcast addresses and scoped IPv6 addresses are never allowed: they name no
        single device, whatever the settings say.
        """
        address = plain_address(address)
        if address.is_multicast or address.is_unspecified or str(address) == "255.255.255.255":
            return False
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            return False
        return any(address.version == network.version and address in network for network in self.networks)

    def permit_whole(self, network: Network) -> bool:
        """Whether connections to every host of this network are allowed."""
        if not (self.permit(network[0]) and self.permit(network[-1])):
            return False
        return any(
            network.version == allowed.version and network.subnet_of(allowed)  # type: ignore[arg-type]
            for allowed in self.collapsed
        )

    @property
    def collapsed(self) -> tuple[Network, ...]:
        """The same networks, neighbours merged: a /23 is allowed by its two halves."""
        four = collapse_addresses(network for network in self.networks if isinstance(network, IPv4Network))
        six = collapse_addresses(network for network in self.networks if isinstance(network, IPv6Network))
        return (*four, *six)

    def permit_text(self, address: str) -> bool:
        """The same for an address in text; anything that is not a canonical IP address is refused."""
        try:
            return self.permit(ip_address(address))
        except ValueError:
            return False
