"""Envelopes that a simulated device reads and writes."""

from xml.etree import ElementTree

import pytest

from services.simulator.soap import ENVELOPE, Markup, SoapFault, element, envelope, fault_envelope, parse

DEVICE = "http://www.onvif.org/ver10/device/wsdl"


def wrapped(body: str, header: str = "") -> bytes:
    return (
        f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>'
    ).encode()


def test_an_operation_is_known_by_its_namespace_and_not_by_its_prefix() -> None:
    call = parse(
        wrapped(f'<x:GetServices xmlns:x="{DEVICE}"><x:IncludeCapability>true</x:IncludeCapability></x:GetServices>')
    )
    assert call.operation == "tds:GetServices"
    assert call.argument("IncludeCapability") == "true"
    assert call.argument("Absent") is None
    assert parse(wrapped('<GetServices xmlns="urn:elsewhere"/>')).operation == "?:GetServices"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"<html>",
        b"\xff\xfe\x00",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        wrapped(""),
        wrapped("<a/><b/>"),
        wrapped("<a/>").replace(b"2003/05/soap-envelope", b"soap/envelope/"),
    ],
)
def test_what_is_no_envelope_is_the_sender_s_fault(body: bytes) -> None:
    with pytest.raises(SoapFault) as caught:
        parse(body)
    assert caught.value.http_status == 400


def test_text_is_escaped_and_markup_is_not() -> None:
    made = element("a", "<&>", element("b", True), token='"&')
    assert made == "<a token='\"&amp;'>&lt;&amp;&gt;<b>true</b></a>"
    assert ElementTree.fromstring(made).attrib["token"] == '"&'


def test_a_fault_nests_its_subcodes() -> None:
    fault = SoapFault("env:Sender", ("ter:InvalidArgVal", "ter:NoProfile"), "no <such> profile")
    root = ElementTree.fromstring(fault_envelope(fault))
    values = [value.text for value in root.iter(f"{{{ENVELOPE}}}Value")]
    assert values == ["env:Sender", "ter:InvalidArgVal", "ter:NoProfile"]
    assert [text.text for text in root.iter(f"{{{ENVELOPE}}}Text")] == ["no <such> profile"]


def test_an_envelope_declares_every_prefix_it_may_use() -> None:
    ElementTree.fromstring(envelope(Markup("<tt:a/><tds:b/><trt:c/><tr2:d/><ter:e/>")))
