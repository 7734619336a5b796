"""Alembic's environment, run by ``services.migrations.runner`` with a connection in the configuration."""

from typing import Any, Literal

from alembic import context

from services.migrations.metadata import metadata
from services.storage.types import Json


def render_item(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Write our JSON type by its name: its PostgreSQL variant has no imports of its own in a revision."""
    return "services.storage.types.Json" if kind == "type" and item is Json else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    compare_type=True,
    compare_server_default=True,
    render_item=render_item,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
