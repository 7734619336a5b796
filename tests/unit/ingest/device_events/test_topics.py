"""From notifications, as makers write them, to hints."""

import pytest

from services.ingest.device_events.topics import Hint, Item, Kind, Notification, read_hint


def notification(topic: str, source: dict[str, str], data: dict[str, str], operation: str = "Changed") -> Notification:
    return Notification(
        topic,
        tuple(Item(name, value) for name, value in source.items()),
        tuple(Item(name, value) for name, value in data.items()),
        operation,
    )


RULE = {"VideoSourceConfigurationToken": "vsc1", "VideoAnalyticsConfigurationToken": "vac", "Rule": "MyRule"}


@pytest.mark.parametrize(
    ("topic", "source", "data", "hint"),
    [
        # ONVIF Imaging specification, "Events"; Hikvision and Dahua send them so
        ("tns1:VideoSource/MotionAlarm", {"Source": "vs1"}, {"State": "true"}, (Kind.MOTION, "vs1", True)),
        ("tns1:VideoSource/GlobalSceneChange/ImagingService", {"Source": "vs1"}, {"State": "true"}, (Kind.TAMPER, "vs1", True)),
        ("tns1:VideoSource/GlobalSceneChange/AnalyticsService", {"Source": "vs1"}, {"State": "false"}, (Kind.TAMPER, "vs1", False)),
        ("tns1:VideoSource/ImageTooDark/ImagingService", {"Source": "vs1"}, {"State": "true"}, (Kind.TAMPER, "vs1", True)),
        ("tns1:VideoSource/ImageTooBright/RecordingService", {"Source": "vs1"}, {"State": "1"}, (Kind.TAMPER, "vs1", True)),
        ("tns1:VideoSource/ImageTooBlurry/AnalyticsService", {"Source": "vs1"}, {"State": "true"}, (Kind.TAMPER, "vs1", True)),
        ("tns1:VideoSource/SignalLoss", {"Source": "vs1"}, {"State": "true"}, (Kind.VIDEO_LOSS, "vs1", True)),
        # ONVIF Analytics specification, annex; Dahua, Reolink, Uniview
        ("tns1:RuleEngine/CellMotionDetector/Motion", RULE, {"IsMotion": "true"}, (Kind.MOTION, "vsc1", True)),
        ("tns1:RuleEngine/TamperDetector/Tamper", RULE, {"IsTamper": "true"}, (Kind.TAMPER, "vsc1", True)),
        # dmitrif/onvif2mqtt issue 39: VideoSource instead of the configuration
        ("tns1:RuleEngine/TamperDetector/Tamper", {"VideoSource": "V_SRC_000", "Rule": "r"}, {"IsTamper": "true"}, (Kind.TAMPER, "V_SRC_000", True)),
        # home-assistant/core issue 51870: wildcards at the end, white space around
        (" tns1:RuleEngine/CellMotionDetector/Motion//. ", RULE, {"IsMotion": "false"}, (Kind.MOTION, "vsc1", False)),
        # dmitrif/onvif2mqtt pull requests 5 and 34: so spelt by D-Link DCS-2103
        ("tns1:VideoSoure/MotionAlarm", {"Source": "0"}, {"State": "true"}, (Kind.MOTION, "0", True)),
        # home-assistant/core issue 66493: Hanwha, numbers for booleans
        ("tns1:VideoAnalytics/tnssamsung:MotionDetection", {"VideoSourceToken": "VideoSource-0", "Window": "0"}, {"Motion": "1"}, (Kind.MOTION, "VideoSource-0", True)),
        ("tns1:VideoAnalytics/tnssamsung:TamperingDetection", {"VideoSourceToken": "VideoSource-0"}, {"State": "0"}, (Kind.TAMPER, "VideoSource-0", False)),
        # Hanwha also puts a prefix before each part
        ("tns1:VideoSource/tns1:MotionAlarm", {"VideoSourceToken": "s"}, {"State": "true"}, (Kind.MOTION, "s", True)),
        # Kane610/axis issue 22
        ("tns1:RuleEngine/MotionRegionDetector/Motion", {"VideoSource": "0", "RuleName": "x"}, {"State": "0"}, (Kind.MOTION, "0", False)),
        ("tnsaxis:CameraApplicationPlatform/VMD/Camera1ProfileANY", {}, {"active": "1"}, (Kind.MOTION, "", True)),
        ("tns1:VideoSource/tnsaxis:Tampering", {"channel": "1"}, {"tampering": "1"}, (Kind.TAMPER, "1", True)),
        ("tns1:Device/tnsaxis:HardwareFailure/StorageFailure", {"disk_id": "SD_DISK"}, {"temperature": "-3", "disruption": "1"}, (Kind.STORAGE_FAILURE, "SD_DISK", True)),
        ("tnsaxis:Storage/Disruption", {"disk_id": "NetworkShare"}, {"disruption": "0"}, (Kind.STORAGE_FAILURE, "NetworkShare", False)),
        # ONVIF Core specification, "Hardware failure"; Hikvision leaves the token empty
        ("tns1:Device/HardwareFailure/StorageFailure", {"Token": ""}, {"Failed": "true"}, (Kind.STORAGE_FAILURE, "", True)),
        # onvif-parsers 2.5.0, Tapo
        ("tns1:RuleEngine/CellMotionDetector/Tamper", {"VideoSourceConfigurationToken": "vsconf"}, {"IsTamper": "true"}, (Kind.TAMPER, "vsconf", True)),
        # Names of recorders
        ("tns1:UserAlarm/VideoLost", {"VideoSourceConfigurationToken": "3"}, {"AlarmStatus": "true"}, (Kind.VIDEO_LOSS, "3", True)),
        ("tns1:VideoLost", {"Source": "3"}, {"State": "true"}, (Kind.VIDEO_LOSS, "3", True)),
        ("tns1:VideoSource/VideoLoss", {"Source": "3"}, {"State": "true"}, (Kind.VIDEO_LOSS, "3", True)),
        # ONVIF Recording specification: a job in Error records nothing, an active one does
        ("tns1:RecordingConfig/JobState", {"RecordingJobToken": "j"}, {"State": "Error"}, (Kind.STORAGE_FAILURE, "j", True)),
        ("tns1:RecordingConfig/JobState", {"RecordingJobToken": "j"}, {"State": "Active"}, (Kind.STORAGE_FAILURE, "j", False)),
        ("tns1:Monitoring/OperatingTime/LastReboot", {}, {"Status": "2026-10-13T06:47:30Z"}, (Kind.REBOOT, "", True)),
    ],
)  # fmt: skip
def test_makers_spell_it_so(
    topic: str, source: dict[str, str], data: dict[str, str], hint: tuple[Kind, str, bool]
) -> None:
    assert read_hint(notification(topic, source, data)) == Hint(*hint)


