"""Finds out where a registered source is: read, resolve, check against the allowed networks, and ask ONVIF devices."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from services.contracts.camera import AuthOutcome, Channel, Credentials, Interrogation, OnvifSource
from services.contracts.networks import CameraNetworks
from services.registry.errors import ChannelRequired
from services.registry.ports import InterrogationFailed, Interrogator
from services.registry.resolver import Resolver
from services.registry.sources import (
    Endpoint,
    check_addresses,
    onvif_source_key,
    read_endpoint,
    read_rtsp_url,
    rtsp_source_key,
)
from services.registry.tables import Protocol


@dataclass(frozen=True, slots=True)
class NewRtspSource:
    url: str


@dataclass(frozen=True, slots=True)
class NewOnvifSource:
    host: str
    port: int = 80
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class NewCredentials:
    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Located:
    """A source after it was read, resolved, checked, and, for ONVIF, asked."""

    protocol: Protocol
    endpoint: Endpoint
    address: str
    path: str | None = None
    profile: str | None = None
    channel: str | None = None  # the channel's first profile, under whichever of its profiles it was registered
    told: Interrogation | None = None
    auth: AuthOutcome | None = None

    def key(self, reach: str) -> str:
        if self.protocol is Protocol.RTSP:
            return rtsp_source_key(reach, self.address, self.endpoint.port, self.path or "/")
        return onvif_source_key(reach, self.address, self.endpoint.port, self.channel)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an ONVIF endpoint before it is asked."""

    source: OnvifSource
    may_sign_in: bool


class SourceLocator:
    """Locates sources for the registry."""

    def __init__(self, networks: CameraNetworks, resolver: Resolver, interrogator: Interrogator) -> None:
        self._networks = networks
        self._resolver = resolver
        self._interrogator = interrogator

    async def locate(
        self,
        source: NewRtspSource | NewOnvifSource,
        reach: str,
        credentials: NewCredentials | None,
        standing: Callable[[str, int], Awaitable[Standing]],
    ) -> Located:
        """Raises SourceInvalid, AddressRefused or ChannelRequired. A device that does not answer is no error.

        ``standing`` tells of an ONVIF endpoint what is known of it; while these credentials have no attempt left there,
        the device is not asked.
        """
        if isinstance(source, NewRtspSource):
            endpoint, path = read_rtsp_url(source.url)
            return Located(Protocol.RTSP, endpoint, await self._checked(endpoint, "/source/url"), path=path)
        endpoint = read_endpoint(source.host, source.port, "/source/host", "/source/port")
        address = await self._checked(endpoint, "/source/host")
        known = (
            Credentials(username=credentials.username, password=credentials.password, version=1)
            if credentials
            else None
        )
        stands = await standing(address, endpoint.port)
        if known is not None and not stands.may_sign_in:
            return Located(Protocol.ONVIF, endpoint, address, profile=source.profile, channel=source.profile)
        try:
            told = await self._interrogator.interrogate(reach, stands.source, known)
        except InterrogationFailed as failure:
            return Located(
                Protocol.ONVIF,
                endpoint,
                address,
                profile=source.profile,
                channel=source.profile,
                auth=failure.auth,
            )
        channel = choose_channel(told.channels, source.profile)
        return Located(
            Protocol.ONVIF,
            endpoint,
            address,
            profile=source.profile,
            channel=channel.profile if channel else None,
            told=told,
            auth=AuthOutcome.ACCEPTED if known else None,
        )

    async def _checked(self, endpoint: Endpoint, pointer: str) -> str:
        if endpoint.address is not None:
            return check_addresses(endpoint, (endpoint.address,), self._networks, pointer)
        return check_addresses(endpoint, await self._resolver.resolve(endpoint.host, pointer), self._networks, pointer)


def choose_channel(channels: Sequence[Channel], profile: str | None) -> Channel | None:
    """The channel that is meant; None for a device that lists none. Raises ChannelRequired unless it is clear."""
    listed: list[dict[str, object]] = [channel.model_dump(mode="json") for channel in channels]
    if profile is not None:
        for channel in channels:
            if profile == channel.profile or profile in channel.profiles:
                return channel
        raise ChannelRequired("is not a profile of this device", listed)
    if len(channels) > 1:
        raise ChannelRequired(f"must name one of the {len(channels)} channels of this recorder", listed)
    return channels[0] if channels else None
