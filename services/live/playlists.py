"""HLS playlists (RFC 8216, version 7) as text. Pure."""

import math

from services.contracts.hls import HlsWindow


def multivariant(window: HlsWindow, session: str) -> str:
    """What a live link gives: one variant, whose URL carries the session."""
    return "\n".join(
        (
            "#EXTM3U",
            "#EXT-X-VERSION:7",
            "#EXT-X-INDEPENDENT-SEGMENTS",
            f'#EXT-X-STREAM-INF:BANDWIDTH={window.bandwidth},CODECS="{window.codec}",'
            f"RESOLUTION={window.width}x{window.height}",
            f"media.m3u8?session={session}",
            "",
        )
    )


def media(window: HlsWindow, session: str) -> str:
    """The current segments. Every URL carries the session, since players send neither headers nor cookies of ours."""
    first = window.segments[0]
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{math.ceil(max(segment.duration_s for segment in window.segments))}",
        f"#EXT-X-MEDIA-SEQUENCE:{first.index}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{window.discontinuities}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    init: int | None = None
    for segment in window.segments:
        if segment.init != init:
            if init is not None:
                lines.append("#EXT-X-DISCONTINUITY")
            init = segment.init
            lines.append(f'#EXT-X-MAP:URI="init-{init}.mp4?session={session}"')
        lines.append(f"#EXTINF:{segment.duration_s:.3f},")
        lines.append(f"seg-{segment.index}.m4s?session={session}")
    return "\n".join([*lines, ""])