@pytest.mark.parametrize(
    "topic",
    [
        "tns1:Device/Trigger/DigitalInput",
        "tns1:Device/Trigger/Relay",
        "tns1:Monitoring/ProcessorUsage",
        "tns1:RuleEngine/LineDetector/Crossed",
        "tns1:AudioAnalytics/Audio/DetectedSound",
        "tns1:RecordingConfig/RecordingConfiguration",
        "",
        "///",
        "tns1:" + "x/" * 5000,
    ],
)
def test_what_says_nothing_of_the_picture_is_no_hint(topic: str) -> None:
    assert read_hint(notification(topic, {"Source": "s"}, {"State": "true"})) is None


def test_the_present_state_of_a_new_subscription_is_no_news() -> None:
    told = notification("tns1:VideoSource/SignalLoss", {"Source": "s"}, {"State": "true"}, "Initialized")
    hint = read_hint(told)
    assert hint is not None
    assert not hint.news


def test_a_property_that_is_deleted_is_over() -> None:
    told = notification("tns1:VideoSource/SignalLoss", {"Source": "s"}, {"State": "true"}, "Deleted")
    hint = read_hint(told)
    assert hint is not None
    assert not hint.active


def test_missing_fields_are_borne() -> None:
    """agsh/onvif 0.6.5 has an answer without PropertyOperation in its mock-up; others have no Source, or no Data."""
    assert read_hint(Notification("tns1:VideoSource/MotionAlarm")) == Hint(Kind.MOTION, "", active=True)
    unreadable = notification("tns1:VideoSource/MotionAlarm", {}, {"State": "perhaps"})
    assert read_hint(unreadable) is None


def test_of_several_items_the_one_that_says_so_counts() -> None:
    """home-assistant/core issue 38033: several SimpleItems, in any order."""
    told = notification("tns1:RuleEngine/CellMotionDetector/Motion", RULE, {"Count": "0", "IsMotion": "true"})
    hint = read_hint(told)
    assert hint is not None
    assert hint.active
