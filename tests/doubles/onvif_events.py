"""The event service of an ONVIF device, in the loop of the test: it counts its pull points and can be bent.

Without changes it behaves as the specification says. Hundreds of them fit into one process.
"""

import asyncio
import contextlib
import itertools
import re
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self
from xml.sax.saxutils import escape

from tests.doubles.onvif_device import Open, Request, Security
from tests.doubles.onvif_messages import DEVICE, MEDIA, Response, fault, html, soap, system_time

EVENTS = "http://www.onvif.org/ver10/events/wsdl"
_PRE_AUTH = frozenset({"GetSystemDateAndTime", "GetServices", "GetCapabilities"})
_ADDRESSED = frozenset({"CreatePullPointSubscription", "PullMessages", "Renew", "Unsubscribe"})
_NAMES = (
    'xmlns:tev="http://www.onvif.org/ver10/events/wsdl" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" '
    'xmlns:wsa5="http://www.w3.org/2005/08/addressing" xmlns:tt="http://www.onvif.org/ver10/schema" '
    'xmlns:tns1="http://www.onvif.org/ver10/topics"'
)


@dataclass
class Bent:
    """How the device behaves. Each change from the specification is named after who reported it, in the tests."""

    security: Security = field(default_factory=Open)
    points_max: int = 2
    clock_offset: timedelta = timedelta(0)
    #: The address it names for its services and subscriptions; None: the right one.
    named_authority: str | None = None
    #: Operations that are answered with this.
    answers: dict[str, Response] = field(default_factory=dict)
    has_events: bool = True
    events_path: str = "/onvif/event_service"
    #: Whether durations are understood; otherwise a subscription that asks for one has ended already.
    knows_durations: bool = True
    #: A subscription lasts no longer than this, whatever is asked for.
    life_max_s: float = 600.0
    pulling_prolongs: bool = True
    renews: bool = True
    #: Subscriptions have one address and are told apart by a reference parameter.
    by_parameter: bool = False
    wants_addressing: bool = False
    wants_initial_time: bool = False
    #: The connection is closed so long after a PullMessages that has nothing to tell.
    cuts_after_s: float | None = None
    #: A PullMessages is answered at once.
    waits: bool = True
    undeclared_prefixes: bool = False
    keeps_alive: bool = True
    #: Answers nothing at all.
    silent: bool = False
    #: What a new subscriber is told first.
    state: tuple[str, ...] = ()


@dataclass
class Point:
    """A pull point that is open."""

    ends_at: datetime
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    messages: list[str] = field(default_factory=list)


