"""Alembic's environment, run by ``services.migrations.runner`` with a connection in the configuration."""

from alembic import context

from services.migrations.env_types import render_item
from services.migrations.metadata import metadata

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
