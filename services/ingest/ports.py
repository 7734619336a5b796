"""What ingest needs from elsewhere, and the borders at which its own adapters stand."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

from services.contracts.camera import (
    AuthOutcome,
    CameraAssignment,
    Claim,
    Credentials,
    DeviceFacts,
    Interrogation,
    LeaseRef,
    OnvifSource,
    Renewal,
    Snapshot,
    WorkerIdentity,
)
from services.contracts.discovery import DiscoveryOrder, DiscoveryReply, DiscoveryReport
from services.contracts.worker_endpoint import ClockSet
from services.ingest.media.events import MuxEvent
from services.ingest.media.results import ProbeResult
from services.ingest.rtsp.keyframe import Gathered


class CameraDirectory(Protocol):
    """Who may watch what. In process: ``registry.directory.LocalDirectory``; over HTTPS: ``adapters.directory_http``.

    Every method raises Unavailable when the directory does not answer; a worker then keeps watching until its leases
    run out by its own monotonic clock.
    """

    async def announce(self, worker: WorkerIdentity) -> None:
        """Say that this worker lives. Repeated every few seconds."""

    async def claim_cameras(self, worker: WorkerIdentity, claim: Claim) -> Sequence[CameraAssignment]:
        """Lease cameras that nobody watches."""

    async def renew_leases(self, worker: WorkerIdentity, leases: Sequence[tuple[LeaseRef, int]]) -> Renewal:
        """Prolong leases; the number beside each is the assignment's version known to the worker."""

    async def release_leases(self, worker: WorkerIdentity, leases: Sequence[LeaseRef]) -> None:
        """Give leases back, so that another worker can take the cameras at once."""

    async def credentials_for(self, worker: WorkerIdentity, lease: LeaseRef) -> Credentials | None:
        """The credentials of a leased camera, or None when none are registered. Audited. Conflict without the lease."""

    async def record_auth(self, worker: WorkerIdentity, lease: LeaseRef, version: int, outcome: AuthOutcome) -> None:
        """Remember what the device said to the credentials of this version."""

    async def record_certificate(self, worker: WorkerIdentity, lease: LeaseRef, shown: str) -> str:
        """The TLS certificate that holds for the device of a leased camera, by its SHA-256: the one shown now is kept
        when none is known. Conflict without the lease."""

    async def record_interrogation(self, worker: WorkerIdentity, lease: LeaseRef, told: Interrogation) -> None:
        """Keep what ONVIF told."""

    async def put_snapshot(self, worker: WorkerIdentity, lease: LeaseRef, snapshot: Snapshot) -> None:
        """Keep the newest picture."""

    async def report_missing(self, worker: WorkerIdentity, lease: LeaseRef) -> None:
        """A leased camera's device is no longer at its address, or another one is: it may have moved.

        The directory decides whether to search for it; said as often as it is noticed.
        """


class DiscoveryDesk(Protocol):
    """Where a worker takes the searches that it shall run. Satisfied by what satisfies ``CameraDirectory``."""

    async def claim_discovery(self, worker: WorkerIdentity) -> DiscoveryOrder | None:
        """A search that waits for a worker of this reach, or None. The worker reports at least every 5 s from now on."""

    async def report_discovery(
        self, worker: WorkerIdentity, discovery_id: UUID, report: DiscoveryReport
    ) -> DiscoveryReply:
        """Tell how far it is and what was found so far. The last report says ``done`` or ``failed``."""


class Directory(CameraDirectory, DiscoveryDesk, Protocol):
    """All that a worker asks of the registry."""


class OnvifGateway(Protocol):
    """ONVIF as ingest sees it. Implementation: ``onvif.gateway.ZeepOnvifGateway``."""

    async def interrogate(
        self, source: OnvifSource, credentials: Credentials | None, *, every_channel: bool = False
    ) -> Interrogation:
        """Ask a device what it is, which channels it has and where their streams are.

        One request carries credentials that the device could refuse, and one more only where it did not judge the first (decision
        0029). With ``source.profile`` None and a single
        channel, ``streams`` are that channel's; with several channels they are empty. ``every_channel`` asks for the
        streams and the snapshot of each channel too. Raises CameraFault.
        """

    async def identify(self, source: OnvifSource, credentials: Credentials | None) -> DeviceFacts:
        """Ask only what the device is: cheap enough to be asked after each loss of a stream. Raises CameraFault."""

    async def set_clock(self, source: OnvifSource, credentials: Credentials | None) -> ClockSet:
        """Set the device's clock to ours. Raises CameraFault."""

    async def try_sign_in(self, source: OnvifSource, credentials: Credentials) -> AuthOutcome | None:
        """Sign in once and say what the device said; None when it wants no credentials. Raises CameraFault."""


class StreamMedia(Protocol):
    """PyAV as ingest sees it, at work in other processes. Implementation: ``media.host.MediaHost``.

    URLs are those of the relay. Raises MediaHostBusy or MediaHostLost; a stream that fails is a result, not an error.
    """

    async def probe(self, url: str, *, watch_s: float, deadline_s: float, alone: bool = False) -> ProbeResult:
        """Open, decode a key frame, measure for ``watch_s``, and be done by ``deadline_s``.

        ``alone`` gives the stream a process to itself: for one that was being probed when a process was lost.
        """

    async def decode(
        self, gathered: Gathered, *, deadline_s: float, snapshot: bool, alone: bool = False
    ) -> ProbeResult:
        """Decode key frames that were gathered from a stream: a look for each, a JPEG of the first if wanted."""

    def mux(self, url: str) -> AbstractAsyncContextManager[AsyncIterator[MuxEvent]]:
        """Remux to fragmented MP4 until the block ends."""
