"""Whether a facility may be accepted, and by which evidence. Pure.

Every zone of the newest plan, which all parties agreed, needs a camera that is proved *now* at rung ``picture``: online,
observed within the freshness bound, neither disabled nor in maintenance. Nobody's word replaces that.

A ``record_only`` plan connects nothing, so nothing can be proved from the centre. Its rule: every zone has an enabled
camera that is registered as record only, and a named person has played recordings back on site and says how many days
are kept. Such a facility is accepted but never live.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.contracts.ids import CameraId
from services.contracts.ladder import Condition, Rung
from services.contracts.names import CONDITION_NAMES, RUNG_NAMES, Bilingual
from services.contracts.roster import RosterCamera
from services.contracts.zones import Zone
from services.programme.fields import Fields
from services.programme.guards import (
    Dossier,
    Guard,
    obstacles_are_resolved,
    plan_is_agreed,
    plan_is_feasible,
    plan_names_zones,
)
from services.programme.plans import PlanKind
from services.programme.ports import CameraProof
from services.programme.stages import STAGE_NAMES, TRANSITIONS, Stage
from services.programme.texts import ZONE_NAMES, Missing

#: Stages from which a facility can be accepted.
ACCEPTABLE = frozenset(was for was, to in TRANSITIONS if to is Stage.ACCEPTED)

_FILE_GUARDS: Sequence[Guard] = (plan_is_agreed, plan_is_feasible, plan_names_zones, obstacles_are_resolved)


@dataclass(frozen=True, slots=True)
class Signatures:
    """Who signs, by name."""

    so_tttt: str
    enterprise: str
    facility: str


@dataclass(frozen=True, slots=True)
class RecordingCheck:
    """Somebody played back what a facility without a line records."""

    checked_by: str
    checked_at: datetime
    kept_days: int


@dataclass(frozen=True, slots=True)
class NewAcceptance:
    """The request to accept a facility.

    Without ``signatures`` it is refused, together with whatever else is missing. ``recording`` is for plans of kind
    record_only, which need it.
    """

    signatures: Signatures | None = None
    recording: RecordingCheck | None = None
    notes: str | None = None

    def check(self, now: datetime) -> None:
        """Raises Invalid."""
        fields = Fields()
        if self.signatures is not None:
            fields.text("/signatures/so_tttt", self.signatures.so_tttt, 200, required=True)
            fields.text("/signatures/enterprise", self.signatures.enterprise, 200, required=True)
            fields.text("/signatures/facility", self.signatures.facility, 200, required=True)
        fields.text("/notes", self.notes, 4000)
        if self.recording is not None:
            fields.text("/recording/checked_by", self.recording.checked_by, 200, required=True)
            fields.past("/recording/checked_at", self.recording.checked_at, now)
            fields.number("/recording/kept_days", self.recording.kept_days, 1, 3650)
        fields.verify()


@dataclass(frozen=True, slots=True)
class ZoneEvidence:
    """The camera that shows a zone. ``proof`` is None under a record_only plan."""

    zone: Zone
    camera: RosterCamera
    proof: CameraProof | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is missing, or else the evidence for every zone, in the order of the zones."""

    missing: tuple[Missing, ...]
    evidence: tuple[ZoneEvidence, ...]


def judge(
    stage: Stage,
    dossier: Dossier,
    roster: Collection[RosterCamera],
    proofs: Mapping[CameraId, CameraProof],
    now: datetime,
    fresh: timedelta,
    *,
    signed: bool = True,
    recording_checked: bool = False,
) -> Judgement:
    """Judge a facility by its file and by what its cameras show at this moment."""
    missing = [*_stage_missing(stage), *(one for guard in _FILE_GUARDS for one in guard(dossier))]
    if not signed:
        missing.append(
            Missing(
                "signatures",
                Bilingual(
                    "Nobody has signed. Name who signs for the department, the enterprise and the facility.",
                    "Chưa có chữ ký. Hãy ghi họ tên người ký của Sở, doanh nghiệp và cơ sở.",
                ),
            )
        )
    evidence: list[ZoneEvidence] = []
    recorded = dossier.plan_kind is PlanKind.RECORD_ONLY
    if recorded and not recording_checked:
        missing.append(
            Missing(
                "recording",
                Bilingual(
                    "Nobody has played back the recordings on site. Say who did, when, and how many days are kept.",
                    "Chưa kiểm tra bản ghi tại chỗ. Hãy ghi rõ người kiểm tra, thời điểm và số ngày lưu trữ.",
                ),
            )
        )
    for zone in sorted(dossier.plan_zones):
        cameras = [camera for camera in roster if camera.zone is zone and camera.enabled and not camera.maintenance]
        found = _recorded(zone, cameras) if recorded else _proved(zone, cameras, proofs, now, fresh)
        if isinstance(found, Missing):
            missing.append(found)
        else:
            evidence.append(found)
    return Judgement(tuple(missing), () if missing else tuple(evidence))


