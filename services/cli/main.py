"""``vonggac``: serve, migrate, keys, simulate, demo, discover. Each subcommand is a module with ``add`` and ``run``."""

import argparse
import os
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from services.cli import demo, discover, keys, migrate, serve, simulate
from services.contracts.errors import ServiceError
from services.settings import Settings, unknown_variables

_COMMANDS = {"serve": serve, "migrate": migrate, "keys": keys, "simulate": simulate, "demo": demo, "discover": discover}


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 done, 1 failed, 2 called wrongly."""
    parser = argparse.ArgumentParser(
        prog="vonggac", description="Vọng Gác: which facilities are really connected, and a look inside them."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in _COMMANDS.items():
        module.add(commands.add_parser(name, help=module.HELP, description=module.HELP))
    arguments = parser.parse_args(argv)
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
        status: int = _COMMANDS[arguments.command].run(arguments, settings)
    except (ServiceError, OSError, ValueError) as error:
        print(f"vonggac: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status
