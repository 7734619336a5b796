"""``docs/data-model.md``: every table and column with what it means, from the comments that stand in the database too."""

from sqlalchemy import CheckConstraint, Column, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql

from services.migrations.metadata import metadata

_INTRODUCTION = """\
# Data model

Made by `docs/render_data_model.py` from the tables in code: `make docs`. The same words stand as comments in the
database. Migrations (`services/migrations`) give exactly these tables on SQLite and PostgreSQL; a test compares both.

## Goals

* Who exists (registry), what is promised (programme) and what is true now (aggregator) are different tables with one
  writer each. A state is derived in one place and written once per change.
* An id (UUIDv7) is kept for good: a camera that moves to another address, a facility that changes its name, keep theirs.
* Whatever the API shows is in the database. A restart of any process loses nothing.
* Province scope is a column of `facility`; every question about facilities takes a scope as an argument.

## Not goals

* No video is stored, and of pictures only the newest of each camera (a file beside the row in `snapshot`).
* No observation log: `camera_health` holds the last report of each camera, changes are kept, repeats are not.

## Lifecycles

A **lease** (`camera_lease`): 1. A camera without a row, or whose `expires_at` has passed by the database's clock, is
free. 2. A claim takes it: `epoch` grows by one, `worker_id` and `expires_at` are set. 3. Renewals move `expires_at`
while it has not passed; afterwards the lease is lost, even if nobody took it. 4. A release sets `worker_id` to null and
`expires_at` to now; the row stays, so that `epoch` only grows.

A **report** becomes a verdict: 1. The facility's row in `facility_state` is locked. 2. Reports whose (camera, epoch,
worker) is not that of `camera_lease` are refused; those with an `(epoch, sequence)` not above the stored one are old.
3. `camera_health` is written, `camera_condition_change` gets a row if the condition changed. 4. The facility's state is
derived from all of its cameras; if it changed, `facility_state` and one row of `facility_state_change` are written.
5. After the commit the change is told on the bus.

A **credential**: user name and password are AES-256-GCM with the row's identity as associated data. They leave only to
a worker that holds the camera's lease, and `audit_entry` says so each time. `auth_attempt` counts what a device said to
one set of credentials, over ONVIF, RTSP and all of its channels.

A **search** (`discovery`): 1. It is asked for, or made by the registry when a device is missing; `worker_id` is null. 2. A
worker of the facility's reach takes it: `attempts` grows, `found` begins empty. 3. Each report replaces `progress` and
`found` and moves `heartbeat_at`; a worker silent for 20 s has lost it. 4. It ends `done`, `failed` (also: nobody came for ten
minutes, three workers were lost) or `cancelled`. 5. Adoption makes rows of `device` and `camera`; `credentials` are erased
when nothing is left to adopt, after a day at the latest.

A **device's identity**: 1. Learned from the first answer (`identity_at`). 2. An answer that contradicts it changes nothing but
`conflict`. 3. A human decides, or a search finds the device elsewhere and moves the row: the id stays.

## Tables
"""


def data_model_page() -> str:
    """The text of the page."""
    tables = sorted(metadata.tables.values(), key=lambda table: (_writer(table), table.name))
    return _INTRODUCTION + "".join(_table(table) for table in tables)


def _writer(table: Table) -> str:
    return (table.comment or "").rpartition("Written by: ")[2]


def _table(table: Table) -> str:
    lines = [f"\n### {table.name}\n", f"{table.comment}\n", "| column | type | meaning |", "|---|---|---|"]
    lines += [f"| {column.name} | {_type(column)} | {_meaning(column)} |" for column in table.columns]
    rules = sorted(_rules(table))
    return "\n".join(lines) + "\n" + ("\n" + "\n".join(f"* {rule}" for rule in rules) + "\n" if rules else "")


def _type(column: Column[object]) -> str:
    text = str(column.type.compile(postgresql.dialect())).lower()  # type: ignore[no-untyped-call]
    return f"{text}{'' if column.nullable else ', required'}".replace("timestamp with time zone", "timestamptz")


def _meaning(column: Column[object]) -> str:
    parts = [column.comment] if column.comment else []
    parts += [f"key of {key.column.table.name}" for key in column.foreign_keys]
    if column.primary_key:
        parts.insert(0, "primary key")
    return "; ".join(parts).replace("|", "\\|")


def _rules(table: Table) -> list[str]:
    rules = []
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            rules.append(f"unique: {', '.join(column.name for column in constraint.columns)}")
        elif isinstance(constraint, CheckConstraint) and " IN " not in str(constraint.sqltext):
            rules.append(f"check: {constraint.sqltext}")
    return rules
