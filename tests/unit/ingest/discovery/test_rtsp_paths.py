"""Where brands have their streams."""

import pytest

from services.ingest.discovery.rtsp_paths import FAMILIES, choose


@pytest.mark.parametrize(
    ("hints", "brand"),
    [
        ("IP Camera(C1214)", "Hikvision"),
        ("DS-7608NI-K2", "Hikvision"),
        ("Login to 4A01B4FPAN", "Dahua"),
        ("KX-C2121S4", "Dahua"),
        ("KBVISION", "Dahua"),
        ("AXIS_00408CA76A4E", "Axis"),
        ("TP-Link IP-Camera", "TP-Link"),
        ("IPC2122SR3-PF40", "Uniview"),
        ("RLC-810A", "Reolink"),
        ("Hanwha XNV-8080R", "Hanwha"),
    ],
)
def test_hints_choose_the_brand(hints: str, brand: str) -> None:
    assert next(choose(hints)).brand == brand


def test_without_hints_every_family_is_tried_in_the_order_of_the_table() -> None:
    assert list(choose("GStreamer RTSP server")) == list(FAMILIES)
    assert set(choose("dahua")) == set(FAMILIES)


def test_paths_are_paths_without_credentials() -> None:
    for family in FAMILIES:
        for number in (1, 12):
            for path in (family.main_path(number), family.sub_path(number)):
                assert path is None or (path.startswith("/") and "{" not in path)
                assert path is None or "pass" not in path.lower()
        assert family.has_channels == (family.main_path(1) != family.main_path(2))


def test_channels_are_counted_as_the_brand_does() -> None:
    by_brand = {family.main: family for family in FAMILIES}
    assert by_brand["/Streaming/Channels/{channel}01"].main_path(16) == "/Streaming/Channels/1601"
    assert by_brand["/h264Preview_{channel:02d}_main"].sub_path(3) == "/h264Preview_03_sub"
    assert by_brand["/LiveChannel/{channel}/media.smp"].main_path(1) == "/LiveChannel/0/media.smp"


def test_no_path_is_tried_twice() -> None:
    mains = [family.main_path(1) for family in FAMILIES]
    assert len(mains) == len(set(mains))
