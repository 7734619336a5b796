"""Names of adopted cameras, and factory passwords."""

import pytest

from services.registry.adoption_plan import Chosen, WantedChannel, WantedDevice, name_of, unused_name
from services.registry.factory_passwords import MOST_TRIED, factory_passwords
from tests.harness.findings import channel, found


@pytest.mark.parametrize(
    ("wish", "device_name", "channel_name", "channels", "expected"),
    [
        ("Cổng", None, "Kênh 1", 1, "Cổng"),
        (None, None, "Kênh 1", 1, "Kênh 1"),
        (None, "Sảnh", "Kênh 1", 1, "Sảnh"),
        (None, "Đầu ghi", "Kênh 1", 4, "Đầu ghi Kênh 1"),
        (None, None, "", 1, "cam-01"),
        (None, None, "\x00\n", 1, "cam-01"),
    ],
)
def test_a_camera_is_called_by_wish_channel_or_device(
    wish: str | None, device_name: str | None, channel_name: str, channels: int, expected: str
) -> None:
    finding = found("10.20.3.1", channels=channels, name="cam-01")
    one = channel(1, name=channel_name)
    wanted = WantedChannel(one.key, wish)
    chosen = Chosen(finding, [(one, wanted)], WantedDevice("10.20.3.1", 80, device_name))
    assert name_of(chosen, one, wanted) == expected


def test_a_device_without_any_name_is_called_by_its_model_or_its_address() -> None:
    one = channel(1, name="")
    wanted = WantedChannel(one.key)
    for finding, expected in (
        (found("10.20.3.1"), "Hãng IPC-1"),
        (found("10.20.3.1", manufacturer=None, model=None), "10.20.3.1"),
    ):
        chosen = Chosen(finding, [(one, wanted)], WantedDevice("10.20.3.1", 80))
        assert name_of(chosen, one, wanted) == expected


def test_a_name_that_is_taken_gets_a_number_and_never_grows_too_long() -> None:
    assert unused_name("Cổng", {"sân"}) == "Cổng"
    assert unused_name("Cổng", {"cổng", "cổng 2"}) == "Cổng 3"
    long = "x" * 250
    first = unused_name(long, set())
    second = unused_name(long, {first.casefold()})
    assert (len(first), len(second) <= 200, second.endswith(" 2")) == (200, True, True)


def test_factory_passwords_are_two_at_most_of_known_makers_with_their_source() -> None:
    for maker in ("HIKVISION", "Dahua Technology Co.,Ltd", "AXIS", "Uniview", "Amcrest", "Lorex", "Siqura"):
        known = factory_passwords(maker)
        assert 1 <= len(known) <= MOST_TRIED, maker
        assert all(one.source for one in known), maker
    assert factory_passwords("Somebody else") == factory_passwords(None) == ()
