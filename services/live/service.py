"""Live links: issued to those who may look, opened within their time, audited; and the views they open."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote
from uuid import UUID

from services.contracts.errors import Conflict
from services.contracts.ids import CameraId, PrincipalId, new_id
from services.contracts.ladder import Condition
from services.contracts.scope import ProvinceScope
from services.live import playlists
from services.live.ports import AuditLog, Cameras, HlsSource, Principals
from services.live.tables import LiveGrant
from services.live.tokens import LinkRefused, Pass, TokenSigner, Use
from services.runtime.clock import Clock
from services.storage.database import Transactions

#: What fMP4 for browsers and players can carry without transcoding.
PLAYABLE_CODECS = frozenset({"h264", "h265"})

#: How long a grant that was found good is not looked up again.
_RECHECK_S = 5.0


class CameraNotPlayable(Conflict):
    """The camera gives no picture now."""

    code = "camera-not-playable"


@dataclass(frozen=True, slots=True)
class LiveLink:
    """One way to watch."""

    protocol: str
    url: str


class LiveLinks:
    """Issues links, opens them, serves what they show."""

    def __init__(
        self,
        transactions: Transactions,
        cameras: Cameras,
        source: HlsSource,
        principals: Principals,
        audit: AuditLog,
        signer: TokenSigner,
        clock: Clock,
        link_ttl: timedelta,
        session_max: timedelta,
    ) -> None:
        self._transactions = transactions
        self._cameras = cameras
        self._source = source
        self._principals = principals
        self._audit = audit
        self._signer = signer
        self._clock = clock
        self._link_ttl = link_ttl
        self._session_max = session_max
        self._good_until: dict[UUID, float] = {}

    async def issue(
        self, principal: PrincipalId, scope: ProvinceScope, camera_id: CameraId, base_url: str
    ) -> tuple[list[LiveLink], datetime]:
        """Links that may be opened until the moment returned. One grant and one audit entry each time.

        Raises NotFound, or CameraNotPlayable with the reasons.
        """
        camera = await self._cameras.viewable(scope, camera_id)
        if camera.condition not in {Condition.ONLINE, Condition.DEGRADED}:
            advice = camera.reasons[0].advice.en if camera.reasons else "Nobody has looked at it yet."
            raise CameraNotPlayable(
                f"The camera is {camera.condition} now. {advice}", reasons=[str(reason) for reason in camera.reasons]
            )
        if camera.codec not in PLAYABLE_CODECS:
            raise CameraNotPlayable(
                f"The camera sends {camera.codec or 'an unknown codec'}, which live view cannot carry; "
                "set it to H.264, or look at its snapshot."
            )
        now = self._clock.now()
        grant = LiveGrant(
            id=new_id(),
            principal_id=principal,
            camera_id=camera_id,
            province_unit_id=camera.province_unit_id,
            issued_at=now,
            expires_at=now + self._link_ttl,
        )
        async with self._transactions.write() as session:
            session.add(grant)
            await self._audit.record(
                session,
                principal_id=principal,
                action="live.grant",
                subject=str(camera_id),
                province_unit_id=camera.province_unit_id,
                details={"grant_id": str(grant.id), "expires_at": grant.expires_at.isoformat()},
            )
        token = self._signer.sign(Pass(Use.LINK, grant.id, principal, camera_id, grant.expires_at))
        url = f"{base_url.rstrip('/')}/live/{camera_id}/index.m3u8?token={quote(token, safe='')}"
        return [LiveLink("hls", url)], grant.expires_at

    async def open(self, camera_id: CameraId, token: str, client: str) -> str:
        """The multivariant playlist of a new view. Raises LinkRefused or Unavailable."""
        now = self._clock.now()
        permit = self._signer.verify(token, Use.LINK, camera_id, now)
        grant = await self._require_grant(permit)
        window = await self._source.window(camera_id)
        ends_at = now + self._session_max
        async with self._transactions.write() as session:
            await self._audit.record(
                session,
                principal_id=permit.principal_id,
                action="live.view",
                subject=str(camera_id),
                province_unit_id=grant.province_unit_id,
                details={"grant_id": str(permit.grant_id), "client": client, "ends_at": ends_at.isoformat()},
            )
        session_token = self._signer.sign(Pass(Use.SESSION, permit.grant_id, permit.principal_id, camera_id, ends_at))
        return playlists.multivariant(window, session_token)

    async def media_playlist(self, camera_id: CameraId, session_token: str) -> str:
        """The media playlist of a view. Raises LinkRefused or Unavailable."""
        await self._require_session(camera_id, session_token)
        return playlists.media(await self._source.window(camera_id), session_token)

    async def init(self, camera_id: CameraId, session_token: str, number: int) -> bytes:
        await self._require_session(camera_id, session_token)
        return await self._source.init(camera_id, number)

    async def segment(self, camera_id: CameraId, session_token: str, index: int) -> bytes:
        """One segment. The session's end is checked on every one."""
        await self._require_session(camera_id, session_token)
        return await self._source.segment(camera_id, index)

    async def _require_session(self, camera_id: CameraId, session_token: str) -> None:
        permit = self._signer.verify(session_token, Use.SESSION, camera_id, self._clock.now())
        now = self._clock.monotonic()
        if self._good_until.get(permit.grant_id, 0.0) > now:
            return
        await self._require_grant(permit)
        self._good_until = {grant: until for grant, until in self._good_until.items() if until > now}
        self._good_until[permit.grant_id] = now + _RECHECK_S

    async def _require_grant(self, permit: Pass) -> LiveGrant:
        async with self._transactions.read() as session:
            grant = await session.get(LiveGrant, permit.grant_id)
        if grant is None or grant.revoked_at is not None or grant.camera_id != permit.camera_id:
            raise LinkRefused
        if not await self._principals.still_valid(permit.principal_id):
            raise LinkRefused
        return grant
