"""All tables of the project in one place, for Alembic."""

import services.access.tables
import services.aggregator.tables
import services.api.tables
import services.live.tables
import services.programme.tables
import services.registry.discovery_tables
import services.registry.tables  # noqa: F401 - imported for their tables
from services.storage.database import Base

metadata = Base.metadata