class EventDevice:
    """One device with one address and port of its own."""

    def __init__(
        self,
        bent: Bent | None = None,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.bent = bent or Bent()
        self._tls = tls
        self.address = address
        self.port = port
        self.points: dict[str, Point] = {}
        self.requests: list[Request] = []
        self.created = self.ended = self.turned_away = self.most_open = 0
        self.connections = self.connections_now = 0
        self._names = itertools.count(1)
        self._server: asyncio.Server | None = None
        self._handlers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self.address, self.port, backlog=64, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """The power goes off: connections end, and pull points are forgotten."""
        if self._server is not None:
            self._server.close()
            for _ in range(3):  # what was accepted just now is being handed over
                await asyncio.sleep(0)
            for task in tuple(self._handlers):
                task.cancel()
            if self._handlers:
                await asyncio.wait(self._handlers)
            await self._server.wait_closed()
            self._server = None
        self.points.clear()

    @property
    def operations(self) -> list[str]:
        """What was asked for, in order."""
        return [request.operation for request in self.requests]

    @property
    def signed(self) -> list[Request]:
        """The requests that carried credentials."""
        return [request for request in self.requests if request.has_digest or request.has_token]

    def asked(self, operation: str) -> list[Request]:
        """The requests for one operation."""
        return [request for request in self.requests if request.operation == operation]

    def tell(self, *messages: str) -> None:
        """Something happens."""
        for point in self.points.values():
            point.messages += messages
            point.waiting.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        self.connections += 1
        self.connections_now += 1
        try:
            while (request := await _read_request(reader)) is not None:
                self.requests.append(request)
                if self.bent.silent:
                    await reader.read()
                    break
                response = await self._respond(request)
                if response is None:
                    break
                writer.write(_bytes(response, keeps_alive=self.bent.keeps_alive))
                await writer.drain()
                if not self.bent.keeps_alive:
                    break
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # a client that left, or the power
        finally:
            self.connections_now -= 1
            self._handlers.discard(task)
            writer.transport.abort()

    async def _respond(self, request: Request) -> Response | None:
        bent, operation = self.bent, request.operation
        if operation not in _PRE_AUTH:
            refusal = bent.security.refuse(request)
            if refusal is not None:
                return refusal
        if operation in bent.answers:
            return bent.answers[operation]
        is_addressed = "http://www.w3.org/2005/08/addressing" in request.body
        if is_addressed and operation not in _ADDRESSED:
            return fault("ter:InvalidArgVal", "what is this header")
        if bent.wants_addressing and operation in _ADDRESSED and not is_addressed:
            return fault("wsa:MessageAddressingHeaderRequired", "a header is missing")
        match operation:
            case "GetSystemDateAndTime":
                return soap(system_time(self._now()))
            case "GetServices":
                return self._services()
            case "GetCapabilities":
                return self._capabilities()
            case "CreatePullPointSubscription":
                return self._create(request)
            case "PullMessages":
                return await self._pull(request)
            case "Renew":
                return self._renew(request)
            case "Unsubscribe":
                return self._unsubscribe(request)
        return fault("ter:ActionNotSupported", "Optional action not implemented")

    @property
    def _authority(self) -> str:
        return self.bent.named_authority or f"{self.address}:{self.port}"

    def _now(self) -> datetime:
        return datetime.now(UTC) + self.bent.clock_offset

    def _services(self) -> Response:
        named = [(DEVICE, "/onvif/device_service"), (MEDIA, "/onvif/media_service")]
        if self.bent.has_events:
            named.append((EVENTS, self.bent.events_path))
        services = "".join(
            f"<tds:Service><tds:Namespace>{namespace}</tds:Namespace><tds:XAddr>http://{self._authority}{path}</tds:XAddr>"
            "</tds:Service>"
            for namespace, path in named
        )
        return soap(f"<tds:GetServicesResponse>{services}</tds:GetServicesResponse>")

    def _capabilities(self) -> Response:
        events = f"<tt:Events><tt:XAddr>http://{self._authority}{self.bent.events_path}</tt:XAddr></tt:Events>"
        return soap(
            "<tds:GetCapabilitiesResponse><tds:Capabilities>"
            f"{events if self.bent.has_events else ''}</tds:Capabilities></tds:GetCapabilitiesResponse>"
        )

    def _create(self, request: Request) -> Response:
        bent, wanted = self.bent, request.text("InitialTerminationTime")
        if request.path != bent.events_path:
            return html("Not Found", status=404)
        if bent.wants_initial_time and not wanted:
            return Response(b"", 500)
        self._forget()
        if len(self.points) >= bent.points_max:
            self.turned_away += 1
            return fault("ter:InvalidArgs", "Maximum number of pull points reached", status=500)
        name = str(next(self._names))
        self.points[name] = Point(self._end(wanted), messages=list(bent.state))
        self.created += 1
        self.most_open = max(self.most_open, len(self.points))
        path = "/onvif/subscription" if bent.by_parameter else f"/onvif/subscription?Idx={name}"
        # As Axis does it.
        parameters = (
            '<wsa5:ReferenceParameters><dom0:SubscriptionId xmlns:dom0="http://www.axis.com/2009/event">'
            f"{name}</dom0:SubscriptionId></wsa5:ReferenceParameters>"
            if bent.by_parameter
            else ""
        )
        return self._event(
            "<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>"
            f"<wsa5:Address>http://{self._authority}{path}</wsa5:Address>{parameters}"
            f"</tev:SubscriptionReference>{self._times('wsnt', self.points[name])}"
            "</tev:CreatePullPointSubscriptionResponse>"
        )

    async def _pull(self, request: Request) -> Response | None:
        name = self._name(request)
        point = self.points.get(name)
        if point is None:
            return fault("wsrf-r:ResourceUnknownFault", "no such subscription")
        if self.bent.pulling_prolongs:
            point.ends_at = max(point.ends_at, self._end("PT60S"))
        wanted_s = float(re.sub(r"\D", "", request.text("Timeout")) or 0)
        if self.bent.waits and not point.messages:
            point.waiting.clear()
            cut_s = self.bent.cuts_after_s
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wanted_s if cut_s is None else min(wanted_s, cut_s)):
                    await point.waiting.wait()
            if cut_s is not None and cut_s < wanted_s and not point.messages:
                return None
        told, point.messages = "".join(point.messages), []
        return self._event(f"<tev:PullMessagesResponse>{self._times('tev', point)}{told}</tev:PullMessagesResponse>")

    def _renew(self, request: Request) -> Response:
        point = self.points.get(self._name(request))
        if point is None:
            return fault("wsrf-r:ResourceUnknownFault", "no such subscription")
        if not self.bent.renews:
            return fault("ter:ActionNotSupported", "Renew is not implemented", status=500)
        point.ends_at = self._end(request.text("TerminationTime"))
        return self._event(f"<wsnt:RenewResponse>{self._times('wsnt', point)}</wsnt:RenewResponse>")

    def _unsubscribe(self, request: Request) -> Response:
        if self.points.pop(self._name(request), None) is None:
            return fault("wsrf-r:ResourceUnknownFault", "no such subscription")
        self.ended += 1
        return self._event("<wsnt:UnsubscribeResponse/>")

    def _name(self, request: Request) -> str:
        """Which subscription is meant; pull points that have run out are forgotten."""
        self._forget()
        if self.bent.by_parameter:
            header = request.body.partition("Body>")[0]
            found = re.search(r"SubscriptionId[^>]*IsReferenceParameter=\"true\"[^>]*>([^<]*)<", header)
            return found[1] if found else ""
        return request.path.rpartition("=")[2] if request.path.startswith("/onvif/subscription") else ""

    def _forget(self) -> None:
        for name, point in tuple(self.points.items()):
            if point.ends_at <= self._now():
                del self.points[name]

    def _end(self, wanted: str) -> datetime:
        now = self._now()
        if wanted.startswith("P"):
            lasts = timedelta(seconds=float(re.sub(r"\D", "", wanted) or 0))
            if not self.bent.knows_durations:
                lasts = timedelta(seconds=5)
        else:
            lasts = datetime.strptime(wanted, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) - now
        return now + min(lasts, timedelta(seconds=self.bent.life_max_s))

    def _times(self, prefix: str, point: Point) -> str:
        return (
            f"<{prefix}:CurrentTime>{_text(self._now())}</{prefix}:CurrentTime>"
            f"<{prefix}:TerminationTime>{_text(point.ends_at)}</{prefix}:TerminationTime>"
        )

    def _event(self, content: str) -> Response:
        names = "" if self.bent.undeclared_prefixes else _NAMES
        envelope = (
            '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
            f"{names}><s:Header/><s:Body>{content}</s:Body></s:Envelope>"
        )
        return Response(envelope.encode())


