"""Messages of the doubled ONVIF device: the replies, and the pieces that tests build theirs from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape

DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"


@dataclass(frozen=True)
class Response:
    """An HTTP response. ``raw`` replaces it whole; its pieces are sent one by one."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/soap+xml; charset=utf-8"),)
    raw: Iterable[bytes] | None = None

    def pieces(self, *, keeps: bool = False) -> Iterator[bytes]:
        if self.raw is not None:
            yield from self.raw
            return
        lines = [f"HTTP/1.1 {self.status} Status", *(f"{name}: {value}" for name, value in self.headers)]
        ending = () if keeps else ("Connection: close",)
        head = "\r\n".join([*lines, f"Content-Length: {len(self.body)}", *ending, "", ""])
        yield head.encode("latin-1") + self.body


def soap(content: str, *, status: int = 200) -> Response:
    """A SOAP 1.2 message around the content."""
    envelope = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:ter="http://www.onvif.org/ver10/error"'
        f' xmlns:tds="{DEVICE}" xmlns:trt="{MEDIA}" xmlns:tr2="{MEDIA2}" xmlns:tt="http://www.onvif.org/ver10/schema">'
        f"<s:Body>{content}</s:Body></s:Envelope>"
    )
    return Response(envelope.encode(), status)


def fault(subcode: str, reason: str, *, status: int = 400) -> Response:
    """A SOAP 1.2 fault."""
    return soap(
        f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>{subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en">{escape(reason)}</s:Text></s:Reason></s:Fault>',
        status=status,
    )


def html(text: str, *, status: int = 200) -> Response:
    """A web page."""
    body = f"<!doctype html><html><head><title>{text}</title></head><body><p>{text}<br></body></html>"
    return Response(body.encode(), status, (("Content-Type", "text/html"),))


@dataclass(frozen=True)
class Profile:
    """A media profile as the device tells it. None leaves the element out."""

    token: str
    source: str | None = "source0"
    encoding: str | None = "H264"
    size: tuple[int, int] | None = (1920, 1080)
    name: str | None = None
    uri: str = "rtsp://{address}:554/{token}"

    def xml(self) -> str:
        name = f"<tt:Name>{escape(self.name)}</tt:Name>" if self.name else ""
        source = (
            f'<tt:VideoSourceConfiguration token="vsc"><tt:SourceToken>{self.source}</tt:SourceToken>'
            "</tt:VideoSourceConfiguration>"
            if self.source
            else ""
        )
        encoding = f"<tt:Encoding>{self.encoding}</tt:Encoding>" if self.encoding else ""
        size = (
            f"<tt:Resolution><tt:Width>{self.size[0]}</tt:Width><tt:Height>{self.size[1]}</tt:Height></tt:Resolution>"
            if self.size
            else ""
        )
        encoder = encoding + size
        if encoder:
            encoder = f'<tt:VideoEncoderConfiguration token="vec">{encoder}</tt:VideoEncoderConfiguration>'
        return f'<trt:Profiles token="{escape(self.token)}" fixed="true">{name}{source}{encoder}</trt:Profiles>'


@dataclass(frozen=True)
class Profile2:
    """A profile as Media2 tells it."""

    token: str
    source: str = "source0"
    encoding: str | None = "H265"
    size: tuple[int, int] = (2560, 1440)
    name: str | None = None
    uri: str = "rtsp://{address}:554/2/{token}"

    def xml(self, *, detailed: bool = True) -> str:
        encoder = (
            f'<tr2:VideoEncoder token="vec2" GovLength="50" Profile="Main"><tt:Name>e</tt:Name>'
            f"<tt:UseCount>1</tt:UseCount><tt:Encoding>{self.encoding}</tt:Encoding><tt:Resolution>"
            f"<tt:Width>{self.size[0]}</tt:Width><tt:Height>{self.size[1]}</tt:Height></tt:Resolution>"
            "<tt:Quality>3</tt:Quality></tr2:VideoEncoder>"
            if self.encoding
            else ""
        )
        source = (
            f'<tr2:VideoSource token="vsc2"><tt:Name>s</tt:Name><tt:UseCount>1</tt:UseCount><tt:SourceToken>{self.source}'
            '</tt:SourceToken><tt:Bounds x="0" y="0" width="10" height="10"/></tr2:VideoSource>'
        )
        held = f"<tr2:Configurations>{source}{encoder}</tr2:Configurations>" if detailed else ""
        name = escape(self.name or self.token)
        return (
            f'<tr2:Profiles token="{escape(self.token)}" fixed="true"><tr2:Name>{name}</tr2:Name>{held}</tr2:Profiles>'
        )


def network_interface(mac: str, *addresses: str, enabled: bool = True, token: str = "eth0") -> str:
    """A network interface as GetNetworkInterfaces tells it; the first address is set by hand, the second by DHCP."""
    kinds = zip(("Manual", "FromDHCP"), addresses, strict=False)
    held = "".join(
        f"<tt:{kind}><tt:Address>{address}</tt:Address><tt:PrefixLength>24</tt:PrefixLength></tt:{kind}>"
        for kind, address in kinds
    )
    return (
        f'<tds:NetworkInterfaces token="{token}"><tt:Enabled>{str(enabled).lower()}</tt:Enabled><tt:Info>'
        f"<tt:Name>{token}</tt:Name><tt:HwAddress>{mac}</tt:HwAddress><tt:MTU>1500</tt:MTU></tt:Info><tt:IPv4>"
        f"<tt:Enabled>true</tt:Enabled><tt:Config>{held}<tt:DHCP>false</tt:DHCP></tt:Config></tt:IPv4>"
        "</tds:NetworkInterfaces>"
    )


def system_time(moment: datetime) -> str:
    """The answer to GetSystemDateAndTime."""
    return (
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType>"
        "<tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime>"
        f"<tt:Time><tt:Hour>{moment.hour}</tt:Hour><tt:Minute>{moment.minute}</tt:Minute>"
        f"<tt:Second>{moment.second}</tt:Second></tt:Time>"
        f"<tt:Date><tt:Year>{moment.year}</tt:Year><tt:Month>{moment.month}</tt:Month><tt:Day>{moment.day}</tt:Day>"
        "</tt:Date></tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    )


def stream_uri(uri: str) -> str:
    """The answer to GetStreamUri."""
    return (
        f"<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>{escape(uri)}</tt:Uri>"
        "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot>"
        "<tt:Timeout>PT60S</tt:Timeout></trt:MediaUri></trt:GetStreamUriResponse>"
    )
