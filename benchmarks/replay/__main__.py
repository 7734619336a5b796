"""The cameras as a process: prints ``{"port": …, "addresses": […]}`` when they listen, then obeys orders on stdin."""

import argparse
import gc
import sys

from benchmarks.replay.clips import CLIPS
from benchmarks.replay.control import Control
from benchmarks.replay.feed import reel_of
from benchmarks.replay.server import Cameras
from services.runtime.file_limit import raise_file_limit


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay", description=__doc__)
    parser.add_argument("--cameras", type=int, default=10)
    parser.add_argument("--clip", choices=CLIPS, default="360p-1M")
    parser.add_argument("--port", type=int, default=0, help="0: any free one; the same on all addresses")
    parser.add_argument("--lanes", type=int, default=40, help="so many moments within a frame's time")
    parser.add_argument(
        "--ready", nargs="*", default=[], help="clips that will be wanted later: encoded before the start"
    )
    given = parser.parse_args()
    raise_file_limit()
    for clip in given.ready:
        reel_of(clip)
    cameras = Cameras(given.cameras, reel_of(given.clip), lanes=given.lanes, port=given.port)
    control = Control(cameras, sys.stdin.fileno(), sys.stdout.fileno())
    cameras.watch(sys.stdin.fileno(), control.on_event)
    control.say({"port": cameras.port, "addresses": [camera.address for camera in cameras.cameras]})
    gc.freeze()
    cameras.run()


if __name__ == "__main__":
    main()
