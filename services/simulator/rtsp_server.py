"""The RTSP port of one device: where its mounts are offered (RFC 2326, RTP over the same TCP connection only)."""

import asyncio
import re
from collections.abc import Mapping

from services.simulator.digest import DigestGuard, Verdict
from services.simulator.faults import Fault
from services.simulator.listener import Listener
from services.simulator.mount import Mount
from services.simulator.quirks import Quirk
from services.simulator.rtsp_session import Answer, RtspLimits, RtspSession, serve_session
from services.simulator.sdp import TRACK
from services.simulator.state import DeviceState
from services.simulator.wire import HEAD_MAX_BYTES, Head

_AUTHORITY = re.compile(r"^rtsps?://[^/]*", re.IGNORECASE)


class RtspServer:
    """Serves the mounts of one device. ``guard`` None means that nobody is asked for credentials."""

    def __init__(
        self,
        host: str,
        port: int,
        mounts: Mapping[str, Mount],
        state: DeviceState,
        guard: DigestGuard | None,
        limits: RtspLimits,
    ) -> None:
        self.limits = limits
        self.mounts = mounts
        self.listener = Listener(host, port, self._serve, read_limit=HEAD_MAX_BYTES)
        self._state = state
        self._guard = guard

    def find_mount(self, uri: str) -> Mount | None:
        """The mount that a request URI names, by itself or by its track."""
        path = _AUTHORITY.sub("", uri) or "/"
        if self._state.has(Quirk.ANY_PATH):
            return next(iter(self.mounts.values()))
        for mount in self.mounts.values():
            if path in {mount.path, f"{mount.path}/"} or path == f"{mount.path}/{TRACK}":
                return None if mount.fault is Fault.OFF else mount
        return None

    def refusal(self, head: Head) -> Answer | None:
        """401 with challenges, or None when the request may go on."""
        if self._guard is None:
            return None
        mount, state = self.find_mount(head.target), self._state
        if mount is None and state.has(Quirk.PATHS_TOLD):
            return Answer(404)
        only_for = head.target if state.has(Quirk.NONCE_PER_URI) else ""
        verdict = self._guard.judge(
            head.headers.get("authorization"),
            method=head.method,
            uri=head.target,
            username=state.username,
            password=state.password_under(mount.fault if mount else state.fault),
            only_for=only_for,
        )
        judged = verdict in {Verdict.ACCEPTED, Verdict.REFUSED}
        if judged and state.judged(right=verdict is Verdict.ACCEPTED):
            return None
        challenges = self._guard.challenges(stale=verdict is Verdict.STALE, only_for=only_for)
        return Answer(401, tuple(("WWW-Authenticate", challenge) for challenge in challenges))

    async def stop(self) -> None:
        """Close the port and all connections."""
        await self.listener.stop()

    @property
    def is_full(self) -> bool:
        """Whether one session more is too many."""
        limit = self.limits.sessions_max
        return limit is not None and sum(mount.viewers for mount in self.mounts.values()) >= limit

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve_session(RtspSession(self, writer), reader)
