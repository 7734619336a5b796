"""Names to addresses, once, when a camera is registered."""

import asyncio
import socket
from ipaddress import ip_address
from typing import Protocol

from services.contracts.networks import Address
from services.registry.errors import SourceInvalid

_LOOKUP_S = 3.0


class Resolver(Protocol):
    """Looks names up. Implementations: SystemResolver, and the tests' table."""

    async def resolve(self, name: str, pointer: str) -> tuple[Address, ...]:
        """All addresses of a name, at least one. Raises SourceInvalid."""


class SystemResolver:
    """The machine's resolver, bounded in time."""

    async def resolve(self, name: str, pointer: str) -> tuple[Address, ...]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_LOOKUP_S):
                found = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except TimeoutError as error:  # before OSError, of which it is a kind
            raise SourceInvalid(
                pointer, f"{name} was not resolved within {_LOOKUP_S:g} s; use its IP address"
            ) from error
        except (OSError, UnicodeError) as error:
            raise SourceInvalid(pointer, f"{name} cannot be resolved; check the name or use its IP address") from error
        return tuple(dict.fromkeys(ip_address(entry[4][0]) for entry in found))
