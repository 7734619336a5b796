"""From an assignment to an open session with its camera: address, password, certificate, and a slot to connect in."""

import contextlib
from collections.abc import AsyncIterator, Callable

from services.contracts.camera import AuthOutcome, CameraAssignment, Credentials, Interrogation, RtspSource
from services.contracts.ladder import Reason, Rung
from services.ingest.connect_gate import Turn
from services.ingest.faults import CameraFault, HttpOnly
from services.ingest.lookers import FOLLOWING
from services.ingest.redirects import Route
from services.ingest.rtsp.upstream import Upstream
from services.ingest.sign_in import SignIn
from services.ingest.stream_address import StreamAddress
from services.ingest.tls_trust import TlsTrust
from services.ingest.tools import Tools


class Opening:
    """Of one camera, for all its attempts; it remembers what the former have learned."""

    def __init__(
        self, assignment: CameraAssignment, tools: Tools, on_found: Callable[[], None], on_rung: Callable[[Rung], None]
    ) -> None:
        """``on_found``: the address is known, and with it perhaps new ``notes``. ``on_rung``: see ``Upstream``."""
        self._tools = tools
        self._on_found = on_found
        self._tell_rung = on_rung
        self._sign_in = SignIn(tools)
        self._address = StreamAddress(tools, self._sign_in)
        self._route = Route(assignment.camera_id, tools.networks)
        self._trust = TlsTrust(tools)
        self._turn: Turn | None = None
        self._source: RtspSource | None = None  # of the attempt at hand
        self._http: RtspSource | None = None  # what answered RTSP in HTTP
        self._no_tunnel = False  # it had no tunnel when it was asked for one
        #: Whether an attempt is under way that has not come to an open session yet.
        self.under_way = False

    @contextlib.asynccontextmanager
    async def opened(self, assignment: CameraAssignment, *, failed_before: bool) -> AsyncIterator[Upstream]:
        """A session that plays, closed when the block ends. Raises CameraFault, or what is no fault of the camera."""
        self.under_way = True
        try:
            source = self._route.begin(await self._address.find(assignment))
            self._on_found()
            self._source = source
            upstream = await self._upstream(assignment, source)
            try:
                async with self._sign_in.turn(assignment):
                    await self._connect(upstream, assignment, source, failed_before)
                    if upstream.auth is AuthOutcome.ACCEPTED:
                        await self._sign_in.told(assignment, AuthOutcome.ACCEPTED)
                    await self._trust.saw(assignment, upstream.certificate)
                self._address.worked(assignment)
                self._no_tunnel = False
                self.under_way = False
                yield upstream
            finally:
                await upstream.close()
                self._trust.end()
        finally:
            self.under_way = False

    def failed(self, fault: CameraFault) -> CameraFault:
        """An attempt ended so. Gives the fault as it is to be told."""
        self._address.failed(fault)
        if self._in_tunnel and not isinstance(fault, HttpOnly):
            # It may be an RTSP server again, or another device: the next attempt asks in RTSP.
            self._http, self._no_tunnel = None, fault.rung is Rung.REACHABLE
        return self._route.judged(fault)

    def follow(self, fault: CameraFault) -> bool:
        """Whether the end of an attempt is an invitation that the next attempt takes at once: a redirect,
        or an answer in HTTP."""
        if isinstance(fault, HttpOnly):
            # It may have a tunnel. Where it had none the last time, that is asked at the pace of the back-off.
            self._http = self._source
            return not self._no_tunnel
        return self._route.follow(fault)

    @property
    def _in_tunnel(self) -> bool:
        """Whether the attempt at hand speaks inside HTTP requests."""
        return self._http is not None and self._http == self._source

    def notes(self, upstream: Upstream | None) -> tuple[Reason, ...]:
        """Advisory reasons from what the device told, and its stream if there is one now."""
        if upstream is not None:
            self._address.hear_clock(upstream.clock_offset_s)
        return self._address.notes

    async def device(self, assignment: CameraAssignment) -> tuple[Interrogation | None, Credentials | None]:
        """What ONVIF told of the device, if it was asked, and the credentials that it accepted."""
        return self._address.told, await self._sign_in.credentials(assignment)

    async def _upstream(self, assignment: CameraAssignment, source: RtspSource) -> Upstream:
        credentials = await self._sign_in.credentials(assignment)
        return Upstream(
            source,
            credentials if self._route.may_sign_in else None,
            clock=self._tools.clock,
            reactor=self._tools.reactor,
            on_rung=self._on_rung,
            # The integrator registered this address and these credentials: Basic is their decision.
            allow_basic=self._route.may_sign_in_plainly,
            certificate=self._trust.begin(assignment, source),
            gather_first=FOLLOWING,
            tunnel=self._in_tunnel,
        )

    async def _connect(
        self, upstream: Upstream, assignment: CameraAssignment, source: RtspSource, failed_before: bool
    ) -> None:
        site, address = assignment.facility_id, f"{source.address}:{source.port}"
        async with self._tools.connecting.turn(site, address, failed_before=failed_before) as turn:
            self._turn = turn
            try:
                await upstream.open()
            finally:
                self._turn = None

    def _on_rung(self, rung: Rung) -> None:
        if self._turn is not None:
            self._turn.advanced()
        self._tell_rung(rung)
