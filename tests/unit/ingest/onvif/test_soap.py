"""From any bytes to a clean document, or to a reason why not."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree  # type: ignore[import-untyped]  # lxml has no stubs of its own

from services.ingest.onvif.soap import MAX_ELEMENTS, NotSoap, SoapFault, read_soap

MEDIA = "http://www.onvif.org/ver10/media/wsdl"
SCHEMA = "http://www.onvif.org/ver10/schema"
PROFILES = (
    '<trt:GetProfilesResponse xmlns:trt="http://www.onvif.org/ver10/media/wsdl">'
    '<trt:Profiles token="a"><tt:Name xmlns:tt="http://www.onvif.org/ver10/schema">Cổng chính</tt:Name></trt:Profiles>'
    "</trt:GetProfilesResponse>"
)


def envelope(content: str, namespace: str = "http://www.w3.org/2003/05/soap-envelope") -> str:
    return f'<s:Envelope xmlns:s="{namespace}"><s:Header><x/></s:Header><s:Body>{content}</s:Body></s:Envelope>'


def names(document: bytes) -> list[str]:
    return [element.tag for element in etree.fromstring(document).iter()][2:]


EXPECTED = [f"{{{MEDIA}}}GetProfilesResponse", f"{{{MEDIA}}}Profiles", f"{{{SCHEMA}}}Name"]


@pytest.mark.parametrize(
    "raw",
    [
        envelope(PROFILES).encode(),
        b"\xef\xbb\xbf" + envelope(PROFILES).encode(),
        ("\r\n<?xml version='1.0' encoding='utf-8'?>\n" + envelope(PROFILES)).encode(),
        b"\xff\xfe" + envelope(PROFILES).encode("utf-16-le"),
        ('<?xml version="1.0" encoding="no-such-encoding"?>' + envelope(PROFILES)).encode(),
        envelope("<!-- note -->" + PROFILES + "<?pi?>").encode(),
        envelope(PROFILES, "http://schemas.xmlsoap.org/soap/envelope/").encode(),
        envelope(PROFILES).encode() + b"\x00\x00garbage after the end",
        envelope(PROFILES).encode()[:-30],
    ],
)
def test_any_encoding_and_envelope_gives_the_same_document(raw: bytes) -> None:
    reply = read_soap(raw, service=MEDIA)
    assert reply.element == "GetProfilesResponse"
    assert names(reply.document) == EXPECTED
    assert "Cổng chính".encode() in reply.document
    assert b"Header" not in reply.document


@pytest.mark.parametrize(
    "content",
    [
        PROFILES.replace(' xmlns:tt="http://www.onvif.org/ver10/schema"', ""),
        PROFILES.replace(' xmlns:tt="http://www.onvif.org/ver10/schema"', "").replace(
            ' xmlns:trt="http://www.onvif.org/ver10/media/wsdl"', ""
        ),
        '<GetProfilesResponse><Profiles token="a"><Name>x</Name></Profiles></GetProfilesResponse>',
        '<GetProfilesResponse xmlns=""><trt:Profiles token="a"><Name>x</Name></trt:Profiles></GetProfilesResponse>',
    ],
)
def test_quirk_34_undeclared_prefixes_and_missing_namespaces_are_mended(content: str) -> None:
    """mvantellingen/python-zeep issue 1205 with home-assistant/core issue 45513; onvif/specs issue 402."""
    assert names(read_soap(envelope(content).encode(), service=MEDIA).document) == EXPECTED


def test_the_services_of_get_services_stand_two_levels_deep_in_the_namespace_of_the_device_service() -> None:
    device = "http://www.onvif.org/ver10/device/wsdl"
    content = "<GetServicesResponse><Service><XAddr>http://a/</XAddr><Version><Major>2</Major></Version></Service></GetServicesResponse>"
    assert names(read_soap(envelope(content).encode(), service=device).document) == [
        f"{{{device}}}GetServicesResponse",
        f"{{{device}}}Service",
        f"{{{device}}}XAddr",
        f"{{{device}}}Version",
        f"{{{SCHEMA}}}Major",
    ]


def test_quirk_35_bytes_that_are_no_utf8_are_replaced() -> None:
    """openvideolibs/python-onvif-zeep-async pull request 44."""
    raw = envelope(PROFILES).encode().replace("Cổng".encode(), b"C\xb3ng\xff")
    assert "C\ufffdng\ufffd".encode() in read_soap(raw, service=MEDIA).document


def test_a_declared_code_page_is_read() -> None:
    raw = ('<?xml version="1.0" encoding="gb2312"?>' + envelope(PROFILES).replace("Cổng chính", "大门")).encode(
        "gb2312"
    )
    assert "大门".encode() in read_soap(raw, service=MEDIA).document
    raw = envelope(PROFILES).replace("Cổng chính", "大门").encode("gbk")
    assert "大门".encode() in read_soap(raw, service=MEDIA, charset="GBK").document


@pytest.mark.parametrize("charset", ["unicode_escape", "punycode", "utf-7", "zip", "no-such", ""])
def test_a_codec_that_is_no_encoding_of_text_is_not_used(charset: str) -> None:
    assert "Cổng chính".encode() in read_soap(envelope(PROFILES).encode(), service=MEDIA, charset=charset).document


def test_a_type_by_an_undeclared_prefix_is_dropped() -> None:
    content = PROFILES.replace(
        ' token="a"', ' token="a" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="ter:None"'
    )
    assert b"ter:None" not in read_soap(envelope(content).encode(), service=MEDIA).document


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "no XML"),
        (b"401 Unauthorized", "no XML"),
        (b"\x00" * 100, "no XML"),
        (b"<html><body>Login<br></body></html>", "<html>"),
        (b"<Envelope/>", "<Envelope>"),
        (envelope("").encode(), "empty"),
        (b"<!DOCTYPE s:Envelope>" + envelope(PROFILES).encode(), "document type"),
    ],
)
def test_quirk_33_what_is_no_soap_is_named(raw: bytes, said: str) -> None:
    """FalkTannhaeuser/python-onvif-zeep issues 92 and 112, home-assistant/core issue 119107."""
    with pytest.raises(NotSoap, match=said):
        read_soap(raw, service=MEDIA)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_xml_bomb_is_refused_unread(encoding: str) -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha" * 50}">' for n in range(12))
    bomb = f"<!DOCTYPE s:Envelope [{entities}]>" + envelope(PROFILES.replace("Cổng chính", "&e11;"))
    started = time.process_time()
    with pytest.raises(NotSoap, match="document type"):
        read_soap(bomb.encode(encoding), service=MEDIA)
    assert time.process_time() - started < 1.0


def test_an_entity_is_never_expanded_nor_a_file_read() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>' + envelope(PROFILES.replace("Cổng chính", "&f;"))
    with pytest.raises(NotSoap, match="document type"):
        read_soap(bomb.encode(), service=MEDIA)
    undefined = read_soap(envelope(PROFILES.replace("Cổng chính", "&undefined;")).encode(), service=MEDIA)
    assert names(undefined.document)[:2] == EXPECTED[:2]


def test_a_flood_of_elements_is_refused() -> None:
    with pytest.raises(NotSoap, match="elements"):
        read_soap(envelope("<a>" + "<b/>" * (MAX_ELEMENTS + 1) + "</a>").encode(), service=MEDIA)


def test_a_document_as_deep_as_a_megabyte_allows_does_no_harm() -> None:
    reply = read_soap(envelope("<a>" * 300_000).encode(), service=MEDIA)
    assert len(reply.document) < 100_000


@pytest.mark.parametrize("beginning", ["", envelope("<R>").partition("</s:Body>")[0]])
@pytest.mark.parametrize(
    "piece", ["<?xml ", " ", "<a>", "<a b='c' ", "&a;", "<![CDATA[", "<!--", "<a xmlns:b='c'>", "<a:b c:d='e'/>"]
)
def test_a_megabyte_of_any_markup_is_read_in_linear_time(piece: str, beginning: str) -> None:
    raw = (beginning + piece * ((1 << 20) // len(piece))).encode()
    started = time.process_time()
    with contextlib.suppress(NotSoap):
        read_soap(raw, service=MEDIA)
    assert time.process_time() - started < 1.0


def test_a_fault_of_soap_12_is_read_with_nested_subcodes() -> None:
    """The prefix "ter" need not be declared (home-assistant/core issue 45513)."""
    content = (
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:InvalidArgVal</s:Value><s:Subcode>"
        "<s:Value>ter:NoProfile</s:Value></s:Subcode></s:Subcode></s:Code>"
        '<s:Reason><s:Text xml:lang="en"> No such\n profile </s:Text></s:Reason></s:Fault>'
    )
    assert read_soap(envelope(content).encode(), service=MEDIA).fault == SoapFault(
        ("Sender", "InvalidArgVal", "NoProfile"), "No such\n profile"
    )


def test_a_fault_of_soap_11_is_read_too() -> None:
    content = "<s:Fault><faultcode>ter:NotAuthorized</faultcode><faultstring>Go away</faultstring></s:Fault>"
    raw = envelope(content, "http://schemas.xmlsoap.org/soap/envelope/").encode()
    assert read_soap(raw, service=MEDIA).fault == SoapFault(("NotAuthorized",), "Go away")


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: envelope(text).encode()))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        reply = read_soap(raw, service=MEDIA)
    except NotSoap:
        return
    assert reply.element
    assert reply.fault or names(reply.document)


def test_what_is_not_read_is_left_out_of_the_document() -> None:
    """Most of a profile is audio, analytics and PTZ that nobody asks for, and reading it is most of the work."""
    content = PROFILES.replace(
        "</trt:Profiles>", "<tt:Extension><tt:Name>inner</tt:Name></tt:Extension></trt:Profiles>"
    )
    content = content.replace(' xmlns:tt="http://www.onvif.org/ver10/schema"', "")
    read = {"GetProfilesResponse": frozenset({"Profiles", "Name"})}
    assert names(read_soap(envelope(content).encode(), service=MEDIA, read=read).document) == EXPECTED
    others = {"GetServicesResponse": frozenset({"Service"})}
    assert len(names(read_soap(envelope(content).encode(), service=MEDIA, read=others).document)) == 5


def test_quirk_34_media2_declares_its_own_types_three_levels_deep() -> None:
    """mvantellingen/python-zeep issue 1205: prefixes that nobody declared."""
    media2 = "http://www.onvif.org/ver20/media/wsdl"
    content = (
        "<x:GetProfilesResponse><x:Profiles><x:Configurations><x:VideoSource><y:SourceToken>s</y:SourceToken>"
        "</x:VideoSource></x:Configurations></x:Profiles></x:GetProfilesResponse>"
    )
    own = [f"{{{media2}}}{name}" for name in ("GetProfilesResponse", "Profiles", "Configurations", "VideoSource")]
    assert names(read_soap(envelope(content).encode(), service=media2).document) == [*own, f"{{{SCHEMA}}}SourceToken"]
