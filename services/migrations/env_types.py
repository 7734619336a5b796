"""How types of ours are written in a revision."""

from typing import Any, Literal

from services.storage.types import Json


def render_item(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Write our JSON type by its name: its PostgreSQL variant has no imports of its own in a revision."""
    return "services.storage.types.Json" if kind == "type" and item is Json else False
