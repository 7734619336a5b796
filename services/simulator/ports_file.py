"""The ports of a site, kept in a file so that a restarted site is found where it was registered."""

import json
from pathlib import Path

_PORT_MAX = 65535


class PortsFileUnusable(ValueError):
    """The file is there but does not say what ports to use."""


def read_ports(path: Path) -> dict[str, int]:
    """Ports by the name of what listens; empty when there is no file yet. Raises PortsFileUnusable."""
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise PortsFileUnusable(f"{path} is not JSON; delete it to have new ports chosen") from error
    if not isinstance(content, dict) or not all(
        isinstance(port, int) and not isinstance(port, bool) and 0 < port <= _PORT_MAX for port in content.values()
    ):
        raise PortsFileUnusable(f"{path} must be an object of port numbers; delete it to have new ports chosen")
    return content


def write_ports(path: Path, ports: dict[str, int]) -> None:
    """Replace the file as a whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(json.dumps(ports, indent=1) + "\n")
    fresh.replace(path)
