"""Everything hostile at once, in a process of its own: ``python -m tests.harness.hostile_site``.

Prints one JSON line when all listen, name → port, and serves until it is killed.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack

from services.simulator import sdp
from services.simulator.pictures import Codec, StreamFormat, Variant, record
from services.simulator.scene import Look, PictureSize
from tests.doubles import hostile_bitstream as bitstream
from tests.doubles import hostile_rtsp as hostile
from tests.doubles.onvif_device import PRE_AUTH, OnvifDevice, Request, Script
from tests.doubles.onvif_messages import Response
from tests.doubles.rtsp_camera import Script as RtspScript
from tests.doubles.rtsp_camera import ScriptedCamera

#: An address that nobody registered.
ELSEWHERE = "127.0.9.9:9"

RTSP_TRICKS = {
    "silent": hostile.silent,
    "hangs up": hostile.hangs_up,
    "speaks http": hostile.speaks_http,
    "endless start line": hostile.endless_start_line,
    "endless header": hostile.endless_header,
    "endless blank lines": hostile.endless_blank_lines,
    "four gigabytes": hostile.four_gigabytes,
    "still trying": hostile.still_trying,
    "slow drip": hostile.slow_drip,
    "challenges for ever": hostile.challenges_for_ever,
    "asks back for ever": hostile.asks_back_for_ever,
    "garbage after play": hostile.garbage_after_play,
    "garbage rtp": hostile.garbage_rtp,
    "wrong lengths": hostile.wrong_lengths,
    "lying length": hostile.lying_length_then_silence,
    "floods": hostile.floods,
    "floods with media": hostile.floods_with_media,
    **{f"sdp bomb, {name}": hostile.sdp_bomb(body) for name, body in hostile.SDP_BOMBS.items()},
}

BOMB = (
    "<!DOCTYPE s:Envelope ["
    + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha" * 50}">' for n in range(12))
    + "]><s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Body><a>&e11;</a></s:Body></s:Envelope>"
).encode()
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\n"


def _for_ever(data: bytes) -> Iterator[bytes]:
    while True:
        yield data


def _zeros() -> Response:
    head = _HEAD + b"Content-Length: 4294967296\r\n\r\n"

    def pieces() -> Iterator[bytes]:
        yield head
        yield from _for_ever(bytes(65536))

    return Response(raw=pieces())


def _headers_for_ever() -> Response:
    def pieces() -> Iterator[bytes]:
        yield _HEAD
        yield from _for_ever(b"X-Again: and again\r\n" * 100)

    return Response(raw=pieces())


def _elsewhere() -> Response:
    return Response(status=302, headers=(("Location", f"http://{ELSEWHERE}/onvif/device_service"),))


OPERATIONS = (*PRE_AUTH, "GetDeviceInformation", "GetProfiles", "GetStreamUri")
ONVIF_ANSWERS: dict[str, Callable[[], Response]] = {
    "onvif xml bomb": lambda: Response(BOMB),
    "onvif four gigabytes": _zeros,
    "onvif endless header": _headers_for_ever,
    "onvif redirect": _elsewhere,
}


def _onvif_devices() -> dict[str, OnvifDevice]:
    devices = {"onvif hangs": OnvifDevice(Script(delay_s=3600))}
    for name, answer in ONVIF_ANSWERS.items():

        def respond(_: Request, answer: Callable[[], Response] = answer) -> Response:
            return answer()

        devices[name] = OnvifDevice(Script(answers=dict.fromkeys(OPERATIONS, respond)))
    return devices


def _scripted_cameras() -> dict[str, ScriptedCamera]:
    h265 = record(Codec.H265, StreamFormat(PictureSize(320, 180), 25, 100), Variant.STILL, Look.named("hostile"))
    described = sdp.describe(h265, title="hostile", host="127.0.0.1", session_id=1).encode()
    elsewhere = ("302 Moved Temporarily", (f"Location: rtsp://{ELSEWHERE}/stream",))
    return {
        "redirect": ScriptedCamera(RtspScript(answers={"DESCRIBE": elsewhere})),
        "random h264 slices": ScriptedCamera(RtspScript(media=bitstream.random_h264_slices, pause_s=0.04)),
        "random h265 slices": ScriptedCamera(
            RtspScript(sdp=described, media=bitstream.random_h265_slices, pause_s=0.04)
        ),
        "random payloads": ScriptedCamera(RtspScript(media=bitstream.random_payloads, pause_s=0.04)),
    }


async def _serve() -> None:
    async with AsyncExitStack() as stack:
        ports = {}
        for name, trick in RTSP_TRICKS.items():
            ports[name] = (await stack.enter_async_context(hostile.HostileServer(trick))).port
        for name, camera in _scripted_cameras().items():
            ports[name] = (await stack.enter_async_context(camera)).port
        for name, device in _onvif_devices().items():
            ports[name] = stack.enter_context(device).port
        print(json.dumps(ports), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
