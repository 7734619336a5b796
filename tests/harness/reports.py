"""Reports of a worker on cameras of an application without one."""

from collections.abc import Mapping

from services.contracts.camera import CameraReport, Claim, LeaseRef, StreamFacts
from services.contracts.ladder import Reason, Rung
from services.contracts.messages import CameraHealthReported
from services.runtime.clock import SystemClock
from tests.harness.application import Application


async def report_all(application: Application, cameras: Mapping[str, tuple[Rung | Reason, ...]]) -> None:
    """A worker leases all free cameras, reports on those named (a rung, then reasons), and gives them back."""
    worker = application.watcher
    await application.directory.announce(worker)
    leased = await application.directory.claim_cameras(worker, Claim(held=0, capacity=100))
    for one in leased:
        told = cameras.get(str(one.camera_id))
        if told is None:
            continue
        now = SystemClock().now()
        report = CameraReport(
            camera_id=one.camera_id,
            epoch=one.epoch,
            sequence=1,
            settled=True,
            rung=next(part for part in told if isinstance(part, Rung)),
            reasons=tuple(part for part in told if isinstance(part, Reason)),
            since=now,
            observed_at=now,
            stream=StreamFacts(codec="h264", width=640, height=360, fps=25.0),
            watch="reactor",
        )
        await application.aggregator.on_camera_health(
            CameraHealthReported(facility_id=one.facility_id, worker_id=worker.worker_id, reports=(report,))
        )
    refs = [LeaseRef(camera_id=one.camera_id, epoch=one.epoch) for one in leased]
    await application.directory.release_leases(worker, refs)
