"""ipycam 1.3.0 as its makers run it, a whole camera: ``python -m tests.harness.ipycam_camera``.

ONVIF, WS-Discovery and RTSP on all addresses, so it belongs into a network of its own. The picture is a moving box.
"""

import argparse
import json
import signal
import threading

import numpy as np
from ipycam import CameraConfig, IPCamera

WIDTH, HEIGHT, FPS = 640, 360, 15


def picture(number: int) -> np.ndarray:
    """The picture of this number."""
    frame = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    left = 8 * number % (WIDTH - 80)
    frame[120:200, left : left + 80] = (40, 40, 220)
    return frame


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--named-address", required=True, help="the address it gives for itself")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--rtsp-port", type=int, default=8554)
    parser.add_argument("--username", default="")
    parser.add_argument("--password", default="")
    options = parser.parse_args()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    config = CameraConfig(
        name="Sentry post camera",
        local_ip=options.named_address,
        onvif_port=options.port,
        rtsp_port=options.rtsp_port,
        username=options.username,
        password=options.password,
        main_width=WIDTH,
        main_height=HEIGHT,
        main_fps=FPS,
        main_bitrate="500K",
        sub_width=WIDTH // 2,
        sub_height=HEIGHT // 2,
        sub_fps=FPS,
        sub_bitrate="200K",
        hw_accel="cpu",
    )
    camera = IPCamera(config)
    camera.start()
    print(json.dumps({"port": options.port}), flush=True)
    number = 0
    while not ended.is_set():
        camera.stream(picture(number))  # waits until the next picture is due
        number += 1
    camera.stop()


if __name__ == "__main__":
    main()