def _stage_missing(stage: Stage) -> tuple[Missing, ...]:
    if stage in ACCEPTABLE:
        return ()
    return (
        Missing(
            "stage",
            Bilingual(
                "The facility is at stage {stage}; it is accepted from connecting or trial.",
                "Cơ sở đang ở bước {stage}; chỉ nghiệm thu từ bước đang kết nối hoặc chạy thử.",
            ).format(stage=STAGE_NAMES[stage]),
        ),
    )


def _recorded(zone: Zone, cameras: Sequence[RosterCamera]) -> ZoneEvidence | Missing:
    for camera in cameras:
        if camera.record_only:
            return ZoneEvidence(zone, camera, None)
    return Missing(
        "zone_not_recorded",
        Bilingual(
            "No enabled camera of zone {zone} is registered as record only.",
            "Vị trí {zone} chưa có camera đang bật nào được đăng ký là chỉ ghi hình.",
        ).format(zone=ZONE_NAMES[zone]),
        zone,
    )


def _proved(
    zone: Zone,
    cameras: Sequence[RosterCamera],
    proofs: Mapping[CameraId, CameraProof],
    now: datetime,
    fresh: timedelta,
) -> ZoneEvidence | Missing:
    watched = [camera for camera in cameras if not camera.record_only]
    if not watched:
        return _zone_missing(
            "zone_without_camera",
            zone,
            "No camera that is enabled and out of maintenance looks at zone {zone}.",
            "Chưa có camera nào đang bật và không bảo trì tại vị trí {zone}.",
        )
    known = [(proofs[camera.camera_id], camera) for camera in watched if camera.camera_id in proofs]
    if not known:
        return _zone_missing(
            "zone_not_watched",
            zone,
            "No camera of zone {zone} has been looked at yet.",
            "Chưa camera nào tại vị trí {zone} được kiểm tra.",
        )
    # The best look counts: proved before not, newer before older.
    proof, camera = max(known, key=lambda pair: (_shows(pair[0]), pair[0].rung.height, pair[0].observed_at))
    if not _shows(proof):
        return _zone_missing(
            "zone_not_proved",
            zone,
            "Zone {zone}: its best camera, {camera}, is {condition} at rung “{rung}”. It must be online at rung "
            "“good picture”.",
            "Vị trí {zone}: camera tốt nhất là {camera} đang ở tình trạng “{condition}”, bậc “{rung}”. Camera phải hoạt "
            "động ở bậc “hình ảnh tốt”.",
            camera=camera.name or str(camera.camera_id),
            condition=CONDITION_NAMES[proof.condition],
            rung=RUNG_NAMES[proof.rung],
        )
    # Both ways: a worker whose clock runs ahead proves nothing about now either.
    if abs(now - proof.observed_at) > fresh:
        return _zone_missing(
            "zone_proof_stale",
            zone,
            "Zone {zone}: the newest picture of camera {camera} is not from the last {seconds} s. Wait for another look.",
            "Vị trí {zone}: hình mới nhất của camera {camera} không nằm trong {seconds} giây gần đây. Hãy chờ lần kiểm "
            "tra tiếp theo.",
            camera=camera.name or str(camera.camera_id),
            seconds=f"{fresh.total_seconds():g}",
        )
    return ZoneEvidence(zone, camera, proof)


def _shows(proof: CameraProof) -> bool:
    return proof.condition is Condition.ONLINE and proof.rung is Rung.PICTURE


def _zone_missing(code: str, zone: Zone, en: str, vi: str, **values: Bilingual | str) -> Missing:
    return Missing(code, Bilingual(en, vi).format(zone=ZONE_NAMES[zone], **values), zone)
