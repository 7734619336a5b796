"""Tables of the registry. Written by: registry, and nobody else."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    false,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.contracts.camera import SAMPLE_EVERY_MAX_S, SAMPLE_EVERY_MIN_S, StreamChoice, WatchPolicy
from services.contracts.ids import new_id
from services.contracts.zones import Zone
from services.storage.database import Base
from services.storage.types import Json, text, text_enum


class UnitKind(StrEnum):
    PROVINCE = "province"
    MUNICIPALITY = "municipality"


class FacilityKind(StrEnum):
    """Who manages a facility."""

    PROVINCE_RUN = "province_run"
    ARMY_RUN = "army_run"
    HOTEL = "hotel"
    OTHER = "other"


class Protocol(StrEnum):
    RTSP = "rtsp"
    ONVIF = "onvif"


class StreamRole(StrEnum):
    MAIN = "main"
    SUB = "sub"


class ProvinceUnit(Base):
    __tablename__ = "province_unit"
    __table_args__ = (
        UniqueConstraint("edition", "code"),
        {"comment": "Reference data: the 63 units of 2021 and the 34 of 2025. Written by: migrations only."},
    )

    id: Mapped[str] = mapped_column(text(16), primary_key=True, comment="<edition>-<code>, e.g. 2021-24")
    code: Mapped[str] = mapped_column(text(2), comment="GSO code; seven codes changed meaning on 1 July 2025")
    edition: Mapped[int] = mapped_column(SmallInteger, comment="2021 or 2025: which list the code is of")
    name_vi: Mapped[str] = mapped_column(text(64), comment="Vietnamese name, NFC, with diacritics")
    name_en: Mapped[str] = mapped_column(text(64), comment="name without diacritics")
    kind: Mapped[UnitKind] = mapped_column(text_enum(UnitKind, "kind"), comment="province or municipality")
    iso_3166_2: Mapped[str | None] = mapped_column(
        text(8), comment="ISO code; the units of 2025 have none of their own"
    )
    successor_id: Mapped[str | None] = mapped_column(
        ForeignKey("province_unit.id"), comment="the unit of 2025 into which this unit of 2021 went; null for 2025"
    )


class Facility(Base):
    __tablename__ = "facility"
    __table_args__ = ({"comment": "A site whose cameras are connected. Written by: registry."},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, comment="UUIDv7")
    code: Mapped[str] = mapped_column(text(64), unique=True, comment="the programme's code of the site; never changes")
    name: Mapped[str] = mapped_column(text(200), comment="name as people know it")
    province_unit_id: Mapped[str] = mapped_column(
        ForeignKey("province_unit.id"), index=True, comment="the unit it lies in; decides who may see it"
    )
    kind: Mapped[FacilityKind] = mapped_column(text_enum(FacilityKind, "kind"), comment="who manages it")
    managing_authority: Mapped[str | None] = mapped_column(text(200), comment="who may give orders to it")
    designated_enterprise: Mapped[str] = mapped_column(text(64), comment="who surveys and connects it: viettel, vnpt …")
    address: Mapped[str | None] = mapped_column(text(500), comment="postal address")
    contact_name: Mapped[str | None] = mapped_column(text(200), comment="contact person")
    contact_position: Mapped[str | None] = mapped_column(text(200), comment="position of the contact person")
    contact_phone: Mapped[str | None] = mapped_column(text(64), comment="phone of the contact person")
    contact_email: Mapped[str | None] = mapped_column(text(254), comment="e-mail of the contact person")
    reach: Mapped[str] = mapped_column(
        text(64), comment="label of the network its devices live in; an address means something only within its reach"
    )
    capacity: Mapped[int | None] = mapped_column(Integer, comment="beds; null when not known")
    version: Mapped[int] = mapped_column(Integer, default=1, comment="grows with every change; the ETag")
    created_at: Mapped[datetime] = mapped_column(comment="when it was registered")
    updated_at: Mapped[datetime] = mapped_column(comment="when it was last changed")

    province_unit: Mapped[ProvinceUnit] = relationship(lazy="joined", innerjoin=True)


class Device(Base):
    __tablename__ = "device"
    __table_args__ = (
        UniqueConstraint("facility_id", "protocol", "address", "port"),
        CheckConstraint("port between 1 and 65535", name="port"),
        {"comment": "One ONVIF or RTSP endpoint of a facility: an IP camera or a recorder. Written by: registry."},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, comment="UUIDv7; kept when the address changes")
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"), index=True, comment="where it stands")
    protocol: Mapped[Protocol] = mapped_column(text_enum(Protocol, "protocol"), comment="how we first speak to it")
    host: Mapped[str] = mapped_column(text(253), comment="host as it was registered, name or address")
    address: Mapped[str] = mapped_column(text(45), comment="checked IP address; connections go here and nowhere else")
    port: Mapped[int] = mapped_column(Integer, comment="TCP port of the protocol")
    maker: Mapped[str | None] = mapped_column(text(200), comment="as the device says")
    model: Mapped[str | None] = mapped_column(text(200), comment="as the device says")
    firmware: Mapped[str | None] = mapped_column(text(200), comment="as the device says")
    serial: Mapped[str | None] = mapped_column(text(200), comment="as the device says; alone never an identity")
    auth_mode: Mapped[str | None] = mapped_column(text(16), comment="none, digest or wsse, as the device showed")
    clock_offset_s: Mapped[float | None] = mapped_column(comment="device time minus ours in seconds, at facts_at")
    channels: Mapped[list[dict[str, Any]] | None] = mapped_column(
        Json, comment="video sources with their best profile, as ONVIF lists them"
    )
    facts_at: Mapped[datetime | None] = mapped_column(comment="when the device last told these facts")
    created_at: Mapped[datetime] = mapped_column(comment="when it was first registered")
    tls: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="whether its port speaks TLS: RTSPS, or HTTPS for ONVIF"
    )
    certificate: Mapped[str | None] = mapped_column(
        text(64),
        comment="SHA-256 of the TLS certificate it showed first, hexadecimal; null: none seen since registered",
    )
    service_path: Mapped[str | None] = mapped_column(
        text(1024), comment="path of the ONVIF device service; null: the usual one"
    )
    service_certificate: Mapped[str | None] = mapped_column(
        text(64), comment="SHA-256 of the certificate its ONVIF service showed first, hexadecimal"
    )
    mac: Mapped[str | None] = mapped_column(
        text(17), index=True, comment="lower case, with colons; part of its identity"
    )
    endpoint: Mapped[str | None] = mapped_column(
        text(255), comment="WS-Discovery endpoint reference; part of its identity"
    )
    name: Mapped[str | None] = mapped_column(text(200), comment="what it calls itself")
    services: Mapped[list[str] | None] = mapped_column(Json, comment="namespaces of the ONVIF services it offers")
    identity_at: Mapped[datetime | None] = mapped_column(comment="when its identity was learned or last accepted")
    conflict: Mapped[dict[str, Any] | None] = mapped_column(
        Json, comment="what speaks against its being this device, until somebody decides; null: nothing"
    )
    missing_at: Mapped[datetime | None] = mapped_column(
        comment="when a worker last said that it is not at its address; null: it answered since"
    )
    factory_password: Mapped[bool | None] = mapped_column(
        comment="whether it accepts a password of its maker; null: not known"
    )
    factory_password_at: Mapped[datetime | None] = mapped_column(comment="when that was last tried")


class Camera(Base):
    __tablename__ = "camera"
    __table_args__ = (
        Index("ix_camera_facility_id_id", "facility_id", "id"),
        CheckConstraint(f"sample_every_s between {SAMPLE_EVERY_MIN_S} and {SAMPLE_EVERY_MAX_S}", name="sample_every_s"),
        {"comment": "One video source of a device. Written by: registry."},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, comment="UUIDv7")
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"), comment="the facility it belongs to")
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"), index=True, comment="the device that gives it")
    name: Mapped[str] = mapped_column(text(200), comment="name as people know it")
    zone: Mapped[Zone] = mapped_column(text_enum(Zone, "zone"), comment="what it looks at; private rooms are refused")
    profile: Mapped[str | None] = mapped_column(
        text(200), comment="ONVIF profile token; null: the device's only channel"
    )
    source_key: Mapped[str] = mapped_column(
        text(1400), unique=True, comment="reach, endpoint and path in one text: the same camera is registered once"
    )
    enabled: Mapped[bool] = mapped_column(comment="whether workers watch it")
    maintenance: Mapped[bool] = mapped_column(comment="planned work: counted apart")
    version: Mapped[int] = mapped_column(Integer, default=1, comment="grows with every change; the ETag")
    watch_version: Mapped[int] = mapped_column(
        Integer, default=1, comment="grows with changes that a watching worker must learn: source, credentials, policy"
    )
    created_at: Mapped[datetime] = mapped_column(comment="when it was registered")
    updated_at: Mapped[datetime] = mapped_column(comment="when it was last changed")
    watch_policy: Mapped[WatchPolicy | None] = mapped_column(
        text_enum(WatchPolicy, "watch_policy"), comment="null: as the settings say; record_only: counted apart"
    )
    sample_every_s: Mapped[int | None] = mapped_column(
        Integer, comment="seconds between two looks while sampled; null: as the settings say"
    )
    stream_choice: Mapped[StreamChoice] = mapped_column(
        text_enum(StreamChoice, "stream_choice"),
        default=StreamChoice.AUTO,
        server_default="auto",
        comment="which stream is watched",
    )

    device: Mapped[Device] = relationship(lazy="joined", innerjoin=True)
    facility: Mapped[Facility] = relationship(lazy="joined", innerjoin=True)
    streams: Mapped[list["Stream"]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", passive_deletes=True, order_by="Stream.role"
    )
    credential: Mapped["Credential | None"] = relationship(
        lazy="joined", cascade="all, delete-orphan", passive_deletes=True, uselist=False
    )

    @hybrid_property
    def record_only(self) -> bool:
        """Never watched, counted apart."""
        return self.watch_policy is WatchPolicy.RECORD_ONLY

    @record_only.inplace.expression
    @classmethod
    def _record_only_in_sql(cls) -> ColumnElement[bool]:
        return cls.watch_policy.is_not_distinct_from(WatchPolicy.RECORD_ONLY)


class Stream(Base):
    __tablename__ = "stream"
    __table_args__ = (
        UniqueConstraint("camera_id", "role"),
        {"comment": "One encoded picture of a camera, by its RTSP address. Written by: registry."},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, comment="UUIDv7")
    camera_id: Mapped[UUID] = mapped_column(ForeignKey("camera.id", ondelete="CASCADE"), comment="whose picture")
    role: Mapped[StreamRole] = mapped_column(text_enum(StreamRole, "role"), comment="main or sub")
    port: Mapped[int] = mapped_column(Integer, comment="RTSP port at the device's address")
    path: Mapped[str] = mapped_column(text(1024), comment="path and query, without host and user info")
    profile: Mapped[str | None] = mapped_column(text(200), comment="ONVIF profile token, if ONVIF named it")
    original_uri: Mapped[str | None] = mapped_column(text(2048), comment="what the device said, without user info")
    codec: Mapped[str | None] = mapped_column(text(16), comment="as declared; the measured one is in camera_health")
    width: Mapped[int | None] = mapped_column(Integer, comment="pixels, as declared")
    height: Mapped[int | None] = mapped_column(Integer, comment="pixels, as declared")


class Credential(Base):
    __tablename__ = "credential"
    __table_args__ = ({"comment": "How to sign in to a camera. Write-only by the API. Written by: registry."},)

    camera_id: Mapped[UUID] = mapped_column(ForeignKey("camera.id", ondelete="CASCADE"), primary_key=True)
    username: Mapped[str] = mapped_column(text(2048), comment="AES-256-GCM, bound to this row")
    password: Mapped[str] = mapped_column(text(4096), comment="AES-256-GCM, bound to this row")
    key_id: Mapped[str] = mapped_column(text(32), index=True, comment="the key both are encrypted with")
    version: Mapped[int] = mapped_column(Integer, comment="grows with every change")
    fingerprint: Mapped[str] = mapped_column(text(32), comment="keyed digest; equal credentials of a device are equal")
    updated_at: Mapped[datetime] = mapped_column(comment="when they were entered")


class AuthAttempt(Base):
    __tablename__ = "auth_attempt"
    __table_args__ = (
        {"comment": "What a device said to one set of credentials: the budget of two refusals. Written by: registry."},
    )

    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(text(32), primary_key=True, comment="of the credentials; '' for none")
    refusals: Mapped[int] = mapped_column(Integer, comment="refusals in a row; 0 after an acceptance")
    locked_out: Mapped[bool] = mapped_column(comment="the device said that it locked the account")
    at: Mapped[datetime] = mapped_column(comment="when the device last judged them")


class Worker(Base):
    __tablename__ = "worker"
    __table_args__ = ({"comment": "One run of an ingest process. Written by: registry."},)

    id: Mapped[UUID] = mapped_column(primary_key=True, comment="chosen by the process at its start")
    principal_id: Mapped[UUID | None] = mapped_column(comment="the key it came with; null: in this process")
    name: Mapped[str] = mapped_column(text(200), comment="host or pod name, for people")
    reaches: Mapped[list[str]] = mapped_column(Json, comment="reaches it can connect to; empty: all")
    capacity: Mapped[int] = mapped_column(Integer, comment="most cameras it takes; 0 until its first claim")
    media_url: Mapped[str | None] = mapped_column(text(500), comment="where it serves live media to the API")
    media_certificate: Mapped[str | None] = mapped_column(text(8192), comment="PEM, pinned by the API")
    media_token: Mapped[str | None] = mapped_column(text(2048), comment="AES-256-GCM, bound to this row")
    started_at: Mapped[datetime] = mapped_column(comment="when it was first heard of")
    heartbeat_at: Mapped[datetime] = mapped_column(index=True, comment="when it was last heard of, database time")


class CameraLease(Base):
    __tablename__ = "camera_lease"
    __table_args__ = (
        Index("ix_camera_lease_worker_id", "worker_id"),
        {"comment": "The right of one worker to watch one camera. Written by: registry."},
    )

    camera_id: Mapped[UUID] = mapped_column(ForeignKey("camera.id", ondelete="CASCADE"), primary_key=True)
    worker_id: Mapped[UUID | None] = mapped_column(ForeignKey("worker.id"), comment="who holds it; null: nobody")
    epoch: Mapped[int] = mapped_column(BigInteger, comment="fencing number; grows with every claim, never reset")
    expires_at: Mapped[datetime] = mapped_column(index=True, comment="database time at which it ends or ended")


class SnapshotRow(Base):
    __tablename__ = "snapshot"
    __table_args__ = ({"comment": "The newest picture of a camera; the JPEG is a file. Written by: registry."},)

    camera_id: Mapped[UUID] = mapped_column(ForeignKey("camera.id", ondelete="CASCADE"), primary_key=True)
    taken_at: Mapped[datetime] = mapped_column(comment="when the worker decoded it, by its clock")
    size: Mapped[int] = mapped_column(Integer, comment="bytes of the file")
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), comment="SHA-256 of the file")
