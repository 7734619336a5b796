"""Searches for devices, credentials of sites, what tells devices apart, and what became of them.

Revision 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

from services.storage.types import Json, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KIND = sa.Enum("asked", "search", "findings", name="kind", native_enum=False, create_constraint=True, length=32)
_STATUS = sa.Enum(
    "running", "done", "failed", "cancelled", name="status", native_enum=False, create_constraint=True, length=32
)


def _moment(name: str, comment: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, UtcDateTime(timezone=True), nullable=nullable, comment=comment)


def upgrade() -> None:
    _add_to_device()
    _make_discovery()
    _make_discovery_attempt()
    _make_credential_set()
    _make_device_change()


def _add_to_device() -> None:
    for column in (
        sa.Column(
            "service_path",
            sa.String(1024),
            nullable=True,
            comment="path of the ONVIF device service; null: the usual one",
        ),
        sa.Column(
            "service_certificate",
            sa.String(64),
            nullable=True,
            comment="SHA-256 of the certificate its ONVIF service showed first, hexadecimal",
        ),
        sa.Column("mac", sa.String(17), nullable=True, comment="lower case, with colons; part of its identity"),
        sa.Column(
            "endpoint",
            sa.String(255),
            nullable=True,
            comment="WS-Discovery endpoint reference; part of its identity",
        ),
        sa.Column("name", sa.String(200), nullable=True, comment="what it calls itself"),
        sa.Column("services", Json, nullable=True, comment="namespaces of the ONVIF services it offers"),
        _moment("identity_at", "when its identity was learned or last accepted", nullable=True),
        sa.Column(
            "conflict",
            Json,
            nullable=True,
            comment="what speaks against its being this device, until somebody decides; null: nothing",
        ),
        _moment(
            "missing_at",
            "when a worker last said that it is not at its address; null: it answered since",
            nullable=True,
        ),
        sa.Column(
            "factory_password",
            sa.Boolean(),
            nullable=True,
            comment="whether it accepts a password of its maker; null: not known",
        ),
        _moment("factory_password_at", "when that was last tried", nullable=True),
    ):
        op.add_column("device", column)
    op.create_index("ix_device_mac", "device", ["mac"])
    if op.get_context().dialect.name != "sqlite":  # which keeps no comments
        op.alter_column("device", "tls", comment="whether its port speaks TLS: RTSPS, or HTTPS for ONVIF")


def _make_discovery() -> None:
    op.create_table(
        "discovery",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column("facility_id", sa.Uuid(), nullable=False, comment="whose devices"),
        sa.Column("principal_id", sa.Uuid(), nullable=True, comment="who asked; null: the registry itself"),
        sa.Column(
            "kind",
            _KIND,
            nullable=False,
            comment="asked, search (for a device that is gone) or findings (from site)",
        ),
        sa.Column("targets", Json, nullable=False, comment="networks, hosts and multicast, as checked; never a secret"),
        sa.Column(
            "credentials",
            sa.String(65536),
            nullable=True,
            comment="AES-256-GCM, bound to this row; erased when nothing found needs them, at latest after 24 h",
        ),
        sa.Column("status", _STATUS, nullable=False, comment="how it stands"),
        sa.Column("progress", Json, nullable=False, comment="how far it is, as its worker last said"),
        sa.Column("found", Json, nullable=False, comment="what answered, as its worker last said"),
        sa.Column("failure", sa.String(500), nullable=True, comment="why it failed, for people"),
        sa.Column("worker_id", sa.Uuid(), nullable=True, comment="who runs it; null: nobody yet"),
        _moment("heartbeat_at", "when its worker last reported, database time", nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="how many workers took it so far"),
        _moment("created_at", "when it was asked for, database time"),
        _moment("ended_at", "when it was done, failed or cancelled", nullable=True),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name="fk_discovery_facility_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_discovery"),
        comment="A search for devices of a facility, and what it found. Written by: registry.",
    )
    op.create_index("ix_discovery_facility_id_id", "discovery", ["facility_id", "id"])
    op.create_index("ix_discovery_status_created_at", "discovery", ["status", "created_at"])


def _make_discovery_attempt() -> None:
    op.create_table(
        "discovery_attempt",
        sa.Column("reach", sa.String(64), nullable=False, comment="network the address is of"),
        sa.Column("address", sa.String(45), nullable=False, comment="IP address of the host"),
        sa.Column("fingerprint", sa.String(32), nullable=False, comment="of the credentials"),
        sa.Column("refusals", sa.Integer(), nullable=False, comment="refusals in a row; 0 after an acceptance"),
        sa.Column("locked_out", sa.Boolean(), nullable=False, comment="the host said that it locked the account"),
        _moment("at", "when it last judged them; forgotten after 30 days"),
        sa.PrimaryKeyConstraint("reach", "address", "fingerprint", name="pk_discovery_attempt"),
        comment="What a host said to credentials of searches, before it was a device. Written by: registry.",
    )
    op.create_index("ix_discovery_attempt_at", "discovery_attempt", ["at"])


def _make_credential_set() -> None:
    op.create_table(
        "credential_set",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column("facility_id", sa.Uuid(), nullable=False, comment="whose devices"),
        sa.Column("position", sa.Integer(), nullable=False, comment="searches try lower ones first"),
        sa.Column("label", sa.String(64), nullable=False, comment="what people call it; holds no secret"),
        sa.Column("username", sa.String(2048), nullable=False, comment="AES-256-GCM, bound to this row"),
        sa.Column("password", sa.String(4096), nullable=False, comment="AES-256-GCM, bound to this row"),
        sa.Column("key_id", sa.String(32), nullable=False, comment="the key both are encrypted with"),
        sa.Column("version", sa.Integer(), nullable=False, comment="grows with every change"),
        _moment("created_at", "when it was entered"),
        _moment("updated_at", "when it was last changed"),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name="fk_credential_set_facility_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_credential_set"),
        comment="A way to sign in that a site commonly uses. Write-only by the API. Written by: registry.",
    )
    op.create_index("ix_credential_set_facility_id_position", "credential_set", ["facility_id", "position"])
    op.create_index("ix_credential_set_key_id", "credential_set", ["key_id"])


def _make_device_change() -> None:
    op.create_table(
        "device_change",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column("device_id", sa.Uuid(), nullable=False, comment="which device"),
        sa.Column("camera_id", sa.Uuid(), nullable=True, comment="which camera of it; null: the device itself"),
        _moment("at", "when it was noticed"),
        sa.Column(
            "field", sa.String(64), nullable=False, comment="firmware, address, identity, or main.codec and the like"
        ),
        sa.Column("was", sa.String(500), nullable=True),
        sa.Column("now", sa.String(500), nullable=True),
        _moment("acknowledged_at", "when somebody said that it is well so", nullable=True),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True, comment="the key of whoever said so"),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name="fk_device_change_device_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["camera_id"], ["camera.id"], name="fk_device_change_camera_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_device_change"),
        comment="Something about a device that became another thing. Written by: registry.",
    )
    op.create_index("ix_device_change_camera_id", "device_change", ["camera_id"])
    op.create_index("ix_device_change_device_id_id", "device_change", ["device_id", "id"])
