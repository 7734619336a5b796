"""The routes of the console."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from services.console.services import ConsoleServices


def console_routes(services: ConsoleServices) -> Sequence[BaseRoute]:
    """All pages."""
    del services
    return []
