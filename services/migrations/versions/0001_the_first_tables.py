"""The first tables.

Revision 0001, after none.
"""

import sqlalchemy as sa
from alembic import op

from services.registry.provinces import units
from services.storage.types import Json, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7; the principal's id"),
        sa.Column("name", sa.String(length=200), nullable=False, comment="who or what it is for"),
        sa.Column(
            "role",
            sa.Enum(
                "integrator",
                "monitor",
                "operator",
                "worker",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
            comment="integrator, monitor, operator or worker",
        ),
        sa.Column("prefix", sa.String(length=16), nullable=False, comment="the public part, by which the key is found"),
        sa.Column(
            "secret_hash",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="SHA-256 of the secret part (256 random bits)",
        ),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False, comment="when it was made"),
        sa.Column(
            "expires_at", UtcDateTime(timezone=True), nullable=True, comment="when it stops to work; null: never"
        ),
        sa.Column("revoked_at", UtcDateTime(timezone=True), nullable=True, comment="when it was revoked"),
        sa.Column(
            "last_used_at", UtcDateTime(timezone=True), nullable=True, comment="when it was last used, to the minute"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_key_prefix")),
        comment="A key by which a machine or a person comes in. Written by: access.",
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False, comment="when"),
        sa.Column("principal_id", sa.Uuid(), nullable=True, comment="who; null: the process itself"),
        sa.Column("action", sa.String(length=64), nullable=False, comment="what, e.g. camera.register, live.grant"),
        sa.Column("subject", sa.String(length=64), nullable=False, comment="id of what it was done to"),
        sa.Column(
            "province_unit_id", sa.String(length=16), nullable=True, comment="where; decides who may read the entry"
        ),
        sa.Column("details", Json, nullable=False, comment="what else matters"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        comment="Who did what, when. Never changed, never with a secret. Written by: access.",
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entry_principal_id"), ["principal_id"], unique=False)
        batch_op.create_index("ix_audit_entry_province_unit_id_id", ["province_unit_id", "id"], unique=False)
        batch_op.create_index("ix_audit_entry_subject", ["subject"], unique=False)

    op.create_table(
        "camera_condition_change",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column("camera_id", sa.Uuid(), nullable=False, comment="whose condition"),
        sa.Column("facility_id", sa.Uuid(), nullable=False, comment="where it stood then"),
        sa.Column(
            "was",
            sa.Enum(
                "online",
                "degraded",
                "offline",
                "unknown",
                "maintenance",
                "record_only",
                name="was",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "now",
            sa.Enum(
                "online",
                "degraded",
                "offline",
                "unknown",
                "maintenance",
                "record_only",
                name="now",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "rung",
            sa.Enum(
                "unreachable",
                "reachable",
                "answering",
                "authorized",
                "described",
                "playing",
                "frames",
                "picture",
                name="rung",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
            comment="rung after the change",
        ),
        sa.Column("reasons", Json, nullable=False, comment="reasons after the change"),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False, comment="when it was concluded, database time"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_camera_condition_change")),
        comment="A camera's condition changed; kept after the camera is gone. Written by: aggregator.",
    )
    with op.batch_alter_table("camera_condition_change", schema=None) as batch_op:
        batch_op.create_index("ix_camera_condition_change_camera_id_id", ["camera_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_camera_condition_change_facility_id"), ["facility_id"], unique=False)

    op.create_table(
        "facility_state_change",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column("facility_id", sa.Uuid(), nullable=False, comment="whose state; kept after the facility is gone"),
        sa.Column(
            "was",
            sa.Enum(
                "connected",
                "degraded",
                "disconnected",
                "unknown",
                "maintenance",
                "record_only",
                name="was",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "now",
            sa.Enum(
                "connected",
                "degraded",
                "disconnected",
                "unknown",
                "maintenance",
                "record_only",
                name="now",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reasons", Json, nullable=False, comment="why, deciding ones first"),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False, comment="when it was concluded, database time"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facility_state_change")),
        comment="A facility's state changed. One row a change, with its reasons. Written by: aggregator.",
    )
    with op.batch_alter_table("facility_state_change", schema=None) as batch_op:
        batch_op.create_index("ix_facility_state_change_facility_id_id", ["facility_id", "id"], unique=False)

    op.create_table(
        "idempotent_request",
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False, comment="as the client chose it"),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False, comment="SHA-256 of method, path and body"),
        sa.Column("began_at", UtcDateTime(timezone=True), nullable=False, comment="when it came first"),
        sa.Column("status", sa.SmallInteger(), nullable=True, comment="of the answer; null: still under way"),
        sa.Column("media_type", sa.String(length=100), nullable=True, comment="of the answer"),
        sa.Column("location", sa.String(length=500), nullable=True, comment="Location header of the answer"),
        sa.Column("etag", sa.String(length=64), nullable=True, comment="ETag header of the answer"),
        sa.Column("body", sa.LargeBinary(), nullable=True, comment="the answer; never one that holds a secret"),
        sa.PrimaryKeyConstraint("principal_id", "key", name=op.f("pk_idempotent_request")),
        comment="A POST that came with an Idempotency-Key, and its answer, for a day. Written by: api.",
    )
    with op.batch_alter_table("idempotent_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotent_request_began_at"), ["began_at"], unique=False)

    op.create_table(
        "live_grant",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7; stands in the link's token"),
        sa.Column("principal_id", sa.Uuid(), nullable=False, comment="who asked"),
        sa.Column("camera_id", sa.Uuid(), nullable=False, comment="for which camera; kept after the camera is gone"),
        sa.Column("province_unit_id", sa.String(length=16), nullable=False, comment="where the camera stood"),
        sa.Column("issued_at", UtcDateTime(timezone=True), nullable=False, comment="when"),
        sa.Column(
            "expires_at", UtcDateTime(timezone=True), nullable=False, comment="until when the link may be opened"
        ),
        sa.Column(
            "revoked_at",
            UtcDateTime(timezone=True),
            nullable=True,
            comment="when it was taken back; running views end too",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_live_grant")),
        comment="Permission for one principal to view one camera until a moment. Written by: live.",
    )
    with op.batch_alter_table("live_grant", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_live_grant_camera_id"), ["camera_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_live_grant_principal_id"), ["principal_id"], unique=False)

    op.create_table(
        "province_unit",
        sa.Column("id", sa.String(length=16), nullable=False, comment="<edition>-<code>, e.g. 2021-24"),
        sa.Column(
            "code", sa.String(length=2), nullable=False, comment="GSO code; seven codes changed meaning on 1 July 2025"
        ),
        sa.Column("edition", sa.SmallInteger(), nullable=False, comment="2021 or 2025: which list the code is of"),
        sa.Column("name_vi", sa.String(length=64), nullable=False, comment="Vietnamese name, NFC, with diacritics"),
        sa.Column("name_en", sa.String(length=64), nullable=False, comment="name without diacritics"),
        sa.Column(
            "kind",
            sa.Enum("province", "municipality", name="kind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
            comment="province or municipality",
        ),
        sa.Column(
            "iso_3166_2",
            sa.String(length=8),
            nullable=True,
            comment="ISO code; the units of 2025 have none of their own",
        ),
        sa.Column(
            "successor_id",
            sa.String(length=16),
            nullable=True,
            comment="the unit of 2025 into which this unit of 2021 went; null for 2025",
        ),
        sa.ForeignKeyConstraint(["successor_id"], ["province_unit.id"], name=op.f("fk_province_unit_successor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_province_unit")),
        sa.UniqueConstraint("edition", "code", name=op.f("uq_province_unit_edition_code")),
        comment="Reference data: the 63 units of 2021 and the 34 of 2025. Written by: migrations only.",
    )
    op.create_table(
        "worker",
        sa.Column("id", sa.Uuid(), nullable=False, comment="chosen by the process at its start"),
        sa.Column("principal_id", sa.Uuid(), nullable=True, comment="the key it came with; null: in this process"),
        sa.Column("name", sa.String(length=200), nullable=False, comment="host or pod name, for people"),
        sa.Column("reaches", Json, nullable=False, comment="reaches it can connect to; empty: all"),
        sa.Column("capacity", sa.Integer(), nullable=False, comment="most cameras it takes; 0 until its first claim"),
        sa.Column("media_url", sa.String(length=500), nullable=True, comment="where it serves live media to the API"),
        sa.Column("media_certificate", sa.String(length=8192), nullable=True, comment="PEM, pinned by the API"),
        sa.Column("media_token", sa.String(length=2048), nullable=True, comment="AES-256-GCM, bound to this row"),
        sa.Column("started_at", UtcDateTime(timezone=True), nullable=False, comment="when it was first heard of"),
        sa.Column(
            "heartbeat_at",
            UtcDateTime(timezone=True),
            nullable=False,
            comment="when it was last heard of, database time",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
        comment="One run of an ingest process. Written by: registry.",
    )
    with op.batch_alter_table("worker", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_worker_heartbeat_at"), ["heartbeat_at"], unique=False)

    op.create_table(
        "api_key_province",
        sa.Column("api_key_id", sa.Uuid(), nullable=False),
        sa.Column("province_unit_id", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["api_key_id"], ["api_key.id"], name=op.f("fk_api_key_province_api_key_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["province_unit_id"], ["province_unit.id"], name=op.f("fk_api_key_province_province_unit_id")
        ),
        sa.PrimaryKeyConstraint("api_key_id", "province_unit_id", name=op.f("pk_api_key_province")),
        comment="A province unit a key reaches; a key without any reaches all. Written by: access.",
    )
    op.create_table(
        "console_session",
        sa.Column("id_hash", sa.LargeBinary(length=32), nullable=False, comment="SHA-256 of the cookie's value"),
        sa.Column("api_key_id", sa.Uuid(), nullable=False),
        sa.Column(
            "csrf_token", sa.String(length=64), nullable=False, comment="every form of this session must carry it"
        ),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False, comment="when it was signed in"),
        sa.Column("expires_at", UtcDateTime(timezone=True), nullable=False, comment="when it ends"),
        sa.ForeignKeyConstraint(
            ["api_key_id"], ["api_key.id"], name=op.f("fk_console_session_api_key_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_console_session")),
        comment="A signed-in browser. Written by: access.",
    )
    with op.batch_alter_table("console_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_console_session_api_key_id"), ["api_key_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_console_session_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "facility",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column(
            "code", sa.String(length=64), nullable=False, comment="the programme's code of the site; never changes"
        ),
        sa.Column("name", sa.String(length=200), nullable=False, comment="name as people know it"),
        sa.Column(
            "province_unit_id",
            sa.String(length=16),
            nullable=False,
            comment="the unit it lies in; decides who may see it",
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "province_run",
                "army_run",
                "hotel",
                "other",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
            comment="who manages it",
        ),
        sa.Column("managing_authority", sa.String(length=200), nullable=True, comment="who may give orders to it"),
        sa.Column(
            "designated_enterprise",
            sa.String(length=64),
            nullable=False,
            comment="who surveys and connects it: viettel, vnpt …",
        ),
        sa.Column("address", sa.String(length=500), nullable=True, comment="postal address"),
        sa.Column("contact_name", sa.String(length=200), nullable=True, comment="contact person"),
        sa.Column("contact_position", sa.String(length=200), nullable=True, comment="position of the contact person"),
        sa.Column("contact_phone", sa.String(length=64), nullable=True, comment="phone of the contact person"),
        sa.Column("contact_email", sa.String(length=254), nullable=True, comment="e-mail of the contact person"),
        sa.Column(
            "reach",
            sa.String(length=64),
            nullable=False,
            comment="label of the network its devices live in; an address means something only within its reach",
        ),
        sa.Column("capacity", sa.Integer(), nullable=True, comment="beds; null when not known"),
        sa.Column("version", sa.Integer(), nullable=False, comment="grows with every change; the ETag"),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False, comment="when it was registered"),
        sa.Column("updated_at", UtcDateTime(timezone=True), nullable=False, comment="when it was last changed"),
        sa.ForeignKeyConstraint(["province_unit_id"], ["province_unit.id"], name=op.f("fk_facility_province_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facility")),
        sa.UniqueConstraint("code", name=op.f("uq_facility_code")),
        comment="A site whose cameras are connected. Written by: registry.",
    )
    with op.batch_alter_table("facility", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_facility_province_unit_id"), ["province_unit_id"], unique=False)

    op.create_table(
        "connection_plan",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column("facility_id", sa.Uuid(), nullable=False, comment="which facility"),
        sa.Column("version", sa.Integer(), nullable=False, comment="1, 2 … the highest is the present one"),
        sa.Column(
            "kind",
            sa.Enum(
                "reuse",
                "repair",
                "add",
                "new",
                "record_only",
                "not_feasible",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
            comment="how it is to be connected",
        ),
        sa.Column(
            "line",
            sa.Enum("internet", "private_line", name="line", native_enum=False, create_constraint=True, length=32),
            nullable=True,
            comment="internet or private_line",
        ),
        sa.Column(
            "addressing",
            sa.Enum(
                "public", "nat", "cgnat", "vpn", name="addressing", native_enum=False, create_constraint=True, length=32
            ),
            nullable=True,
            comment="how the centre reaches the site: public, nat, cgnat or vpn",
        ),
        sa.Column("due", sa.Date(), nullable=True, comment="day in Viet Nam by which it must be connected"),
        sa.Column("agreed_by", Json, nullable=False, comment="parties that agreed: facility, so_tttt, enterprise"),
        sa.Column(
            "agreed_at", UtcDateTime(timezone=True), nullable=True, comment="when all parties had agreed; null: a draft"
        ),
        sa.Column("notes", sa.String(length=4000), nullable=True, comment="more about it"),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False, comment="when it was entered"),
        sa.CheckConstraint("version >= 1", name=op.f("ck_connection_plan_version")),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name=op.f("fk_connection_plan_facility_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection_plan")),
        sa.UniqueConstraint("facility_id", "version", name=op.f("uq_connection_plan_facility_id_version")),
        comment="The way to connect a facility; a newer version replaces an older. Written by: programme.",
    )
    op.create_table(
        "device",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7; kept when the address changes"),
        sa.Column("facility_id", sa.Uuid(), nullable=False, comment="where it stands"),
        sa.Column(
            "protocol",
            sa.Enum("rtsp", "onvif", name="protocol", native_enum=False, create_constraint=True, length=32),
            nullable=False,
            comment="how we first speak to it",
        ),
        sa.Column("host", sa.String(length=253), nullable=False, comment="host as it was registered, name or address"),
        sa.Column(
            "address",
            sa.String(length=45),
            nullable=False,
            comment="checked IP address; connections go here and nowhere else",
        ),
        sa.Column("port", sa.Integer(), nullable=False, comment="TCP port of the protocol"),
        sa.Column("maker", sa.String(length=200), nullable=True, comment="as the device says"),
        sa.Column("model", sa.String(length=200), nullable=True, comment="as the device says"),
        sa.Column("firmware", sa.String(length=200), nullable=True, comment="as the device says"),
        sa.Column(
            "serial", sa.String(length=200), nullable=True, comment="as the device says; alone never an identity"
        ),
        sa.Column(
            "auth_mode", sa.String(length=16), nullable=True, comment="none, digest or wsse, as the device showed"
        ),
        sa.Column(
            "clock_offset_s", sa.Double(), nullable=True, comment="device time minus ours in seconds, at facts_at"
        ),
        sa.Column(
            "channels", Json, nullable=True, comment="video sources with their best profile, as ONVIF lists them"
        ),
        sa.Column(
            "facts_at", UtcDateTime(timezone=True), nullable=True, comment="when the device last told these facts"
        ),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False, comment="when it was first registered"),
        sa.CheckConstraint("port between 1 and 65535", name=op.f("ck_device_port")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_device_facility_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint(
            "facility_id", "protocol", "address", "port", name=op.f("uq_device_facility_id_protocol_address_port")
        ),
        comment="One ONVIF or RTSP endpoint of a facility: an IP camera or a recorder. Written by: registry.",
    )
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_device_facility_id"), ["facility_id"], unique=False)

    op.create_table(
        "facility_stage",
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column(
            "stage",
            sa.Enum(
                "listed",
                "contact_named",
                "survey_scheduled",
                "survey_blocked",
                "surveyed",
                "plan_agreed",
                "installing",
                "connecting",
                "trial",
                "accepted",
                "suspended",
                "closed",
                name="stage",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
            comment="where it stands",
        ),
        sa.Column("since", UtcDateTime(timezone=True), nullable=False, comment="when it came there"),
        sa.Column(
            "receiving_people",
            sa.Boolean(),
            nullable=True,
            comment="whether quarantined people live there; null: nobody told",
        ),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name=op.f("fk_facility_stage_facility_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("facility_id", name=op.f("pk_facility_stage")),
        comment="Where a facility stands in the programme; without a row it is listed. Written by: programme.",
    )
    with op.batch_alter_table("facility_stage", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_facility_stage_stage"), ["stage"], unique=False)

    op.create_table(
        "facility_state",
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "connected",
                "degraded",
                "disconnected",
                "unknown",
                "maintenance",
                "record_only",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
            comment="the verdict",
        ),
        sa.Column("reasons", Json, nullable=False, comment="why, deciding ones first"),
        sa.Column(
            "since",
            UtcDateTime(timezone=True),
            nullable=False,
            comment="when the state became what it is, database time",
        ),
        sa.Column(
            "derived_at", UtcDateTime(timezone=True), nullable=False, comment="when state or reasons were last written"
        ),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name=op.f("fk_facility_state_facility_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("facility_id", name=op.f("pk_facility_state")),
        comment="The state of a facility now. Written by: aggregator.",
    )
    with op.batch_alter_table("facility_state", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_facility_state_state"), ["state"], unique=False)

    op.create_table(
        "obstacle",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column("facility_id", sa.Uuid(), nullable=False, comment="where"),
        sa.Column(
            "code",
            sa.Enum(
                "facility_refuses",
                "no_contact",
                "outbreak_no_entry",
                "no_protection_conditions",
                "no_camera",
                "obsolete_analog_dvr",
                "locked_credentials",
                "cloud_only_camera",
                "no_line",
                "low_uplink",
                "cgnat_no_public_ip",
                "power",
                "no_budget",
                "facility_closed",
                "army_rules",
                name="code",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
            comment="cause, from the closed list",
        ),
        sa.Column("owner", sa.String(length=200), nullable=False, comment="who must act"),
        sa.Column("opened_at", UtcDateTime(timezone=True), nullable=False, comment="when it was found"),
        sa.Column("due", sa.Date(), nullable=False, comment="day in Viet Nam by which it must be out of the way"),
        sa.Column(
            "level",
            sa.Enum(
                "facility",
                "district",
                "province_committee",
                "national",
                name="level",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
            comment="who deals with it now, up to national",
        ),
        sa.Column(
            "escalated_at",
            UtcDateTime(timezone=True),
            nullable=True,
            comment="when it came to this level; null: never escalated",
        ),
        sa.Column("notes", sa.String(length=4000), nullable=True, comment="more about it"),
        sa.Column(
            "resolved_at", UtcDateTime(timezone=True), nullable=True, comment="when it was out of the way; null: open"
        ),
        sa.Column("resolution", sa.String(length=4000), nullable=True, comment="how it was resolved"),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name=op.f("fk_obstacle_facility_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_obstacle")),
        comment="What stands in the way of a facility, and who must act by when. Written by: programme.",
    )
    with op.batch_alter_table("obstacle", schema=None) as batch_op:
        batch_op.create_index("ix_obstacle_facility_id_id", ["facility_id", "id"], unique=False)

    op.create_table(
        "stage_change",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column("facility_id", sa.Uuid(), nullable=False, comment="which facility"),
        sa.Column(
            "was",
            sa.Enum(
                "listed",
                "contact_named",
                "survey_scheduled",
                "survey_blocked",
                "surveyed",
                "plan_agreed",
                "installing",
                "connecting",
                "trial",
                "accepted",
                "suspended",
                "closed",
                name="was",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
            comment="stage before",
        ),
        sa.Column(
            "now",
            sa.Enum(
                "listed",
                "contact_named",
                "survey_scheduled",
                "survey_blocked",
                "surveyed",
                "plan_agreed",
                "installing",
                "connecting",
                "trial",
                "accepted",
                "suspended",
                "closed",
                name="now",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
            comment="stage after",
        ),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False, comment="when"),
        sa.Column("principal_id", sa.Uuid(), nullable=False, comment="who did what brought it about"),
        sa.Column(
            "action", sa.String(length=64), nullable=False, comment="what that was, as in the audit, e.g. survey.record"
        ),
        sa.Column(
            "notes", sa.String(length=4000), nullable=True, comment="the reason in words, e.g. the order that closes it"
        ),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name=op.f("fk_stage_change_facility_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage_change")),
        comment="A facility came from one stage to another. Written by: programme.",
    )
    with op.batch_alter_table("stage_change", schema=None) as batch_op:
        batch_op.create_index("ix_stage_change_facility_id_id", ["facility_id", "id"], unique=False)

    op.create_table(
        "survey",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column("facility_id", sa.Uuid(), nullable=False, comment="where"),
        sa.Column(
            "mode",
            sa.Enum("on_site", "remote", name="mode", native_enum=False, create_constraint=True, length=32),
            nullable=False,
            comment="on_site or remote",
        ),
        sa.Column("scheduled_at", UtcDateTime(timezone=True), nullable=False, comment="agreed time of the visit"),
        sa.Column("team", sa.String(length=500), nullable=False, comment="who comes, or who asks from afar"),
        sa.Column(
            "guidance", sa.String(length=500), nullable=True, comment="the health department's guidance, by reference"
        ),
        sa.Column("equipment", sa.String(length=500), nullable=True, comment="protective equipment of the team"),
        sa.Column("route", sa.String(length=500), nullable=True, comment="way and zones in which the team may move"),
        sa.Column(
            "confirmed_by", sa.String(length=200), nullable=True, comment="who at the facility confirms the protection"
        ),
        sa.Column(
            "confirmed_at", UtcDateTime(timezone=True), nullable=True, comment="when the confirmation was entered"
        ),
        sa.Column("isolation_until", sa.Date(), nullable=True, comment="last day of the team's isolation; null: none"),
        sa.Column("cameras", sa.Integer(), nullable=True, comment="cameras counted"),
        sa.Column("cameras_model", sa.String(length=500), nullable=True, comment="their makers and models, as text"),
        sa.Column(
            "signal",
            sa.Enum("ip", "analog", "mixed", name="signal", native_enum=False, create_constraint=True, length=32),
            nullable=True,
            comment="ip, analog or mixed",
        ),
        sa.Column("onvif", sa.Boolean(), nullable=True, comment="whether the devices speak ONVIF; null: not found out"),
        sa.Column("rtsp", sa.Boolean(), nullable=True, comment="whether the devices give RTSP; null: not found out"),
        sa.Column(
            "account_known", sa.Boolean(), nullable=True, comment="whether the facility knows user name and password"
        ),
        sa.Column("recorder_maker", sa.String(length=200), nullable=True, comment="maker of the recorder"),
        sa.Column("recorder_model", sa.String(length=200), nullable=True, comment="model of the recorder"),
        sa.Column("recorder_channels", sa.Integer(), nullable=True, comment="channels of the recorder"),
        sa.Column("line_provider", sa.String(length=200), nullable=True, comment="who gives the line"),
        sa.Column("line_down_mbps", sa.Float(), nullable=True, comment="measured towards the site, Mbit/s"),
        sa.Column("line_up_mbps", sa.Float(), nullable=True, comment="measured from the site, Mbit/s"),
        sa.Column(
            "addressing",
            sa.Enum(
                "public", "nat", "cgnat", "vpn", name="addressing", native_enum=False, create_constraint=True, length=32
            ),
            nullable=True,
            comment="public, nat, cgnat or vpn",
        ),
        sa.Column("ups_minutes", sa.Integer(), nullable=True, comment="minutes on battery when the power fails"),
        sa.Column(
            "conclusion",
            sa.Enum(
                "eligible", "not_eligible", name="conclusion", native_enum=False, create_constraint=True, length=32
            ),
            nullable=True,
            comment="eligible or not_eligible; null until it is complete",
        ),
        sa.Column("needs", Json, nullable=False, comment="what is needed if not eligible: new, repair, addition"),
        sa.Column("notes", sa.String(length=4000), nullable=True, comment="whatever else was found"),
        sa.Column(
            "completed_at",
            UtcDateTime(timezone=True),
            nullable=True,
            comment="when it was carried out; null: still to come",
        ),
        sa.Column(
            "cancelled_at",
            UtcDateTime(timezone=True),
            nullable=True,
            comment="when it was called off or replaced by another",
        ),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False, comment="when it was entered"),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name=op.f("fk_survey_facility_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey")),
        comment="One visit to a facility, on site or remote, and what it found. Written by: programme.",
    )
    with op.batch_alter_table("survey", schema=None) as batch_op:
        batch_op.create_index("ix_survey_facility_id_id", ["facility_id", "id"], unique=False)

    op.create_table(
        "acceptance",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column("facility_id", sa.Uuid(), nullable=False, comment="which facility"),
        sa.Column("plan_id", sa.Uuid(), nullable=False, comment="the plan whose zones were proved"),
        sa.Column("accepted_at", UtcDateTime(timezone=True), nullable=False, comment="when"),
        sa.Column("principal_id", sa.Uuid(), nullable=False, comment="who entered it"),
        sa.Column("signed_so_tttt", sa.String(length=200), nullable=False, comment="who signed for the department"),
        sa.Column("signed_enterprise", sa.String(length=200), nullable=False, comment="who signed for the enterprise"),
        sa.Column("signed_facility", sa.String(length=200), nullable=False, comment="who signed for the facility"),
        sa.Column(
            "recording_checked_by",
            sa.String(length=200),
            nullable=True,
            comment="record_only: who played recordings back on site",
        ),
        sa.Column("recording_checked_at", UtcDateTime(timezone=True), nullable=True, comment="record_only: when"),
        sa.Column("recording_kept_days", sa.Integer(), nullable=True, comment="record_only: days that are kept"),
        sa.Column("notes", sa.String(length=4000), nullable=True, comment="more about it"),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name=op.f("fk_acceptance_facility_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["connection_plan.id"], name=op.f("fk_acceptance_plan_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acceptance")),
        comment="A facility was accepted: who signed, under which plan. Written by: programme.",
    )
    with op.batch_alter_table("acceptance", schema=None) as batch_op:
        batch_op.create_index("ix_acceptance_facility_id_id", ["facility_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_acceptance_plan_id"), ["plan_id"], unique=False)

    op.create_table(
        "auth_attempt",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.String(length=32), nullable=False, comment="of the credentials; '' for none"),
        sa.Column("refusals", sa.Integer(), nullable=False, comment="refusals in a row; 0 after an acceptance"),
        sa.Column("locked_out", sa.Boolean(), nullable=False, comment="the device said that it locked the account"),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False, comment="when the device last judged them"),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_auth_attempt_device_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("device_id", "fingerprint", name=op.f("pk_auth_attempt")),
        comment="What a device said to one set of credentials: the budget of two refusals. Written by: registry.",
    )
    op.create_table(
        "camera",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column("facility_id", sa.Uuid(), nullable=False, comment="the facility it belongs to"),
        sa.Column("device_id", sa.Uuid(), nullable=False, comment="the device that gives it"),
        sa.Column("name", sa.String(length=200), nullable=False, comment="name as people know it"),
        sa.Column(
            "zone",
            sa.Enum(
                "gate",
                "yard",
                "floor_lobby",
                "corridor",
                "reception",
                "sampling",
                "medical_check",
                "goods_handover",
                "outside_washroom",
                "other_public",
                name="zone",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
            comment="what it looks at; private rooms are refused",
        ),
        sa.Column(
            "profile",
            sa.String(length=200),
            nullable=True,
            comment="ONVIF profile token; null: the device's only channel",
        ),
        sa.Column(
            "source_key",
            sa.String(length=1400),
            nullable=False,
            comment="reach, endpoint and path in one text: the same camera is registered once",
        ),
        sa.Column("enabled", sa.Boolean(), nullable=False, comment="whether workers watch it"),
        sa.Column("maintenance", sa.Boolean(), nullable=False, comment="planned work: counted apart"),
        sa.Column(
            "record_only",
            sa.Boolean(),
            nullable=False,
            comment="no line: recorded on site, never watched, counted apart",
        ),
        sa.Column("version", sa.Integer(), nullable=False, comment="grows with every change; the ETag"),
        sa.Column(
            "watch_version",
            sa.Integer(),
            nullable=False,
            comment="grows with changes that a watching worker must learn: source, credentials",
        ),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False, comment="when it was registered"),
        sa.Column("updated_at", UtcDateTime(timezone=True), nullable=False, comment="when it was last changed"),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_camera_device_id")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_camera_facility_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_camera")),
        sa.UniqueConstraint("source_key", name=op.f("uq_camera_source_key")),
        comment="One video source of a device. Written by: registry.",
    )
    with op.batch_alter_table("camera", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_camera_device_id"), ["device_id"], unique=False)
        batch_op.create_index("ix_camera_facility_id_id", ["facility_id", "id"], unique=False)

    op.create_table(
        "plan_zone",
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column(
            "zone",
            sa.Enum(
                "gate",
                "yard",
                "floor_lobby",
                "corridor",
                "reception",
                "sampling",
                "medical_check",
                "goods_handover",
                "outside_washroom",
                "other_public",
                name="zone",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
            comment="what must be seen",
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["connection_plan.id"], name=op.f("fk_plan_zone_plan_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("plan_id", "zone", name=op.f("pk_plan_zone")),
        comment="A zone that a connection plan makes compulsory. Written by: programme.",
    )
    op.create_table(
        "acceptance_zone",
        sa.Column("acceptance_id", sa.Uuid(), nullable=False),
        sa.Column(
            "zone",
            sa.Enum(
                "gate",
                "yard",
                "floor_lobby",
                "corridor",
                "reception",
                "sampling",
                "medical_check",
                "goods_handover",
                "outside_washroom",
                "other_public",
                name="zone",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
            comment="what was proved to be seen",
        ),
        sa.Column(
            "camera_id",
            sa.Uuid(),
            nullable=False,
            comment="the camera that showed it; no foreign key: what was signed outlives the camera",
        ),
        sa.Column("camera_name", sa.String(length=200), nullable=False, comment="its name then"),
        sa.Column(
            "rung",
            sa.Enum(
                "unreachable",
                "reachable",
                "answering",
                "authorized",
                "described",
                "playing",
                "frames",
                "picture",
                name="rung",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
            comment="rung proved; null: record only",
        ),
        sa.Column(
            "observed_at",
            UtcDateTime(timezone=True),
            nullable=True,
            comment="when the worker looked; null: record only",
        ),
        sa.Column("codec", sa.String(length=32), nullable=True, comment="codec of the stream as measured"),
        sa.Column("width", sa.Integer(), nullable=True, comment="pixels, as measured"),
        sa.Column("height", sa.Integer(), nullable=True, comment="pixels, as measured"),
        sa.Column("fps", sa.Float(), nullable=True, comment="frames a second, as measured"),
        sa.ForeignKeyConstraint(
            ["acceptance_id"], ["acceptance.id"], name=op.f("fk_acceptance_zone_acceptance_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("acceptance_id", "zone", name=op.f("pk_acceptance_zone")),
        comment="The evidence for one zone at an acceptance; never changed. Written by: programme.",
    )
    op.create_table(
        "camera_health",
        sa.Column("camera_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("worker_id", sa.Uuid(), nullable=False, comment="whose report this is"),
        sa.Column(
            "epoch", sa.BigInteger(), nullable=False, comment="fencing number of the lease it was reported under"
        ),
        sa.Column("sequence", sa.BigInteger(), nullable=False, comment="number of the report; older ones are ignored"),
        sa.Column(
            "base",
            sa.Enum(
                "online",
                "degraded",
                "offline",
                "unknown",
                "maintenance",
                "record_only",
                name="base",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
            comment="condition by the table alone",
        ),
        sa.Column(
            "condition",
            sa.Enum(
                "online",
                "degraded",
                "offline",
                "unknown",
                "maintenance",
                "record_only",
                name="condition",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
            comment="condition shown",
        ),
        sa.Column(
            "rung",
            sa.Enum(
                "unreachable",
                "reachable",
                "answering",
                "authorized",
                "described",
                "playing",
                "frames",
                "picture",
                name="rung",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
            comment="how far up it was proved to work",
        ),
        sa.Column("reasons", Json, nullable=False, comment="reason codes, deciding ones first"),
        sa.Column(
            "since",
            UtcDateTime(timezone=True),
            nullable=False,
            comment="when condition, rung and reasons became what they are",
        ),
        sa.Column("changes", Json, nullable=False, comment="moments of recent changes between up and down, ISO 8601"),
        sa.Column(
            "observed_at",
            UtcDateTime(timezone=True),
            nullable=False,
            comment="when the worker looked, by its own clock",
        ),
        sa.Column(
            "received_at",
            UtcDateTime(timezone=True),
            nullable=False,
            comment="when the last report was taken, database time",
        ),
        sa.Column(
            "settled_at",
            UtcDateTime(timezone=True),
            nullable=True,
            comment="when the last settled report was taken, database time",
        ),
        sa.Column("stream", Json, nullable=False, comment="codec, width, height, fps, bit rate, key-frame interval"),
        sa.Column("watch", sa.String(length=16), nullable=False, comment="how it is watched: relay or none"),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["camera.id"], name=op.f("fk_camera_health_camera_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name=op.f("fk_camera_health_facility_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("camera_id", name=op.f("pk_camera_health")),
        comment="What is known of a camera now. Written by: aggregator.",
    )
    with op.batch_alter_table("camera_health", schema=None) as batch_op:
        batch_op.create_index("ix_camera_health_base_settled_at", ["base", "settled_at"], unique=False)
        batch_op.create_index("ix_camera_health_facility_id", ["facility_id"], unique=False)

    op.create_table(
        "camera_lease",
        sa.Column("camera_id", sa.Uuid(), nullable=False),
        sa.Column("worker_id", sa.Uuid(), nullable=True, comment="who holds it; null: nobody"),
        sa.Column(
            "epoch", sa.BigInteger(), nullable=False, comment="fencing number; grows with every claim, never reset"
        ),
        sa.Column(
            "expires_at", UtcDateTime(timezone=True), nullable=False, comment="database time at which it ends or ended"
        ),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["camera.id"], name=op.f("fk_camera_lease_camera_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_camera_lease_worker_id")),
        sa.PrimaryKeyConstraint("camera_id", name=op.f("pk_camera_lease")),
        comment="The right of one worker to watch one camera. Written by: registry.",
    )
    with op.batch_alter_table("camera_lease", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_camera_lease_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index("ix_camera_lease_worker_id", ["worker_id"], unique=False)

    op.create_table(
        "credential",
        sa.Column("camera_id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.String(length=2048), nullable=False, comment="AES-256-GCM, bound to this row"),
        sa.Column("password", sa.String(length=4096), nullable=False, comment="AES-256-GCM, bound to this row"),
        sa.Column("key_id", sa.String(length=32), nullable=False, comment="the key both are encrypted with"),
        sa.Column("version", sa.Integer(), nullable=False, comment="grows with every change"),
        sa.Column(
            "fingerprint",
            sa.String(length=32),
            nullable=False,
            comment="keyed digest; equal credentials of a device are equal",
        ),
        sa.Column("updated_at", UtcDateTime(timezone=True), nullable=False, comment="when they were entered"),
        sa.ForeignKeyConstraint(["camera_id"], ["camera.id"], name=op.f("fk_credential_camera_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("camera_id", name=op.f("pk_credential")),
        comment="How to sign in to a camera. Write-only by the API. Written by: registry.",
    )
    with op.batch_alter_table("credential", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_credential_key_id"), ["key_id"], unique=False)

    op.create_table(
        "snapshot",
        sa.Column("camera_id", sa.Uuid(), nullable=False),
        sa.Column(
            "taken_at", UtcDateTime(timezone=True), nullable=False, comment="when the worker decoded it, by its clock"
        ),
        sa.Column("size", sa.Integer(), nullable=False, comment="bytes of the file"),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False, comment="SHA-256 of the file"),
        sa.ForeignKeyConstraint(["camera_id"], ["camera.id"], name=op.f("fk_snapshot_camera_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("camera_id", name=op.f("pk_snapshot")),
        comment="The newest picture of a camera; the JPEG is a file. Written by: registry.",
    )
    op.create_table(
        "stream",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7"),
        sa.Column("camera_id", sa.Uuid(), nullable=False, comment="whose picture"),
        sa.Column(
            "role",
            sa.Enum("main", "sub", name="role", native_enum=False, create_constraint=True, length=32),
            nullable=False,
            comment="main or sub",
        ),
        sa.Column("port", sa.Integer(), nullable=False, comment="RTSP port at the device's address"),
        sa.Column("path", sa.String(length=1024), nullable=False, comment="path and query, without host and user info"),
        sa.Column("profile", sa.String(length=200), nullable=True, comment="ONVIF profile token, if ONVIF named it"),
        sa.Column(
            "original_uri", sa.String(length=2048), nullable=True, comment="what the device said, without user info"
        ),
        sa.Column(
            "codec", sa.String(length=16), nullable=True, comment="as declared; the measured one is in camera_health"
        ),
        sa.Column("width", sa.Integer(), nullable=True, comment="pixels, as declared"),
        sa.Column("height", sa.Integer(), nullable=True, comment="pixels, as declared"),
        sa.ForeignKeyConstraint(["camera_id"], ["camera.id"], name=op.f("fk_stream_camera_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stream")),
        sa.UniqueConstraint("camera_id", "role", name=op.f("uq_stream_camera_id_role")),
        comment="One encoded picture of a camera, by its RTSP address. Written by: registry.",
    )
    _insert_province_units()


def downgrade() -> None:
    op.drop_table("stream")
    op.drop_table("snapshot")
    with op.batch_alter_table("credential", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_credential_key_id"))

    op.drop_table("credential")
    with op.batch_alter_table("camera_lease", schema=None) as batch_op:
        batch_op.drop_index("ix_camera_lease_worker_id")
        batch_op.drop_index(batch_op.f("ix_camera_lease_expires_at"))

    op.drop_table("camera_lease")
    with op.batch_alter_table("camera_health", schema=None) as batch_op:
        batch_op.drop_index("ix_camera_health_facility_id")
        batch_op.drop_index("ix_camera_health_base_settled_at")

    op.drop_table("camera_health")
    op.drop_table("acceptance_zone")
    op.drop_table("plan_zone")
    with op.batch_alter_table("camera", schema=None) as batch_op:
        batch_op.drop_index("ix_camera_facility_id_id")
        batch_op.drop_index(batch_op.f("ix_camera_device_id"))

    op.drop_table("camera")
    op.drop_table("auth_attempt")
    with op.batch_alter_table("acceptance", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_acceptance_plan_id"))
        batch_op.drop_index("ix_acceptance_facility_id_id")

    op.drop_table("acceptance")
    with op.batch_alter_table("survey", schema=None) as batch_op:
        batch_op.drop_index("ix_survey_facility_id_id")

    op.drop_table("survey")
    with op.batch_alter_table("stage_change", schema=None) as batch_op:
        batch_op.drop_index("ix_stage_change_facility_id_id")

    op.drop_table("stage_change")
    with op.batch_alter_table("obstacle", schema=None) as batch_op:
        batch_op.drop_index("ix_obstacle_facility_id_id")

    op.drop_table("obstacle")
    with op.batch_alter_table("facility_state", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_facility_state_state"))

    op.drop_table("facility_state")
    with op.batch_alter_table("facility_stage", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_facility_stage_stage"))

    op.drop_table("facility_stage")
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_device_facility_id"))

    op.drop_table("device")
    op.drop_table("connection_plan")
    with op.batch_alter_table("facility", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_facility_province_unit_id"))

    op.drop_table("facility")
    with op.batch_alter_table("console_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_console_session_expires_at"))
        batch_op.drop_index(batch_op.f("ix_console_session_api_key_id"))

    op.drop_table("console_session")
    op.drop_table("api_key_province")
    with op.batch_alter_table("worker", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_worker_heartbeat_at"))

    op.drop_table("worker")
    op.drop_table("province_unit")
    with op.batch_alter_table("live_grant", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_live_grant_principal_id"))
        batch_op.drop_index(batch_op.f("ix_live_grant_camera_id"))

    op.drop_table("live_grant")
    with op.batch_alter_table("idempotent_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotent_request_began_at"))

    op.drop_table("idempotent_request")
    with op.batch_alter_table("facility_state_change", schema=None) as batch_op:
        batch_op.drop_index("ix_facility_state_change_facility_id_id")

    op.drop_table("facility_state_change")
    with op.batch_alter_table("camera_condition_change", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_camera_condition_change_facility_id"))
        batch_op.drop_index("ix_camera_condition_change_camera_id_id")

    op.drop_table("camera_condition_change")
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_entry_subject")
        batch_op.drop_index("ix_audit_entry_province_unit_id_id")
        batch_op.drop_index(batch_op.f("ix_audit_entry_principal_id"))

    op.drop_table("audit_entry")
    op.drop_table("api_key")


def _insert_province_units() -> None:
    """Reference data: the units of 2025 first, since those of 2021 name them as successors."""
    names = ("id", "code", "edition", "name_vi", "name_en", "kind", "iso_3166_2", "successor_id")
    table = sa.table("province_unit", *(sa.column(name) for name in names))
    for edition in (2025, 2021):
        rows = [{name: getattr(unit, name) for name in names} for unit in units().values() if unit.edition == edition]
        op.bulk_insert(table, rows)
