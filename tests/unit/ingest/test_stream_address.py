"""Where the stream of an ONVIF camera is, and when its device is asked again."""

from ipaddress import ip_network

import pytest

from services.contracts.camera import (
    CameraAssignment,
    Channel,
    Credentials,
    DeviceFacts,
    DeviceStream,
    Interrogation,
    OnvifSource,
    RtspSource,
    StreamChoice,
)
from services.contracts.ladder import Reason, Rung
from services.contracts.networks import CameraNetworks
from services.ingest.faults import CameraFault
from services.ingest.sign_in import SignIn
from services.ingest.stream_address import StreamAddress
from tests.doubles.directory import an_assignment
from tests.doubles.ingest_tools import NoOnvif, some_tools

REFUSED = CameraFault(Reason.REFUSED, Rung.UNREACHABLE)
ONVIF = OnvifSource(address="10.20.3.4", port=80)


def told(path: str = "/main", original: str = "rtsp://10.20.3.4/main", offset_s: float | None = None) -> Interrogation:
    source = RtspSource(address="10.20.3.4", port=554, path=path)
    return Interrogation(
        device=DeviceFacts(auth_mode="digest", clock_offset_s=offset_s),
        channels=(Channel(profile="p", name="p"),),
        streams=(DeviceStream(role="main", profile="p", source=source, original_uri=original),),
    )


def told_two() -> Interrogation:
    """A device with a main stream and a sub-stream, both H.264."""
    main = told()
    sub = main.streams[0].model_copy(
        update={"role": "sub", "profile": "s", "source": RtspSource(address="10.20.3.4", port=554, path="/sub")}
    )
    streams = tuple(stream.model_copy(update={"codec": "h264", "width": 640}) for stream in (*main.streams, sub))
    return main.model_copy(update={"streams": streams})


class Device(NoOnvif):
    """Satisfies ``ports.OnvifGateway``: answers in turn, the last answer for ever."""

    def __init__(self, *answers: Interrogation | CameraFault) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def interrogate(
        self, source: OnvifSource, credentials: Credentials | None, *, every_channel: bool = False
    ) -> Interrogation:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, CameraFault):
            raise answer
        return answer


def address_of(device: Device) -> tuple[StreamAddress, CameraAssignment]:
    tools = some_tools(onvif=device, networks=CameraNetworks([ip_network("10.20.0.0/16")]))
    assignment = an_assignment(ONVIF)
    return StreamAddress(tools, SignIn(tools)), assignment


async def test_a_device_is_asked_once_for_each_version_of_its_camera() -> None:
    device = Device(told("/a"), told("/b"))
    address, assignment = address_of(device)
    assert [(await address.find(assignment)).path for _ in range(3)] == ["/a"] * 3
    assert (await address.find(assignment.model_copy(update={"version": 2}))).path == "/b"
    assert device.asked == 2


async def test_after_three_failures_in_a_row_the_device_is_asked_where_its_stream_is_now() -> None:
    device = Device(told("/a"), told("/b"))
    address, assignment = address_of(device)
    await address.find(assignment)
    for _ in range(2):
        address.failed(REFUSED)
    address.worked(assignment)
    for _ in range(2):
        address.failed(REFUSED)
    assert (await address.find(assignment)).path == "/a"
    address.failed(REFUSED)
    assert (await address.find(assignment)).path == "/b"


async def test_a_device_that_does_not_tell_anew_leaves_the_last_address_standing() -> None:
    silent = CameraFault(Reason.ONVIF_FAILED, Rung.REACHABLE)
    device = Device(told("/a"), silent)
    address, assignment = address_of(device)
    await address.find(assignment)
    for _ in range(8):
        address.failed(REFUSED)
        assert (await address.find(assignment)).path == "/a", "the stream may be back though ONVIF is not"
    assert device.asked == 1 + 2, "asked now and then, not at every attempt"


async def test_the_stream_that_is_wished_for_is_found() -> None:
    address, assignment = address_of(Device(told_two()))
    assert (await address.find(assignment)).path == "/sub"
    for choice in (StreamChoice.MAIN, StreamChoice.SUB):
        wished = assignment.model_copy(update={"stream_choice": choice, "version": assignment.version + 1})
        assert (await address.find(wished)).path == f"/{choice}"


@pytest.mark.parametrize(
    ("reason", "path"),
    [(Reason.NOT_FOUND, "/main"), (Reason.NO_FRAMES, "/main"), (Reason.TIMEOUT, "/sub"), (Reason.AUTH_FAILED, "/sub")],
)
async def test_after_a_failure_of_the_stream_itself_the_other_one_is_tried(reason: Reason, path: str) -> None:
    address, assignment = address_of(Device(told_two()))
    await address.find(assignment)
    address.failed(CameraFault(reason, Rung.DESCRIBED))
    assert (await address.find(assignment)).path == path
    address.failed(CameraFault(Reason.NOT_FOUND, Rung.DESCRIBED))
    assert (await address.find(assignment)).path in {"/sub", "/main"}
    changed = assignment.model_copy(update={"version": assignment.version + 1})
    assert (await address.find(changed)).path == "/sub", "of what was changed nothing is known yet"


async def test_asking_a_device_takes_a_slot_for_connecting() -> None:
    class Asked(Device):
        async def interrogate(
            self, source: OnvifSource, credentials: Credentials | None, *, every_channel: bool = False
        ) -> Interrogation:
            held.append(tools.connecting.held)
            return await super().interrogate(source, credentials)

    held: list[int] = []
    tools = some_tools(onvif=Asked(told()), networks=CameraNetworks([ip_network("10.20.0.0/16")]))
    await StreamAddress(tools, SignIn(tools)).find(an_assignment(ONVIF))
    assert (held, tools.connecting.held) == ([1], 0)


async def test_a_device_that_never_told_is_at_fault_itself() -> None:
    address, assignment = address_of(Device(CameraFault(Reason.ONVIF_FAILED, Rung.REACHABLE)))
    with pytest.raises(CameraFault) as fault:
        await address.find(assignment)
    assert fault.value.reason is Reason.ONVIF_FAILED


@pytest.mark.parametrize(
    ("original", "rewritten"),
    [
        ("rtsp://10.20.3.4/main", False),
        ("rtsp://10.20.3.4:8554/main", False),
        ("rtsp://10.20.3.40/main", True),
        ("rtsp://192.168.1.108:554/main?host=10.20.3.4", True),
        ("rtsp://camera.local/main", True),
    ],
)
async def test_another_host_in_the_address_is_noted(original: str, rewritten: bool) -> None:
    address, assignment = address_of(Device(told(original=original)))
    await address.find(assignment)
    assert (Reason.ADDRESS_REWRITTEN in address.notes) is rewritten


async def test_a_wrong_clock_is_noted() -> None:
    address, assignment = address_of(Device(told(offset_s=-3600.0)))
    await address.find(assignment)
    assert address.notes == (Reason.CLOCK_SKEW,)


async def test_an_address_outside_the_networks_is_not_asked() -> None:
    device = Device(told())
    address, _ = address_of(device)
    with pytest.raises(CameraFault) as fault:
        await address.find(an_assignment(OnvifSource(address="10.99.0.1", port=80)))
    assert fault.value.reason is Reason.ADDRESS_REFUSED
    assert device.asked == 0
