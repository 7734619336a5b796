"""A media process: threads that open, decode and remux, each for one request. Started by ``process.MediaProcess``.

    python -m services.ingest.media.child --parent PID --memory BYTES

The main thread reads requests from standard input and answers for probes whose deadline comes while their thread still
waits inside FFmpeg. When the input ends, so does the process.
"""

import argparse
import os
import select
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from services.contracts.ladder import Reason
from services.ingest.media import sandbox
from services.ingest.media.decoding import run_decode
from services.ingest.media.events import Ended, InitSegment, MuxEvent, Segment
from services.ingest.media.mux import run_mux
from services.ingest.media.probe import run_probe
from services.ingest.media.progress import ProbeProgress
from services.ingest.media.wire import FrameBuffer, UnitPlan, encode

_READ_BYTES = 64 * 1024
_STACK_BYTES = 4 * 1024 * 1024

Answer = tuple[dict[str, Any], bytes]
Failed = Callable[[Reason, str], Answer]


class Outbox:
    """Writes whole frames to the parent, from any thread. A parent that is gone ends the process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, header: dict[str, Any], blob: bytes = b"") -> None:
        """Blocks while the pipe is full."""
        rest = memoryview(encode(header, blob))
        with self._lock:
            try:
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            except BrokenPipeError:
                os._exit(0)


class Job:
    """One request. Answered once, by its thread or by the main thread, and freed when its thread is through."""

    def __init__(self, number: int, outbox: Outbox, failed: Failed) -> None:
        """``failed`` makes the last event of a request that ends with an error of ours, or for want of memory."""
        self.number = number
        #: When the main thread answers with what ``late`` gives, unless the thread has answered.
        self.deadline: float | None = None
        self.late: Callable[[], Answer] | None = None
        self._outbox = outbox
        self._failed = failed
        self._lock = threading.Lock()
        self._over = False

    def over(self) -> bool:
        """Whether nobody waits for this any more."""
        return self._over

    def tell(self, header: dict[str, Any], blob: bytes = b"") -> None:
        """Send one of several events, unless it is over."""
        with self._lock:
            if not self._over:
                self._outbox.send({**header, "id": self.number}, blob)

    def answer(self, header: dict[str, Any], blob: bytes = b"") -> None:
        """Send the last event, unless it is over."""
        with self._lock:
            if not self._over:
                self._over = True
                self._outbox.send({**header, "id": self.number}, blob)

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        self._over = True

    def answer_late(self) -> None:
        """The deadline came."""
        self.deadline = None
        if self.late is not None:
            self.answer(*self.late())

    def run(self, work: Callable[[], Answer]) -> None:
        """The thread of this request."""
        try:
            self.answer(*work())
        except MemoryError:
            self.answer(*self._failed(Reason.UNDECODABLE, "needs more memory than allowed"))
        except Exception as error:  # noqa: BLE001 - one request must not end the others; it is told and logged
            traceback.print_exc()
            self.answer(*self._failed(Reason.UNDECODABLE, type(error).__name__))
        finally:
            self._outbox.send({"event": "freed", "id": self.number})


class Child:
    """Reads requests and keeps the table of jobs. Used by the main thread only."""

    def __init__(self, inbox: int, outbox: Outbox) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._buffer = FrameBuffer()
        self._jobs: dict[int, Job] = {}
        self._threads: dict[int, threading.Thread] = {}

    def serve(self) -> None:
        """Serve until the parent closes the input."""
        self._outbox.send({"event": "ready"})
        while True:
            readable, _, _ = select.select([self._inbox], [], [], self._pause_s())
            if readable:
                data = os.read(self._inbox, _READ_BYTES)
                if not data:
                    return
                for header, blob in self._buffer.feed(data):
                    self._take(header, blob)
            self._answer_late(time.monotonic())
            self._forget_freed()

    def _pause_s(self) -> float | None:
        deadlines = [job.deadline for job in self._jobs.values() if job.deadline is not None]
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _answer_late(self, now: float) -> None:
        for job in self._jobs.values():
            if job.deadline is not None and job.deadline <= now:
                job.answer_late()

    def _forget_freed(self) -> None:
        for number in [number for number, thread in self._threads.items() if not thread.is_alive()]:
            del self._threads[number], self._jobs[number]

    def _take(self, request: dict[str, Any], blob: bytes) -> None:
        number = request.get("id", 0)
        match request.get("op"):
            case "ping":
                self._outbox.send({"event": "pong"})
            case "cancel":
                if number in self._jobs:
                    self._jobs[number].cancel()
            case "probe":
                self._start(*_probe_job(request, self._outbox))
            case "decode":
                self._start(*_decode_job(request, blob, self._outbox))
            case "mux":
                self._start(*_mux_job(request, self._outbox))

    def _start(self, job: Job, work: Callable[[], Answer]) -> None:
        thread = threading.Thread(target=job.run, args=(work,), name=f"job-{job.number}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no memory for its stack
            job.run(_no_thread)
            return
        self._jobs[job.number] = job
        self._threads[job.number] = thread


def _no_thread() -> Answer:
    raise MemoryError


def _probe_job(request: dict[str, Any], outbox: Outbox) -> tuple[Job, Callable[[], Answer]]:
    progress = ProbeProgress()
    job = Job(request["id"], outbox, progress.answer)
    job.deadline = time.monotonic() + float(request["deadline_s"])
    job.late = lambda: progress.answer_at_deadline(time.monotonic())

    def work() -> Answer:
        return progress.answer(
            *run_probe(
                request["url"],
                watch_s=float(request["watch_s"]),
                silence_s=float(request["silence_s"]),
                progress=progress,
                cancelled=job.over,
            )
        )

    return job, work


def _decode_job(request: dict[str, Any], blob: bytes, outbox: Outbox) -> tuple[Job, Callable[[], Answer]]:
    progress = ProbeProgress()
    job = Job(request["id"], outbox, progress.answer)
    job.deadline = time.monotonic() + float(request["deadline_s"])
    job.late = lambda: progress.answer_at_deadline(time.monotonic())

    def work() -> Answer:
        at = int(request["extradata_bytes"])
        extradata = blob[:at]
        units: list[tuple[UnitPlan, bytes]] = []
        for size, key, arrived_at in request["units"]:
            units.append((UnitPlan(size, key, arrived_at), blob[at : at + size]))
            at += size
        return progress.answer(
            *run_decode(request["codec"], extradata, units, snapshot=bool(request["snapshot"]), progress=progress)
        )

    return job, work


def _mux_job(request: dict[str, Any], outbox: Outbox) -> tuple[Job, Callable[[], Answer]]:
    job = Job(request["id"], outbox, lambda reason, detail: _told(Ended(reason, detail)))

    def emit(event: MuxEvent) -> None:
        job.tell(*_told(event))

    def work() -> Answer:
        return _told(run_mux(request["url"], silence_s=float(request["silence_s"]), emit=emit, cancelled=job.over))

    return job, work


def _told(event: MuxEvent) -> Answer:
    match event:
        case InitSegment():
            return {
                "event": "init",
                "codec": event.codec,
                "width": event.width,
                "height": event.height,
                "discontinuity": event.discontinuity,
            }, event.data
        case Segment():
            return {"event": "segment", "index": event.index, "duration_s": event.duration_s}, event.data
        case Ended():
            return {"event": "ended", "reason": event.reason, "detail": event.detail}, b""


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m services.ingest.media.child")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--memory", type=int, required=True)
    arguments = parser.parse_args()
    sandbox.confine(memory_limit_bytes=arguments.memory, parent_pid=arguments.parent)
    # Whatever a library prints must not fall among the frames.
    frames_out = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    threading.stack_size(_STACK_BYTES)
    Child(sys.stdin.fileno(), Outbox(frames_out)).serve()
    # Threads may wait inside FFmpeg; nothing of theirs is worth waiting for.
    os._exit(0)


if __name__ == "__main__":
    main()
