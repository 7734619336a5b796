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


def test_quirk_25_interfaces_give_their_mac_and_all_their_addresses() -> None:
    """edgexfoundry/device-onvif-camera issue 2."""
    config = Answer(
        Manual=[Answer(Address="10.0.0.5"), Answer(Address=None)],
        FromDHCP=Answer(Address="10.0.0.6"),
        LinkLocal=Answer(Address="169.254.1.1"),
    )
    told = [
        Answer(Enabled=True, Info=Answer(HwAddress="00-D9-DE-43-F6-3B"), IPv4=Answer(Config=config), IPv6=None),
        Answer(Enabled=False, Info=Answer(HwAddress="000000000000"), IPv4=None),
        Answer(Enabled="?", Info=None),
    ]
    (interface,) = answers.interfaces(told)
    assert (interface.mac, interface.enabled) == ("00:d9:de:43:f6:3b", True)
    assert interface.addresses == ("10.0.0.5", "10.0.0.6", "169.254.1.1")


def test_quirk_14_the_port_of_rtsp_is_the_first_that_is_switched_on() -> None:
    """roflcoopter/easy_onvif_workspace issue 39."""
    off = Answer(Name="RTSP", Enabled=False, Port=[554])
    assert answers.rtsp_port([off]) is None
    assert answers.rtsp_port([Answer(Name="HTTP", Enabled=True, Port=[80]), off]) is None
    assert answers.rtsp_port([Answer(Name="RTSP", Enabled=True, Port=[0, "x", 8554])]) == 8554


def test_the_name_in_the_scopes_is_decoded_and_of_bounded_length() -> None:
    def scopes(*items: str) -> list[Answer]:
        return [Answer(ScopeItem=item) for item in items]

    assert answers.name_in_scopes(scopes("onvif://www.onvif.org/name/C%E1%BB%95ng%20ch%C3%ADnh")) == "Cổng chính"
    assert answers.name_in_scopes(scopes("onvif://www.onvif.org/hardware/X", "onvif://www.onvif.org/name/")) is None
    assert answers.name_in_scopes(scopes("onvif://www.onvif.org/name/a%0d%0ab%1b")) == "a b"


def test_services_are_known_by_namespace_with_their_paths() -> None:
    told = [
        Answer(Namespace="http://www.onvif.org/ver10/media/wsdl", XAddr="http://10.0.0.5/onvif/Media"),
        Answer(Namespace="http://www.onvif.org/ver10/events/wsdl", XAddr=None),
        Answer(Namespace=None, XAddr="http://10.0.0.5/x"),
    ]
    assert answers.services(told) == {
        "http://www.onvif.org/ver10/media/wsdl": "/onvif/Media",
        "http://www.onvif.org/ver10/events/wsdl": None,
    }
    assert len(answers.services([Answer(Namespace=f"urn:{n}") for n in range(500)])) == 64


def test_quirk_30_profiles_of_media2_have_their_configurations_one_level_deeper() -> None:
    source, encoder = Answer(token="vsc", SourceToken="s"), Answer(token="vec", Encoding="H265")
    (profile,) = answers.profiles2([Answer(token="a", Configurations=Answer(VideoSource=source, VideoEncoder=encoder))])
    assert (profile.source_token, profile.codec, profile.configurations) == ("s", "h265", ("vsc", "vec"))
    (bare,) = answers.profiles2([Answer(token="b")])
    assert (bare.has_source, bare.has_encoder) == (False, False)
