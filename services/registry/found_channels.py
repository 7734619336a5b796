"""Channels that were found, in the words of the registry: source keys, facts, streams. Pure."""

from services.contracts.camera import Channel, DeviceFacts, Interrogation
from services.contracts.discovery import Found, FoundChannel, FoundStream
from services.registry.readable import readable
from services.registry.sources import onvif_source_key, rtsp_source_key
from services.registry.tables import Stream, StreamRole

_KEY_MAX = 200
#: Longest path that a row holds.
PATH_MAX = 1024


def keys_of(reach: str, finding: Found, channel: FoundChannel) -> list[str]:
    """The source key of a channel's camera, then all others under which it may have been registered before."""
    rtsp = [rtsp_source_key(reach, finding.address, stream.port, _path(stream)) for stream in channel.streams]
    if finding.protocol != "onvif":
        main = _main(channel)
        own = rtsp_source_key(reach, finding.address, finding.port, _path(main) if main else _slashed(channel.key))
        return list(dict.fromkeys([own, *rtsp]))
    profiles = dict.fromkeys([channel.key, *channel.profiles])
    onvif = [onvif_source_key(reach, finding.address, finding.port, profile) for profile in profiles]
    return [*onvif, *rtsp]


def facts_of(finding: Found) -> Interrogation:
    """A finding in the words of an interrogation."""
    channels = []
    for channel in finding.channels if finding.protocol == "onvif" else ():
        main = _main(channel)
        channels.append(
            Channel(
                profile=channel.key,
                profiles=channel.profiles,
                name=channel.name,
                codec=main.codec if main else None,
                width=main.width if main else None,
                height=main.height if main else None,
                snapshot_path=channel.snapshot_path,
            )
        )
    return Interrogation(
        device=DeviceFacts(
            maker=finding.manufacturer,
            model=finding.model,
            firmware=finding.firmware,
            serial=finding.serial,
            auth_mode=finding.auth_mode,
            clock_offset_s=finding.clock_offset_s,
            mac=finding.mac,
            endpoint=finding.endpoint,
            name=finding.name,
            services=finding.services,
            certificate=finding.certificate if finding.protocol == "onvif" and finding.tls else None,
        ),
        channels=tuple(channels),
    )


def silent_key(reach: str, finding: Found) -> str:
    """The key of a camera whose device said nothing when it was registered."""
    return onvif_source_key(reach, finding.address, finding.port, None)


def fits(finding: Found, channel: FoundChannel) -> bool:
    """Whether a row can hold it: tokens and paths have bounds."""
    if finding.protocol == "onvif":
        return 1 <= len(channel.key) <= _KEY_MAX
    main = _main(channel)
    return main is not None and len(_path(main)) <= PATH_MAX


def _main(channel: FoundChannel) -> FoundStream | None:
    return next((stream for stream in channel.streams if stream.role == "main"), next(iter(channel.streams), None))


def streams_of(channel: FoundChannel) -> list[Stream]:
    """Rows of its streams, one for each role."""
    by_role: dict[str, FoundStream] = {}
    for stream in channel.streams:
        by_role.setdefault(stream.role, stream)
    return [
        Stream(
            role=StreamRole(stream.role),
            port=stream.port,
            path=_path(stream)[:PATH_MAX],
            profile=readable(stream.profile, _KEY_MAX),
            original_uri=readable(stream.original_uri, 2048),
            codec=stream.codec.lower()[:16] if stream.codec else None,
            width=stream.width,
            height=stream.height,
        )
        for stream in by_role.values()
    ]


def _path(stream: FoundStream) -> str:
    return _slashed(stream.path)


def _slashed(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"
