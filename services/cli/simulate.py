"""``vonggac simulate``: run a simulated site, or switch a fault in one that runs."""

import argparse

from services.settings import Settings
from services.simulator import command


def add(parser: argparse.ArgumentParser) -> None:
    command.add_arguments(parser)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    del settings  # the simulator is a peer: it knows nothing of the system
    return command.run(arguments)
