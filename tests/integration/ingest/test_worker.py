"""A worker, put together."""

from ipaddress import ip_network

import pytest

from services.contracts.networks import CameraNetworks
from services.ingest.worker import Worker, WorkerSettings
from services.runtime.clock import SystemClock
from tests.doubles.bus import RecordingBus
from tests.doubles.directory import ScriptedDirectory


def a_worker(settings: WorkerSettings) -> Worker:
    clock = SystemClock()
    networks = CameraNetworks([ip_network("127.0.0.0/8")])
    return Worker(settings, ScriptedDirectory(clock), RecordingBus(), networks, clock)


async def test_a_start_that_fails_leaves_nothing_behind() -> None:
    worker = a_worker(WorkerSettings(name="w", media_host="203.0.113.7"))
    with pytest.raises(OSError, match="cannot listen on"):
        await worker.start()
    assert worker._probing.pids == []
    assert worker._muxing.pids == []
    assert worker._relay._server is not None
    assert not worker._relay._server.is_serving()
    with pytest.raises(RuntimeError):
        _ = worker.supervisor


async def test_a_worker_that_was_never_started_can_be_closed() -> None:
    await a_worker(WorkerSettings(name="w")).close()
