"""The machine's resolver, asked only for what it knows without asking anybody."""

from ipaddress import ip_address

import pytest

from services.contracts.errors import Invalid
from services.registry.resolver import SystemResolver


async def test_localhost_is_resolved() -> None:
    assert ip_address("127.0.0.1") in await SystemResolver().resolve("localhost", "/source/host")


async def test_what_cannot_be_a_name_is_refused_naming_the_field() -> None:
    with pytest.raises(Invalid) as refused:
        await SystemResolver().resolve("a" * 300, "/source/host")
    assert refused.value.faults[0].pointer == "/source/host"
