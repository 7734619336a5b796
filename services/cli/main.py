"""``vonggac``: serve, migrate, keys, simulate, demo, discover. Each subcommand is a module with ``add`` and ``run``."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from pydantic import ValidationError

from services.contracts.errors import ServiceError
from services.settings import Settings, unknown_variables

#: Modules of ``services.cli`` and what they do. Only the one that is wanted is imported: all together take a second.
_COMMANDS = {
    "serve": "run the API, a worker, the aggregator, or all of them in one process",
    "migrate": "create or update the tables of the database",
    "keys": "make, list or revoke API keys",
    "discover": "search networks for cameras and recorders, and say what to do with each",
    "simulate": "run simulated cameras and a recorder with switchable faults",
    "demo": "run everything in one process, with a simulated site",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 done, 1 failed, 2 called wrongly."""
    parser = argparse.ArgumentParser(
        prog="vonggac", description="Vọng Gác: which facilities are really connected, and a look inside them."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    given = sys.argv[1:] if argv is None else list(argv)
    wanted = given[0] if given and given[0] in _COMMANDS else None
    for name, does in _COMMANDS.items():
        command = commands.add_parser(name, help=does, description=does)
        if name == wanted:
            import_module(f"services.cli.{name}").add(command)
    arguments = parser.parse_args(given)
    try:
        settings = Settings()
    except ValidationError as error:
        for fault in error.errors():
            name = "_".join(str(part) for part in fault["loc"]).upper()
            print(f"vonggac: VONGGAC_{name}: {fault['msg']}" if name else f"vonggac: {fault['msg']}", file=sys.stderr)
        return 2
    for name in unknown_variables(os.environ):
        print(f"vonggac: {name} names no setting and is ignored; see docs/configuration.md", file=sys.stderr)
    try:
        status: int = import_module(f"services.cli.{arguments.command}").run(arguments, settings)
    except (ServiceError, OSError, ValueError) as error:
        print(f"vonggac: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status
