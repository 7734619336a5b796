"""Which profiles make a channel, and which of them are its streams."""

import pytest

from services.ingest.onvif.channels import (
    MediaService,
    Profile,
    codec_name,
    find_profile,
    group_channels,
    merge_profiles,
)


def profile(
    token: str, size: tuple[int, int] | None = (640, 360), codec: str | None = "h264", source: str | None = "s"
) -> Profile:
    width, height = size or (None, None)
    return Profile(
        token,
        has_source=source is not None,
        source_token=source,
        has_encoder=codec is not None,
        codec=codec,
        width=width,
        height=height,
    )


def test_the_largest_picture_is_main_and_the_smallest_is_sub() -> None:
    (channel,) = group_channels(
        [profile("mid", (1280, 720)), profile("low", (352, 288)), profile("high", (2560, 1440))]
    )
    assert channel.main.token == "high"
    sub = channel.sub(channel.main)
    assert sub is not None
    assert sub.token == "low"


def test_among_sub_streams_h264_is_preferred_to_a_smaller_one_that_browsers_cannot_play() -> None:
    (channel,) = group_channels(
        [profile("main", (2560, 1440), "h265"), profile("h265", (352, 288), "h265"), profile("h264", (640, 480))]
    )
    sub = channel.sub(channel.main)
    assert sub is not None
    assert sub.token == "h264"


def test_among_equal_pictures_a_video_codec_is_main() -> None:
    (channel,) = group_channels([profile("jpeg", (1920, 1080), "mjpeg"), profile("video", (1920, 1080))])
    assert channel.main.token == "video"


def test_a_profile_of_the_same_size_is_no_sub_stream() -> None:
    (channel,) = group_channels([profile("a", (1920, 1080)), profile("b", (1920, 1080))])
    assert channel.main.token == "a"
    assert channel.sub(channel.main) is None


def test_without_sizes_the_first_profile_is_main_and_there_is_no_sub() -> None:
    (channel,) = group_channels([profile("a", None), profile("b", None)])
    assert channel.main.token == "a"
    assert channel.sub(channel.main) is None


def test_a_named_profile_that_is_not_the_largest_gets_the_smaller_one_as_sub() -> None:
    channels = group_channels([profile("high", (2560, 1440)), profile("mid", (1280, 720)), profile("low", (352, 288))])
    found = find_profile(channels, "mid")
    assert found is not None
    channel, main = found
    sub = channel.sub(main)
    assert sub is not None
    assert (main.token, sub.token) == ("mid", "low")


def test_quirk_31_each_video_source_is_a_channel_in_the_order_of_the_device() -> None:
    """agsh/onvif issues 328 and 369: recorders give all channels as profiles, mixed."""
    channels = group_channels(
        [
            profile("1m", source="ch1"),
            profile("2m", source="ch2"),
            profile("1s", source="ch1"),
            profile("0m", source="ch0"),
        ]
    )
    assert [channel.source_token for channel in channels] == ["ch1", "ch2", "ch0"]
    assert [p.token for p in channels[0].profiles] == ["1m", "1s"]


def test_quirk_30_profiles_without_a_video_source_are_left_out() -> None:
    """Metadata and audio profiles; easy_onvif_workspace issue 20 has encoders without any field."""
    channels = group_channels([profile("metadata", None, None, source=None), profile("video")])
    assert [p.token for channel in channels for p in channel.profiles] == ["video"]


def test_when_no_profile_names_a_source_those_with_an_encoder_are_one_channel() -> None:
    (channel,) = group_channels([profile("a", source=None), profile("b", source=None), profile("c", None, None, None)])
    assert [p.token for p in channel.profiles] == ["a", "b"]


def test_without_any_video_there_is_no_channel() -> None:
    assert group_channels([profile("metadata", None, None, source=None)]) == ()
    assert group_channels([]) == ()


def test_a_token_that_comes_twice_counts_once() -> None:
    (channel,) = group_channels([profile("a", (1920, 1080)), profile("a", (640, 360))])
    assert [(p.token, p.width) for p in channel.profiles] == [("a", 1920)]


def test_an_unknown_token_finds_nothing() -> None:
    assert find_profile(group_channels([profile("a")]), "b") is None


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("H264", "h264"),
        ("H.264", "h264"),
        ("H265", "h265"),
        ("HEVC", "h265"),
        ("JPEG", "mjpeg"),
        ("MPEG4", "mpeg4"),
        ("AV1", "av1"),
        ("", None),
        ("--", None),
        (None, None),
    ],
)
def test_codecs_have_one_name_each(told: str | None, name: str | None) -> None:
    assert codec_name(told) == name


BOTH = MediaService.MEDIA1 | MediaService.MEDIA2


def of_media2(token: str, codec: str | None, size: tuple[int, int] | None = (640, 360), **more: str) -> Profile:
    width, height = size or (None, None)
    return Profile(token, codec=codec, width=width, height=height, services=MediaService.MEDIA2, **more)  # type: ignore[arg-type]  # names are checked by the dataclass


def test_quirk_29_profiles_of_both_services_are_one_by_token_and_media2_knows_the_codec() -> None:
    """agsh/onvif pull request 187, Jazea/Onvif.Core issue 43."""
    merged = merge_profiles(
        [profile("a", (1920, 1080), "h264"), profile("b", (640, 360), "h264")],
        [of_media2("c", "h265", (3840, 2160)), of_media2("a", "h265", (2560, 1440))],
    )
    assert [(p.token, p.codec, p.width, p.services) for p in merged] == [
        ("a", "h265", 2560, BOTH),
        ("b", "h264", 640, MediaService.MEDIA1),
        ("c", "h265", 3840, MediaService.MEDIA2),
    ]
    assert merged[0].source_token == "s"


def test_quirk_29_what_media2_leaves_out_is_taken_from_media1() -> None:
    (merged,) = merge_profiles([profile("a", (1920, 1080), "h264")], [of_media2("a", None, None, name="Gate")])
    assert (merged.codec, merged.width, merged.height, merged.name) == ("h264", 1920, 1080, "Gate")


def test_either_service_alone_is_itself_and_a_token_counts_once() -> None:
    assert [p.token for p in merge_profiles([profile("a")], [])] == ["a"]
    twice = [of_media2("a", "h265"), of_media2("a", "h264")]
    assert [(p.token, p.codec) for p in merge_profiles([], twice)] == [("a", "h265")]


def test_quirk_31_events_name_a_channel_by_its_source_or_its_configurations() -> None:
    """agsh/onvif issue 117: by source token, not by profile."""
    (channel,) = group_channels(
        [
            Profile("a", has_source=True, source_token="src", configurations=("vsc", "vec1")),
            Profile("b", has_source=True, source_token="src", configurations=("vsc", "vec2")),
        ]
    )
    assert channel.sources == ("src", "vsc", "vec1", "vec2")
