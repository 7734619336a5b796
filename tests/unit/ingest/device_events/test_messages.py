"""What is taken from answers, whatever devices make of them."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree  # type: ignore[import-untyped]  # lxml has no stubs of its own

from services.ingest.device_events import messages
from services.ingest.device_events.messages import Operation
from services.ingest.device_events.topics import Item, read_hint
from services.ingest.onvif.soap import NotSoap, read_body

#: What the mock-up of a device in npm onvif 0.6.5 answers (agsh/onvif, test/serverMockup/PullMessages.xml), shortened:
#: white space in the topic, no PropertyOperation, and a Security header in an answer.
FOREIGN = b"""<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" xmlns:tev="http://www.onvif.org/ver10/events/wsdl"
 xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:tt="http://www.onvif.org/ver10/schema">
<SOAP-ENV:Header><wsse:Security><wsse:UsernameToken/></wsse:Security></SOAP-ENV:Header>
<SOAP-ENV:Body><tev:PullMessagesResponse>
<tev:CurrentTime>2000-01-03T03:58:33Z</tev:CurrentTime><tev:TerminationTime>2000-01-03T04:04:02Z</tev:TerminationTime>
<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">
    tns1:RuleEngine/CellMotionDetector/Motion
</wsnt:Topic><wsnt:Message><tt:Message UtcTime="2015-05-14T13:57:50.230Z"><tt:Source>
<tt:SimpleItem Name="VideoSourceConfigurationToken" Value="000"/><tt:SimpleItem Name="Rule" Value="000"/></tt:Source>
<tt:Data><tt:SimpleItem Name="IsMotion" Value="true"/></tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>
</tev:PullMessagesResponse></SOAP-ENV:Body></SOAP-ENV:Envelope>"""


def body(content: str) -> etree._Element:
    raw = f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>{content}</s:Body></s:Envelope>'
    return read_body(raw.encode())[0]


def test_the_answer_of_a_foreign_mock_up_is_read() -> None:
    content, fault = read_body(FOREIGN)
    assert fault is None
    assert messages.times(content).left_s == 329
    (told,) = messages.notifications(content)
    assert told.topic == "tns1:RuleEngine/CellMotionDetector/Motion"
    assert told.source == (Item("VideoSourceConfigurationToken", "000"), Item("Rule", "000"))
    assert told.at is not None
    assert told.at.isoformat() == "2015-05-14T13:57:50+00:00"
    assert read_hint(told) is not None


def test_quirk_34_undeclared_prefixes_do_not_matter() -> None:
    """onvif/specs issue 402."""
    undeclared = FOREIGN.replace(b'xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"', b"").replace(
        b'xmlns:tt="http://www.onvif.org/ver10/schema"', b""
    )
    assert len(messages.notifications(read_body(undeclared)[0])) == 1


def test_one_message_element_instead_of_two_is_read() -> None:
    told = messages.notifications(
        body(
            "<r><NotificationMessage><Topic>tns1:VideoSource/SignalLoss</Topic><Message PropertyOperation='Changed'>"
            "<Source><SimpleItem Name='Source' Value='s'/></Source><Data><SimpleItem Name='State' Value='1'/></Data>"
            "</Message></NotificationMessage></r>"
        )
    )
    hint = read_hint(told[0])
    assert hint is not None
    assert (hint.source_token, hint.active) == ("s", True)


def test_quirk_41_reference_parameters_are_echoed_as_they_came() -> None:
    """kerberos-io/onvif pull request 6: Axis. WS-Addressing 1.0, SOAP Binding, section 3.4."""
    reference = messages.subscription(
        body(
            "<r xmlns:a='http://www.w3.org/2005/08/addressing'><SubscriptionReference><a:Address>http://10.0.0.9/s</a:Address>"
            "<a:ReferenceParameters><d:SubscriptionId xmlns:d='http://www.axis.com/2009/event'>7</d:SubscriptionId>"
            "<Plain x='1'>8</Plain></a:ReferenceParameters></SubscriptionReference></r>"
        )
    )
    assert reference is not None
    sent = messages.request(Operation.PULL, message_id="urn:uuid:1", reference=reference, timeout_s=25, limit=1)
    header = {messages.local_name(element): element for element in sent[0]}
    echoed = header["SubscriptionId"]
    assert (echoed.tag, echoed.text) == ("{http://www.axis.com/2009/event}SubscriptionId", "7")
    assert echoed.get("{http://www.w3.org/2005/08/addressing}IsReferenceParameter") == "true"
    assert (header["Plain"].tag, header["Plain"].get("x")) == ("Plain", "1")
    assert header["To"].text == "http://10.0.0.9/s"


@pytest.mark.parametrize(
    "parameter",
    [
        "<a:To xmlns:a='http://www.w3.org/2005/08/addressing'>http://elsewhere/</a:To>",
        "<s:x xmlns:s='http://www.w3.org/2003/05/soap-envelope'/>",
        "<w:Security xmlns:w='http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd'/>",
        f"<x>{'y' * 5000}</x>",
    ],
)
def test_headers_that_are_ours_to_write_and_large_ones_are_not_echoed(parameter: str) -> None:
    reference = messages.subscription(
        body(
            "<r><SubscriptionReference><Address>http://h/s</Address>"
            f"<ReferenceParameters>{parameter}</ReferenceParameters></SubscriptionReference></r>"
        )
    )
    assert reference is not None
    assert not reference.parameters


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("http://192.168.1.64:8080/onvif/sub?Idx=3", "/onvif/sub?Idx=3"),
        ("http://192.168.1.64:8080:8080/sub", "/sub"),
        ("\n http://[fe80::1]/sub \n", "/sub"),
        ("/sub", "/sub"),
        ("", None),
        ("ftp://x/y", None),
        ("urn:uuid:1419d68a-1dd2-11b2-a105-F00000875D9B", None),
    ],
)
def test_quirk_13_of_an_address_only_the_path_is_followed(address: str, path: str | None) -> None:
    """home-assistant/core issues 34218 and 163938; issue 92603 for the doubled port."""
    content = body(f"<r><SubscriptionReference><Address>{address}</Address></SubscriptionReference></r>")
    reference = messages.subscription(content)
    assert (reference.path if reference is not None else None) == path


@pytest.mark.parametrize("text", ["0000-00-00T00:00:00Z", "2026-11-24T08:61:00Z", "2026-11-24T08:00:00+07:00", "x", ""])
def test_quirk_3_nonsense_instead_of_a_time_is_no_time(text: str) -> None:
    """home-assistant/core pull request 66357, issue 124086."""
    assert messages.times(body(f"<r><CurrentTime>{text}</CurrentTime></r>")).current is None


def test_entities_are_not_expanded() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + FOREIGN.partition(b"?>")[2]
    with pytest.raises(NotSoap):
        read_body(bomb)


@given(st.integers(0, 2**32))
def test_mangled_answers_never_raise(seed: int) -> None:
    dice = random.Random(seed)
    raw = bytearray(FOREIGN)
    for _ in range(dice.randint(1, 30)):
        place = dice.randrange(len(raw))
        if dice.random() < 0.5:
            raw[place] = dice.randrange(256)
        else:
            del raw[place : place + dice.randint(1, 40)]
    try:
        content, _ = read_body(bytes(raw))
    except NotSoap:
        return
    messages.times(content)
    messages.subscription(content)
    messages.events_path(content)
    messages.system_time(content)
    for told in messages.notifications(content):
        read_hint(told)
