"""What a process of ours would make of the environment that a deployment gives it, by the real settings."""

import os
from collections.abc import Mapping
from unittest.mock import patch

from pydantic import ValidationError

from services.settings import Settings, role_faults

PREFIX = "VONGGAC_"
#: Variables of libraries that our deployments set as well: asyncpg finds the database's authority by it.
FOREIGN = frozenset({"PGSSLROOTCERT"})


def settings_from(environment: Mapping[str, str]) -> Settings:
    """The settings of a process with just this environment. Raises ValidationError."""
    with patch.dict(os.environ, environment, clear=True):
        return Settings()


def environment_faults(who: str, environment: Mapping[str, str], command: list[str]) -> list[str]:
    """Why a process with this environment and this command line would not start, or would ignore a variable."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields} | FOREIGN
    faults = [f"{who} sets {name}, which is no setting" for name in sorted(set(environment) - known)]
    try:
        settings = settings_from(environment)
    except ValidationError as error:
        return [*faults, f"{who}: {error}"]
    role = command[command.index("--role") + 1] if "--role" in command else ""
    return faults + [f"{who}: {fault}" for fault in (role_faults(settings, role) if role else [])]
