"""Thousands of ONVIF devices in one process: every address of 127.0.0.0/8 is one, at one port.

Each has an account of its own, made from its address. Even ones want HTTP Digest, odd ones WS-Security, and both check it.
Every fourth has Media2 as well. At a second port nobody ever answers. Prints ``{"port": …, "hanging_port": …}`` when it
listens, and ends with its stdin.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import re
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from ipaddress import IPv4Address
from typing import ClassVar

from services.runtime.file_limit import raise_file_limit

_FIRST = int(IPv4Address("127.1.0.1"))
_REALM = "Login to device"
_OPEN = frozenset({"GetSystemDateAndTime", "GetServices", "GetCapabilities", "GetEndpointReference", "GetHostname"})
_OPERATION = re.compile(rb"Body[^>]*>\s*<(?:[\w-]+:)?(\w+)")
_FIELDS = re.compile(r'(\w+)="?([^",]*)"?')
_ELEMENT = re.compile(rb"<(?:[\w-]+:)?(Username|Password|Nonce|Created|ProfileToken)\b[^>]*>([^<]*)<")
_NAMESPACES = (
    'xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tds="http://www.onvif.org/ver10/device/wsdl" '
    'xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tr2="http://www.onvif.org/ver20/media/wsdl" '
    'xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:ter="http://www.onvif.org/ver10/error"'
)
_SIZES = {"main": (1920, 1080, "H264"), "sub": (704, 576, "H264"), "third": (352, 288, "JPEG")}


def address_of(index: int) -> str:
    """The address of a device."""
    return str(IPv4Address(_FIRST + index))


def account_of(address: str) -> tuple[str, str]:
    """User and password of the device at this address."""
    return f"user-{address}", f"password of {address}"


def _index_of(address: str) -> int:
    return int(IPv4Address(address)) - _FIRST


def _soap(content: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope {_NAMESPACES}><s:Body>{content}</s:Body></s:Envelope>'
    ).encode()


def _profile(token: str) -> str:
    """A media profile of the length that cameras send, with what nobody asks for."""
    width, height, encoding = _SIZES[token]
    multicast = (
        "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>"
        "<tt:Port>8860</tt:Port><tt:TTL>128</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>"
        "<tt:SessionTimeout>PT5S</tt:SessionTimeout>"
    )
    return (
        f'<trt:Profiles token="{token}" fixed="true"><tt:Name>{token} stream</tt:Name>'
        '<tt:VideoSourceConfiguration token="vsc"><tt:Name>vsc</tt:Name><tt:UseCount>3</tt:UseCount>'
        '<tt:SourceToken>source</tt:SourceToken><tt:Bounds x="0" y="0" width="1920" height="1080"/>'
        "</tt:VideoSourceConfiguration>"
        '<tt:AudioSourceConfiguration token="asc"><tt:Name>asc</tt:Name><tt:UseCount>3</tt:UseCount>'
        "<tt:SourceToken>audio</tt:SourceToken></tt:AudioSourceConfiguration>"
        f'<tt:VideoEncoderConfiguration token="vec-{token}"><tt:Name>vec</tt:Name><tt:UseCount>1</tt:UseCount>'
        f"<tt:Encoding>{encoding}</tt:Encoding><tt:Resolution><tt:Width>{width}</tt:Width>"
        f"<tt:Height>{height}</tt:Height></tt:Resolution><tt:Quality>3</tt:Quality><tt:RateControl>"
        "<tt:FrameRateLimit>25</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval>"
        "<tt:BitrateLimit>2048</tt:BitrateLimit></tt:RateControl><tt:H264><tt:GovLength>50</tt:GovLength>"
        f"<tt:H264Profile>Main</tt:H264Profile></tt:H264>{multicast}</tt:VideoEncoderConfiguration>"
        '<tt:AudioEncoderConfiguration token="aec"><tt:Name>aec</tt:Name><tt:UseCount>3</tt:UseCount>'
        "<tt:Encoding>G711</tt:Encoding><tt:Bitrate>64</tt:Bitrate><tt:SampleRate>8</tt:SampleRate>"
        f"{multicast}</tt:AudioEncoderConfiguration>"
        '<tt:VideoAnalyticsConfiguration token="vac"><tt:Name>vac</tt:Name><tt:UseCount>3</tt:UseCount>'
        '<tt:AnalyticsEngineConfiguration><tt:AnalyticsModule Name="motion" Type="tt:CellMotionEngine"><tt:Parameters>'
        '<tt:SimpleItem Name="Sensitivity" Value="60"/><tt:ElementItem Name="Layout"><tt:CellLayout Columns="22" '
        'Rows="18"><tt:Transformation><tt:Translate x="-1.0" y="-1.0"/><tt:Scale x="0.09" y="0.11"/>'
        "</tt:Transformation></tt:CellLayout></tt:ElementItem></tt:Parameters></tt:AnalyticsModule>"
        "</tt:AnalyticsEngineConfiguration><tt:RuleEngineConfiguration/></tt:VideoAnalyticsConfiguration>"
        "</trt:Profiles>"
    )


def _profile2(token: str) -> str:
    width, height, encoding = _SIZES[token]
    return (
        f'<tr2:Profiles token="{token}" fixed="true"><tr2:Name>{token} stream</tr2:Name><tr2:Configurations>'
        '<tr2:VideoSource token="vsc"><tt:Name>vsc</tt:Name><tt:UseCount>3</tt:UseCount>'
        '<tt:SourceToken>source</tt:SourceToken><tt:Bounds x="0" y="0" width="1920" height="1080"/></tr2:VideoSource>'
        f'<tr2:VideoEncoder token="vec-{token}" GovLength="50" Profile="Main"><tt:Name>vec</tt:Name>'
        f"<tt:UseCount>1</tt:UseCount><tt:Encoding>{'H265' if token == 'main' else encoding}</tt:Encoding>"
        f"<tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height></tt:Resolution>"
        "<tt:Quality>3</tt:Quality></tr2:VideoEncoder></tr2:Configurations></tr2:Profiles>"
    )


def _services(address: str, port: int) -> str:
    offered = {"ver10/device": "device_service", "ver10/media": "media", "ver10/events": "events"}
    if _index_of(address) % 4 == 3:
        offered["ver20/media"] = "media2"
    return "".join(
        f"<tds:Service><tds:Namespace>http://www.onvif.org/{name}/wsdl</tds:Namespace>"
        f"<tds:XAddr>http://{address}:{port}/onvif/{path}</tds:XAddr><tds:Version><tt:Major>2</tt:Major>"
        "<tt:Minor>60</tt:Minor></tds:Version></tds:Service>"
        for name, path in offered.items()
    )


@cache
def _profiles(version: int) -> bytes:
    if version == 2:
        return _soap(f"<tr2:GetProfilesResponse>{''.join(map(_profile2, _SIZES))}</tr2:GetProfilesResponse>")
    return _soap(f"<trt:GetProfilesResponse>{''.join(map(_profile, _SIZES))}</trt:GetProfilesResponse>")


def _mac_of(address: str) -> str:
    return "02:" + ":".join(f"{part:02x}" for part in (0, *IPv4Address(address).packed))


def _answer(operation: str, address: str, port: int, path: str, token: str) -> bytes:
    """What the device at this address says."""
    match operation:
        case "GetSystemDateAndTime":
            now = datetime.now(UTC)
            return _soap(
                "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>"
                "<tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>ICT-7</tt:TZ></tt:TimeZone>"
                f"<tt:UTCDateTime><tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute>"
                f"<tt:Second>{now.second}</tt:Second></tt:Time><tt:Date><tt:Year>{now.year}</tt:Year>"
                f"<tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date></tt:UTCDateTime>"
                "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
            )
        case "GetDeviceInformation":
            return _soap(
                "<tds:GetDeviceInformationResponse><tds:Manufacturer>Maker</tds:Manufacturer><tds:Model>IPC-1</tds:Model>"
                "<tds:FirmwareVersion>V5.5.0 build 190712</tds:FirmwareVersion>"
                f"<tds:SerialNumber>SN-{address}</tds:SerialNumber><tds:HardwareId>88</tds:HardwareId>"
                "</tds:GetDeviceInformationResponse>"
            )
        case "GetNetworkInterfaces":
            return _soap(
                '<tds:GetNetworkInterfacesResponse><tds:NetworkInterfaces token="eth0"><tt:Enabled>true</tt:Enabled>'
                f"<tt:Info><tt:Name>eth0</tt:Name><tt:HwAddress>{_mac_of(address)}</tt:HwAddress><tt:MTU>1500</tt:MTU>"
                "</tt:Info><tt:IPv4><tt:Enabled>true</tt:Enabled><tt:Config><tt:Manual>"
                f"<tt:Address>{address}</tt:Address><tt:PrefixLength>8</tt:PrefixLength></tt:Manual>"
                "<tt:DHCP>false</tt:DHCP></tt:Config></tt:IPv4></tds:NetworkInterfaces>"
                "</tds:GetNetworkInterfacesResponse>"
            )
        case "GetEndpointReference":
            return _soap(
                f"<tds:GetEndpointReferenceResponse><tds:GUID>urn:uuid:5f5a69c2-e0ae-504f-829b-{_index_of(address):012x}"
                "</tds:GUID></tds:GetEndpointReferenceResponse>"
            )
        case "GetHostname":
            return _soap(
                "<tds:GetHostnameResponse><tds:HostnameInformation><tt:FromDHCP>false</tt:FromDHCP>"
                f"<tt:Name>camera-{_index_of(address)}</tt:Name></tds:HostnameInformation></tds:GetHostnameResponse>"
            )
        case "GetServices":
            return _soap(f"<tds:GetServicesResponse>{_services(address, port)}</tds:GetServicesResponse>")
        case "GetCapabilities":
            return _soap(
                "<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Media>"
                f"<tt:XAddr>http://{address}:{port}/onvif/media</tt:XAddr></tt:Media></tds:Capabilities>"
                "</tds:GetCapabilitiesResponse>"
            )
        case "GetProfiles":
            return _profiles(2 if path.endswith("media2") else 1)
        case "GetStreamUri" if path.endswith("media2"):
            return _soap(
                f"<tr2:GetStreamUriResponse><tr2:Uri>rtsp://{address}:554/{token}</tr2:Uri></tr2:GetStreamUriResponse>"
            )
        case "GetStreamUri":
            return _soap(
                f"<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>rtsp://{address}:554/{token}</tt:Uri>"
                "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false"
                "</tt:InvalidAfterReboot><tt:Timeout>PT60S</tt:Timeout></trt:MediaUri></trt:GetStreamUriResponse>"
            )
    return b""


_NOT_AUTHORIZED = _soap(
    "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code>"
    '<s:Reason><s:Text xml:lang="en">Sender not Authorized</s:Text></s:Reason></s:Fault>'
)
_NOT_SUPPORTED = _NOT_AUTHORIZED.replace(b"NotAuthorized", b"ActionNotSupported").replace(b"not Authorized", b"wrong")


def _digest_is_right(header: str, address: str, nonces: set[str]) -> bool:
    fields = dict(_FIELDS.findall(header))
    user, password = account_of(address)
    if fields.get("username") != user or fields.get("nonce") not in nonces:
        return False
    nonces.discard(fields["nonce"])

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    middle = f"{fields['nonce']}:{fields['nc']}:{fields['cnonce']}:auth"
    response: str = fields["response"]
    return response == md5(f"{md5(f'{user}:{_REALM}:{password}')}:{middle}:{md5('POST:' + fields['uri'])}")


def _token_is_right(given: dict[bytes, bytes], address: str) -> bool:
    user, password = account_of(address)
    nonce = base64.b64decode(given.get(b"Nonce", b""))
    expected = base64.b64encode(hashlib.sha1(nonce + given.get(b"Created", b"") + password.encode()).digest())
    return given.get(b"Username") == user.encode() and given.get(b"Password") == expected


class _Connection(asyncio.Protocol):
    """One connection to one of the devices. Digest nonces are good once, on any connection."""

    _count = 0
    _nonces: ClassVar[set[str]] = set()

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._write: Callable[[bytes], None] = lambda _: None
        self._address = ""
        self._port = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = transport.write  # type: ignore[attr-defined]  # it is a transport of a stream
        self._address, self._port = transport.get_extra_info("sockname")[:2]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].decode("latin-1")
            length = re.search(r"(?i)content-length:\s*(\d+)", head)
            total = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < total:
                return
            body = bytes(self._buffer[end + 4 : total])
            del self._buffer[:total]
            self._serve(head, body)

    def _serve(self, head: str, body: bytes) -> None:
        found = _OPERATION.search(body)
        operation = found[1].decode() if found else ""
        given = dict(_ELEMENT.findall(body))
        if operation not in _OPEN:
            if _index_of(self._address) % 2:
                if not _token_is_right(given, self._address):
                    return self._send(400, _NOT_AUTHORIZED)
            else:
                shown = re.search(r"(?im)^authorization: Digest (.*)$", head)
                if shown is None or not _digest_is_right(shown[1].rstrip("\r"), self._address, self._nonces):
                    return self._challenge()
        path = head.split(" ", 2)[1]
        answer = _answer(operation, self._address, self._port, path, given.get(b"ProfileToken", b"").decode())
        return self._send(200, answer) if answer else self._send(400, _NOT_SUPPORTED)

    def _challenge(self) -> None:
        _Connection._count += 1
        nonce = f"{_Connection._count:x}"
        self._nonces.add(nonce)
        self._send(401, b"", f'WWW-Authenticate: Digest realm="{_REALM}", nonce="{nonce}", qop="auth"\r\n')

    def _send(self, status: int, body: bytes, header: str = "") -> None:
        self._write(
            f"HTTP/1.1 {status} Status\r\nServer: farm\r\nContent-Type: application/soap+xml; charset=utf-8\r\n{header}"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )


async def _run() -> None:
    loop = asyncio.get_running_loop()
    listening = socket.create_server(("0.0.0.0", 0), backlog=1024)
    server = await loop.create_server(_Connection, sock=listening, backlog=1024)
    hanging = await loop.create_server(asyncio.Protocol, host="0.0.0.0", port=0)
    ports = (listening.getsockname()[1], hanging.sockets[0].getsockname()[1])
    print(json.dumps(dict(zip(("port", "hanging_port"), ports, strict=True))), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()
    hanging.close()


def main() -> None:
    argparse.ArgumentParser(prog="python -m benchmarks.device_farm", description=__doc__).parse_args()
    raise_file_limit()
    asyncio.run(_run())


if __name__ == "__main__":
    main()