def message(topic: str, source: dict[str, str], data: dict[str, str], operation: str = "Changed") -> str:
    """A NotificationMessage."""

    def items(values: dict[str, str]) -> str:
        return "".join(f'<tt:SimpleItem Name="{name}" Value="{escape(value)}"/>' for name, value in values.items())

    return (
        "<wsnt:NotificationMessage>"
        '<wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">'
        f"{topic}</wsnt:Topic><wsnt:Message>"
        f'<tt:Message UtcTime="{_text(datetime.now(UTC))}" PropertyOperation="{operation}">'
        f"<tt:Source>{items(source)}</tt:Source><tt:Data>{items(data)}</tt:Data></tt:Message></wsnt:Message>"
        "</wsnt:NotificationMessage>"
    )


def tampering(source: str, active: bool = True, operation: str = "Changed") -> str:
    """The scene of one source changed as a whole."""
    return message(
        "tns1:VideoSource/GlobalSceneChange/ImagingService",
        {"Source": source},
        {"State": str(active).lower()},
        operation,
    )


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _bytes(response: Response, *, keeps_alive: bool) -> bytes:
    if response.raw is not None:
        return b"".join(response.raw)
    lines = [
        f"HTTP/1.1 {response.status} Status",
        *(f"{name}: {value}" for name, value in response.headers),
        f"Content-Length: {len(response.body)}",
        *(() if keeps_alive else ("Connection: close",)),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + response.body


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    words = (await reader.readline()).decode("latin-1").split()
    if len(words) < 2:
        return None
    headers: dict[str, str] = {}
    while line := (await reader.readline()).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(words[1], headers, body.decode())
