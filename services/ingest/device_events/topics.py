"""From a notification of a device to a hint, whatever its maker calls the topic and the fields."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

#: Parts of a topic, and items of a notification, that are looked at.
_PARTS_MAX = 16
_ITEMS_MAX = 32


class Kind(StrEnum):
    """What a device says it noticed."""

    MOTION = "motion"
    TAMPER = "tamper"  # covered, turned, out of focus, too dark or too bright
    VIDEO_LOSS = "video_loss"  # a recorder gets no signal from the camera, or a camera from its sensor
    STORAGE_FAILURE = "storage_failure"
    REBOOT = "reboot"

    @property
    def of_device(self) -> bool:
        """Whether it concerns all cameras of a device."""
        return self in {Kind.STORAGE_FAILURE, Kind.REBOOT}


class Item(NamedTuple):
    """A SimpleItem."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Notification:
    """One NotificationMessage. What is missing is empty."""

    topic: str
    source: tuple[Item, ...] = ()
    data: tuple[Item, ...] = ()
    #: PropertyOperation: Initialized, Changed, Deleted.
    operation: str = ""
    #: UtcTime, by the device's clock.
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hint:
    """What a device says it noticed. ``active`` says whether it began or ended.

    ``source_token`` names the video source, one of its configurations, or the storage; empty when the device names none.
    ``news`` is False when the device only tells its present state to a new subscriber. ``at`` is by its clock.
    """

    kind: Kind
    source_token: str
    active: bool
    at: datetime | None = None
    news: bool = True


#: Beginnings of topics, without prefixes and in small letters; the first that fits counts. Standard topics stand in the
#: ONVIF Imaging, Analytics, Core and Recording specifications; the others beside their evidence.
_KINDS: tuple[tuple[str, Kind], ...] = (
    ("videosource/motionalarm", Kind.MOTION),
    ("videosoure/motionalarm", Kind.MOTION),  # so spelt by D-Link DCS-2103 (dmitrif/onvif2mqtt pull requests 5, 34)
    ("videoanalytics/motion", Kind.MOTION),  # Bosch: MotionAlarm; Hanwha: MotionDetection (home-assistant/core 66493)
    ("ruleengine/cellmotiondetector/motion", Kind.MOTION),  # Dahua, Hikvision, Reolink, Uniview
    ("ruleengine/motionregiondetector/motion", Kind.MOTION),  # Axis (Kane610/axis issue 22)
    ("ruleengine/motiondetector", Kind.MOTION),
    ("cameraapplicationplatform/vmd", Kind.MOTION),  # Axis Video Motion Detection
    ("videosource/globalscenechange", Kind.TAMPER),
    ("videosource/imagetoo", Kind.TAMPER),  # Dark, Bright, Blurry, each of three services
    ("videosource/tamper", Kind.TAMPER),  # Axis: Tampering
    ("videoanalytics/tamper", Kind.TAMPER),  # Hanwha: Tampering, TamperingDetection
    ("ruleengine/tamperdetector", Kind.TAMPER),
    ("ruleengine/cellmotiondetector/tamper", Kind.TAMPER),  # TP-Link (onvif-parsers 2.5.0)
    ("videosource/signalloss", Kind.VIDEO_LOSS),
    ("videosource/videoloss", Kind.VIDEO_LOSS),
    ("mediacontrol/videoloss", Kind.VIDEO_LOSS),
    ("useralarm/videolost", Kind.VIDEO_LOSS),
    ("videolost", Kind.VIDEO_LOSS),
    ("videoloss", Kind.VIDEO_LOSS),
    ("device/hardwarefailure/storagefailure", Kind.STORAGE_FAILURE),
    ("storage/disruption", Kind.STORAGE_FAILURE),  # Axis (Kane610/axis issue 22)
    ("recordingconfig/jobstate", Kind.STORAGE_FAILURE),  # a recording job in the state Error records nothing
    ("monitoring/operatingtime/lastreboot", Kind.REBOOT),
)
#: Source items that name whose event it is, best first. TP-Link, Hikvision: VideoSourceConfigurationToken; Axis and
#: others: VideoSource (onvif/specs pull request 103: one means the other); Hanwha: VideoSourceToken.
_SOURCES = (
    "videosourcetoken",
    "source",
    "videosource",
    "videosourceconfigurationtoken",
    "channel",
    "disk_id",
    "recordingjobtoken",
    "token",
)
#: Data items that say whether it is so, where the first that reads as yes or no might be another.
_STATES = frozenset(
    {
        "ismotion",
        "motion",
        "istamper",
        "tampering",
        "tamper",
        "failed",
        "disruption",
        "state",
        "active",
        "alarmstatus",
        "logicalstate",
        "loss",
        "signalloss",
        "videoloss",
    }
)
#: Axis and Hanwha write numbers. "Error" is the state of a recording job.
_YES = frozenset({"true", "1", "on", "active", "yes", "error"})
_NO = frozenset({"false", "0", "off", "inactive", "no", "idle", "partiallyactive"})


def read_hint(notification: Notification) -> Hint | None:
    """What a notification hints at; None when that is nothing to us, or nothing that can be read."""
    kind = _kind(notification.topic)
    if kind is None:
        return None
    active = _active(notification, kind)
    if active is None:
        return None
    return Hint(
        kind=kind,
        source_token=_source(notification.source),
        active=active,
        at=notification.at,
        news=notification.operation.lower() != "initialized",
    )


def _kind(topic: str) -> Kind | None:
    plain = _plain(topic)
    return next((kind for beginning, kind in _KINDS if plain.startswith(beginning)), None)


def _plain(topic: str) -> str:
    """The topic without prefixes, white space and wildcards, in small letters.

    Hanwha puts a prefix before each part (home-assistant/core issue 66493), others append ``//.`` (issue 51870).
    """
    parts = (part.rpartition(":")[2].strip() for part in topic.strip().split("/", _PARTS_MAX)[:_PARTS_MAX])
    return "/".join(part.lower() for part in parts if re.fullmatch(r"\w+", part))


def _source(items: Sequence[Item]) -> str:
    named = {item.name.lower(): item.value.strip() for item in reversed(items[:_ITEMS_MAX])}
    return next((named[name] for name in _SOURCES if named.get(name)), "")


def _active(notification: Notification, kind: Kind) -> bool | None:
    if kind is Kind.REBOOT:
        return True  # its data is a time
    if notification.operation.lower() == "deleted":
        return False
    told = [(item.name.lower() in _STATES, _boolean(item.value, kind, notification)) for item in notification.data]
    readable = [(named, value) for named, value in told[:_ITEMS_MAX] if value is not None]
    if readable:
        return next((value for named, value in readable if named), readable[0][1])
    # A message without any state says that it happened.
    return None if notification.data else True


def _boolean(value: str, kind: Kind, notification: Notification) -> bool | None:
    word = value.strip().lower()
    if kind is Kind.STORAGE_FAILURE and "jobstate" in notification.topic.lower():
        return word == "error" if word in _YES | _NO else None  # "Active" is well here
    return True if word in _YES else False if word in _NO else None
