"""Which fault of a recorder's channel shows."""

import pytest

from services.simulator.faults import Fault, prevailing
from services.simulator.mount import variant_under
from services.simulator.pictures import Variant


@pytest.mark.parametrize("device", [Fault.OFF, Fault.SILENT, Fault.BLACK, Fault.WRONG_PASSWORD, Fault.END])
def test_the_recorder_s_fault_hides_that_of_a_channel(device: Fault) -> None:
    assert prevailing(device, Fault.FROZEN) is device


@pytest.mark.parametrize("device", [Fault.NONE, Fault.CLOCK_WRONG, Fault.ADDRESS_WRONG])
def test_a_fault_that_media_does_not_show_leaves_that_of_a_channel_visible(device: Fault) -> None:
    assert prevailing(device, Fault.FROZEN) is Fault.FROZEN


def test_only_two_faults_change_the_picture() -> None:
    changed = {fault: variant_under(fault) for fault in Fault if variant_under(fault) is not Variant.MOVING}
    assert changed == {Fault.FROZEN: Variant.STILL, Fault.BLACK: Variant.BLACK}
