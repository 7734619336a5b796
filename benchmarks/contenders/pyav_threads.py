"""A thread with PyAV for each camera, as scripts do it: open, demux, count. Nothing is decoded, no ``timeout=`` is set
(it would cost more: its callback takes the interpreter's lock)."""

import json
import os
import sys
import threading
import time
from typing import Any

import av
from av.container import InputContainer

from services.runtime.file_limit import raise_file_limit

_OPEN_S = 120.0
_TRIES = 3
#: gst-rtsp-server does not answer hundreds at once in time; opening is not what is measured.
_opening = threading.Semaphore(16)


class _Stream(threading.Thread):
    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url = url
        self.frames = 0
        self.playing = threading.Event()

    def run(self) -> None:
        with self._open() as container:
            for packet in container.demux(video=0):
                if packet.size:
                    self.frames += 1
                    self.playing.set()

    def _open(self) -> InputContainer:
        with _opening:
            for left in reversed(range(_TRIES)):
                try:
                    return av.open(self.url, options={"rtsp_transport": "tcp"})
                except av.FFmpegError:
                    if not left:
                        raise
        raise AssertionError("the last try returns or raises")


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"at": time.monotonic(), **told}) + "\n")
    sys.stdout.flush()


def main() -> None:
    raise_file_limit()
    streams: list[_Stream] = []
    _say({"ready": True})
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "open":
            for address, port, path in order["streams"]:
                streams.append(_Stream(f"rtsp://{address}:{port}{path}"))
                streams[-1].start()
            until = time.monotonic() + _OPEN_S
            playing = sum(stream.playing.wait(max(until - time.monotonic(), 0)) for stream in streams)
            _say({"open": playing})
        else:
            _say({"frames": [stream.frames for stream in streams]})
    os._exit(0)  # the threads wait inside FFmpeg


if __name__ == "__main__":
    main()
