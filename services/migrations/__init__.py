"""Alembic migrations. They give exactly the tables in code; a test compares both."""
