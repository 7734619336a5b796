"""From the arguments of ``vonggac discover`` to the order of a search. Passwords come from files or the environment."""

import argparse
import csv
import os
import socket
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from services.contracts.camera import Credentials
from services.contracts.discovery import CREDENTIALS_MAX, DiscoveryOrder
from services.contracts.networks import CameraNetworks
from services.ingest.discovery.aims import OrderRefused, read_order

#: Of a search that runs without a server.
NO_FACILITY = UUID(int=0)
_SECRET_BYTES_MAX = 4096


class WrongCall(ValueError):
    """The command was called wrongly; the message says what to change."""


class SignInPart(argparse.Action):
    """Keeps ``--username`` and what belongs to it in the order in which they were given."""

    def __call__(
        self, _parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        parts = [*(getattr(namespace, self.dest, None) or ()), (option, values)]
        setattr(namespace, self.dest, parts)


def read_credentials(
    parts: Sequence[tuple[str, str]], file: Path | None, environment: Mapping[str, str] = os.environ
) -> tuple[Credentials, ...]:
    """The sets of credentials in the order in which they are tried. Raises WrongCall, OSError."""
    sets: list[tuple[str, str]] = []
    username: str | None = None
    for option, value in parts:
        if option == "--username":
            if username is not None:
                raise WrongCall(f"--username {username} has no password: give --password-file or --password-env")
            username = value
            continue
        if username is None:
            raise WrongCall(f"{option} needs a --username before it")
        if option == "--password-env":
            if value not in environment:
                raise WrongCall(f"the environment variable {value} is not set")
            sets.append((username, environment[value]))
        else:
            sets.append((username, read_secret(Path(value))))
        username = None
    if username is not None:
        raise WrongCall(f"--username {username} has no password: give --password-file or --password-env")
    if file is not None:
        sets += _from_csv(file)
    if len(sets) > CREDENTIALS_MAX:
        raise WrongCall(f"{len(sets)} sets of credentials are more than {CREDENTIALS_MAX}")
    return tuple(
        Credentials(username=name, password=password, version=number) for number, (name, password) in enumerate(sets, 1)
    )


def read_secret(path: Path) -> str:
    """The first line of a file. Raises WrongCall, OSError."""
    with path.open(encoding="utf-8") as file:
        text = file.read(_SECRET_BYTES_MAX + 1)
    if len(text) > _SECRET_BYTES_MAX:
        raise WrongCall(f"{path} is too long for a file with one secret")
    return text.split("\n", 1)[0].rstrip("\r")


def _from_csv(path: Path) -> list[tuple[str, str]]:
    """Lines of ``username,password``; a first line with these very words is a heading."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file) if row and any(row)]
    if rows and [cell.strip().lower() for cell in rows[0][:2]] == ["username", "password"]:
        rows = rows[1:]
    for number, row in enumerate(rows, 1):
        if len(row) != 2 or not row[0]:
            raise WrongCall(f"{path}: set {number} is not of the form username,password")
    return [(row[0], row[1]) for row in rows]


def make_order(arguments: argparse.Namespace, networks: CameraNetworks, sets: Sequence[Credentials]) -> DiscoveryOrder:
    """The order. Raises WrongCall, also for what lies outside the camera networks."""
    if not networks.networks:
        raise WrongCall(
            "VONGGAC_CAMERA_NETWORKS is empty, so that nothing may be looked at. "
            "Set it to the networks of the cameras, for example VONGGAC_CAMERA_NETWORKS=192.168.1.0/24"
        )
    named = bool(arguments.network or arguments.host)
    order = DiscoveryOrder(
        discovery_id=uuid4(),
        facility_id=NO_FACILITY,
        reach="",
        networks=tuple(arguments.network),
        hosts=tuple(_resolved(host, networks) for host in arguments.host),
        # Whoever names single hosts only does not want the whole link to be asked.
        multicast=arguments.multicast if arguments.multicast is not None else bool(arguments.network) or not named,
        interfaces=tuple(arguments.interface),
        credentials=tuple(sets),
        addresses_per_s=arguments.rate,
        deadline_s=arguments.deadline,
    )
    if not named and not order.multicast:
        raise WrongCall("nothing to look at: give --network, --host or --multicast")
    try:
        read_order(order, networks)
    except OrderRefused as refused:
        allowed = ", ".join(map(str, networks.networks))
        text = str(refused).replace("the camera networks of this worker.", "VONGGAC_CAMERA_NETWORKS")
        hint = f" ({allowed}). Add it there if it is meant." if "VONGGAC_CAMERA_NETWORKS" in text else ""
        raise WrongCall(f"{text}{hint}") from refused
    return order


def _resolved(host: str, networks: CameraNetworks) -> str:
    """A host as an address; a name is looked up once, and what was found is what is connected to."""
    bare, _, port = host.partition(":") if host.count(":") == 1 else (host, "", "")
    try:
        ip_address(bare.strip("[]").partition("]")[0])
    except ValueError:
        pass
    else:
        return host
    if bare.startswith("["):
        return host
    try:
        found = [info[4][0] for info in socket.getaddrinfo(bare, None, type=socket.SOCK_STREAM)]
    except OSError as error:
        raise WrongCall(f"{bare} cannot be resolved: {error}") from error
    address = str(next((one for one in found if networks.permit_text(str(one))), found[0]))
    if not port:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
