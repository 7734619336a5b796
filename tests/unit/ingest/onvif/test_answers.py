"""What is taken from the objects that zeep makes of replies."""

from types import SimpleNamespace as Answer

import pytest

from services.ingest.onvif import answers


@pytest.mark.parametrize("answer", [None, [], "text", 5, Answer(), Answer(UTCDateTime=None), Answer(Uri=5, Service=3)])
def test_answers_of_any_shape_give_nothing_and_no_error(answer: object) -> None:
    assert answers.system_time(answer) is None
    assert answers.uri(answer) in {None, "text"}
    assert answers.services(answer) == {}
    assert answers.services_in_capabilities(answer) == {}
    assert answers.interfaces(answer) == []
    assert answers.rtsp_port(answer) is None
    assert answers.name_in_scopes(answer) is None
    assert answers.time_zone(answer) == (None, False)
    assert answers.profiles(answer) == answers.profiles2(answer) == []
    assert answers.text(answer, "Manufacturer") is None


def test_text_is_one_printable_line_of_bounded_length() -> None:
    assert answers.text(Answer(Model="  IPC\r\n 2\x1b[31m00 "), "Model") == "IPC 2[31m00"
    assert answers.text(Answer(Model=" \n "), "Model") is None
    assert answers.text(Answer(Model="x" * 5000), "Model") == "x" * 128


@pytest.mark.parametrize("token", [None, "", "x" * 300, "a\nb", 7])
def test_a_profile_without_a_usable_token_is_left_out(token: object) -> None:
    assert answers.profiles([Answer(token=token)]) == []


def test_quirk_30_a_profile_of_nothing_but_a_token_is_a_profile() -> None:
    """easy_onvif_workspace issue 20."""
    (profile,) = answers.profiles([Answer(token="a")])
    assert (profile.name, profile.has_source, profile.has_encoder, profile.codec, profile.area) == (
        None,
        False,
        False,
        None,
        0,
    )


@pytest.mark.parametrize("width", [None, -1, 0, 10**4000, "1920"])
def test_a_size_that_no_picture_has_is_unknown(width: object) -> None:
    encoder = Answer(Encoding="H264", Resolution=Answer(Width=width, Height=1080))
    (profile,) = answers.profiles([Answer(token="a", VideoEncoderConfiguration=encoder)])
    assert profile.width is None
    assert profile.codec == "h264"


def test_a_recorder_that_floods_us_with_profiles_is_cut_short() -> None:
    assert len(answers.profiles([Answer(token=str(number)) for number in range(5000)])) == 1024
