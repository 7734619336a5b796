"""Where the stream of a camera is: as registered, or as its ONVIF device says, asked anew when it seems to have moved."""

import logging
from ipaddress import ip_address
from urllib.parse import urlsplit

from services.contracts.camera import (
    AuthOutcome,
    CameraAssignment,
    DeviceStream,
    Interrogation,
    OnvifSource,
    RtspSource,
)
from services.contracts.errors import ServiceError
from services.contracts.ladder import Reason, Rung
from services.ingest.discovery.neighbours import mac_of
from services.ingest.faults import CameraFault
from services.ingest.identity_check import IdentityCheck
from services.ingest.sign_in import SignIn, lease_of
from services.ingest.stream_choice import choose_stream
from services.ingest.tools import Tools

log = logging.getLogger(__name__)

#: Failed connections in a row after which a device is asked again where its stream is.
_ASK_AGAIN_AFTER = 3
_CLOCK_SKEW_S = 5.0
#: The device answers, but this stream of it is not to be had: another one may be.
_UNFIT = frozenset(
    {
        Reason.NOT_FOUND,
        Reason.NO_VIDEO,
        Reason.NO_FRAMES,
        Reason.CODEC_UNSUPPORTED,
        Reason.UNDECODABLE,
        Reason.PROTOCOL_ERROR,
        Reason.TRANSPORT_UNSUPPORTED,
    }
)


class StreamAddress:
    """The stream address of one camera."""

    def __init__(self, tools: Tools, sign_in: SignIn) -> None:
        self._tools = tools
        self._sign_in = sign_in
        self._told: Interrogation | None = None
        self._for_version: int | None = None
        self._failures = 0
        self._clock_offset_s: float | None = None
        self._chosen: DeviceStream | None = None
        self._identity = IdentityCheck(None, mac_of)
        self._registry_notes: tuple[Reason, ...] = ()
        #: Profiles of this device whose streams were not to be had.
        self._unfit: set[str] = set()

    def failed(self, fault: CameraFault) -> None:
        """A connection to the address failed, or its stream."""
        self._failures += 1
        if self._chosen is not None and fault.reason in _UNFIT:
            self._unfit.add(self._chosen.profile)

    def worked(self, assignment: CameraAssignment) -> None:
        """A connection to the address gave a stream. Raises CameraFault when it is another device's."""
        self._identity.verify_neighbour(assignment)
        self._failures = 0

    def hear_clock(self, offset_s: float | None) -> None:
        """The stream told the device's time, as ours plus this many seconds; None if it does not tell."""
        if offset_s is not None:
            self._clock_offset_s = offset_s

    @property
    def told(self) -> Interrogation | None:
        """What the device told last; None without ONVIF."""
        return self._told

    @property
    def notes(self) -> tuple[Reason, ...]:
        """Advisory reasons from what the device told."""
        notes = list(self._registry_notes)
        if self._clock_offset_s is not None and abs(self._clock_offset_s) > _CLOCK_SKEW_S:
            notes.append(Reason.CLOCK_SKEW)
        if self._told is not None and any(_names_another_host(stream) for stream in self._told.streams):
            notes.append(Reason.ADDRESS_REWRITTEN)
        return tuple(notes)

    async def find(self, assignment: CameraAssignment) -> RtspSource:
        """The checked address of the stream to watch. Raises CameraFault, or Unavailable when the directory is away."""
        source = assignment.source
        if not self._tools.networks.permit_text(source.address):
            raise CameraFault(Reason.ADDRESS_REFUSED, Rung.UNREACHABLE, "outside this worker's camera networks")
        if self._for_version != assignment.version:  # it may be another device
            self._told = self._clock_offset_s = self._chosen = None
            self._unfit.clear()
            self._identity = IdentityCheck(assignment.identity, mac_of)
            self._registry_notes = assignment.notes
            self._for_version = assignment.version
        if isinstance(source, RtspSource):
            self._identity.verify_neighbour(assignment)
            return source
        if self._told is None:
            self._told = await self._ask(assignment, source)
            self._failures = 0
        elif self._failures >= _ASK_AGAIN_AFTER:
            self._failures = 0
            try:
                self._told = await self._ask(assignment, source)
            except CameraFault as fault:
                # What it told earlier may still be right: let the stream itself say whether it is there.
                if fault.reason is Reason.WRONG_DEVICE:
                    raise
                log.debug("not told anew", extra={"camera_id": assignment.camera_id, "reason": fault.reason.value})
        elif self._identity.due(self._tools.clock.monotonic()):
            await self._verify(assignment, source)
        self._chosen = choose_stream(self._told.streams, assignment.stream_choice, self._unfit)
        if self._chosen is None:
            several = len(self._told.channels) > 1
            raise CameraFault(
                Reason.CHANNEL_REQUIRED if several else Reason.NO_VIDEO,
                Rung.AUTHORIZED,
                f"{len(self._told.channels)} channels",
            )
        return self._chosen.source

    async def _ask(self, assignment: CameraAssignment, source: OnvifSource) -> Interrogation:
        credentials = await self._sign_in.credentials(assignment)
        connecting = self._tools.connecting.turn(
            assignment.facility_id, f"{source.address}:{source.port}", failed_before=self._failures > 0
        )
        async with self._sign_in.turn(assignment), connecting:
            told = await self._tools.onvif.interrogate(source, credentials)
            if credentials is not None and told.device.auth_mode != "none":
                await self._sign_in.told(assignment, AuthOutcome.ACCEPTED)
        self.hear_clock(told.device.clock_offset_s)
        await self._record(assignment, told)
        # Told to the directory first: it keeps what contradicts, for people to decide.
        self._identity.verify(told.device, self._tools.clock.monotonic())
        return told

    async def _verify(self, assignment: CameraAssignment, source: OnvifSource) -> None:
        """Ask the device who it is. Raises CameraFault when it is another one.

        A device that does not say it now is not another one for that: cameras whose ONVIF service has died still stream.
        """
        credentials = await self._sign_in.credentials(assignment)
        connecting = self._tools.connecting.turn(
            assignment.facility_id, f"{source.address}:{source.port}", failed_before=self._failures > 0
        )
        try:
            async with self._sign_in.turn(assignment), connecting:
                facts = await self._tools.onvif.identify(source, credentials)
                if credentials is not None and facts.auth_mode != "none":
                    await self._sign_in.told(assignment, AuthOutcome.ACCEPTED)
        except CameraFault as fault:
            log.debug("identity not told", extra={"camera_id": assignment.camera_id, "reason": fault.reason.value})
            self._identity.silent(self._tools.clock.monotonic())
            return
        try:
            self._identity.verify(facts, self._tools.clock.monotonic())
        except CameraFault:
            await self._record(assignment, Interrogation(device=facts, channels=()))
            raise

    async def _record(self, assignment: CameraAssignment, told: Interrogation) -> None:
        try:
            await self._tools.directory.record_interrogation(self._tools.worker, lease_of(assignment), told)
        except ServiceError as error:
            log.warning("device facts not kept", extra={"camera_id": assignment.camera_id, "error": error.detail})


def _names_another_host(stream: DeviceStream) -> bool:
    """Whether the device named another address for this stream than the one we reach it by."""
    try:
        named = ip_address(urlsplit(stream.original_uri).hostname or "")
    except ValueError:
        return stream.source.address not in stream.original_uri  # a name, or an IPv6 address without brackets
    return named != ip_address(stream.source.address)
