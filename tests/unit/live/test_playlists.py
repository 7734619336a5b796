"""HLS playlists as text."""

from services.contracts.hls import HlsSegment, HlsWindow
from services.live.playlists import media, multivariant

WINDOW = HlsWindow(
    codec="avc1.42c01e",
    width=640,
    height=360,
    bandwidth=400_000,
    discontinuities=3,
    segments=(
        HlsSegment(index=7, duration_s=2.0, init=3),
        HlsSegment(index=8, duration_s=2.04, init=3),
        HlsSegment(index=9, duration_s=1.0, init=4),
    ),
)


def test_the_link_gives_one_variant_with_the_session() -> None:
    lines = multivariant(WINDOW, "S").splitlines()
    assert lines[0] == "#EXTM3U"
    assert '#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS="avc1.42c01e",RESOLUTION=640x360' in lines
    assert lines[-1] == "media.m3u8?session=S"


def test_the_media_playlist_names_every_segment_its_section_and_each_break() -> None:
    assert media(WINDOW, "S").splitlines() == [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-TARGETDURATION:3",
        "#EXT-X-MEDIA-SEQUENCE:7",
        "#EXT-X-DISCONTINUITY-SEQUENCE:3",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MAP:URI="init-3.mp4?session=S"',
        "#EXTINF:2.000,",
        "seg-7.m4s?session=S",
        "#EXTINF:2.040,",
        "seg-8.m4s?session=S",
        "#EXT-X-DISCONTINUITY",
        '#EXT-X-MAP:URI="init-4.mp4?session=S"',
        "#EXTINF:1.000,",
        "seg-9.m4s?session=S",
    ]
