"""The answers of the ONVIF device service (devicemgmt.wsdl)."""

from collections.abc import Callable
from datetime import UTC, datetime

from services.simulator.onvif_media import media2_capabilities, media_capabilities
from services.simulator.onvif_view import DEVICE_PATH, MEDIA2_PATH, MEDIA_PATH, DeviceView
from services.simulator.quirks import Quirk
from services.simulator.soap import NAMESPACES, Markup, SoapFault, SoapRequest, element

Operation = Callable[[DeviceView, SoapRequest], Markup]


def _system_date_and_time(view: DeviceView, _: SoapRequest) -> Markup:
    now = view.state.now()
    shown = (now.year, now.month, now.day, now.hour, now.minute, now.second)
    year, month, day, hour, minute, second = (0, 0, 0, 0, 61, 0) if view.has(Quirk.CLOCK_NONSENSE) else shown
    time = element("tt:Time", element("tt:Hour", hour), element("tt:Minute", minute), element("tt:Second", second))
    date = element("tt:Date", element("tt:Year", year), element("tt:Month", month), element("tt:Day", day))
    utc = [] if view.has(Quirk.CLOCK_LOCAL_ONLY) else [element("tt:UTCDateTime", time, date)]
    return element(
        "tds:GetSystemDateAndTimeResponse",
        element(
            "tds:SystemDateAndTime",
            element("tt:DateTimeType", "Manual"),
            element("tt:DaylightSavings", False),
            element("tt:TimeZone", element("tt:TZ", "UTC0")),
            *utc,
            element("tt:LocalDateTime", time, date),
        ),
    )


def _set_system_date_and_time(view: DeviceView, request: SoapRequest) -> Markup:
    if request.argument("DateTimeType") != "Manual":
        raise SoapFault("env:Receiver", ("ter:ActionNotSupported",), "only Manual")
    date = [request.number("UTCDateTime", "Date", name) for name in ("Year", "Month", "Day")]
    time = [request.number("UTCDateTime", "Time", name) for name in ("Hour", "Minute", "Second")]
    try:
        moment = datetime(*date, *time, tzinfo=UTC)  # type: ignore[arg-type, misc]  # six numbers
    except ValueError as error:
        raise SoapFault("env:Sender", ("ter:InvalidArgVal", "ter:InvalidDateTime"), str(error)) from error
    view.state.set_clock(moment)
    return element("tds:SetSystemDateAndTimeResponse")


def _services(view: DeviceView, request: SoapRequest) -> Markup:
    offered = [("tds", DEVICE_PATH, device_capabilities()), ("trt", MEDIA_PATH, media_capabilities())]
    if view.has_media2:
        offered.append(("tr2", MEDIA2_PATH, media2_capabilities()))
    wanted = request.argument("IncludeCapability") in {"true", "1"}
    return element(
        "tds:GetServicesResponse",
        *(
            element(
                "tds:Service",
                element("tds:Namespace", NAMESPACES[prefix]),
                element("tds:XAddr", view.address(path)),
                *([element("tds:Capabilities", capabilities)] if wanted else []),
                element("tds:Version", element("tt:Major", 2), element("tt:Minor", 60)),
            )
            for prefix, path, capabilities in offered
        ),
    )


def _capabilities(view: DeviceView, request: SoapRequest) -> Markup:
    categories = {
        "Device": element("tt:Device", element("tt:XAddr", view.address(DEVICE_PATH))),
        "Media": element(
            "tt:Media",
            element("tt:XAddr", view.address(MEDIA_PATH)),
            element(
                "tt:StreamingCapabilities",
                element("tt:RTPMulticast", False),
                element("tt:RTP_TCP", False),
                element("tt:RTP_RTSP_TCP", True),
            ),
        ),
    }
    if view.has(Quirk.NO_MEDIA_CAPABILITY):
        del categories["Media"]
    asked = request.arguments("Category")
    if not asked and view.has(Quirk.CATEGORY_REQUIRED):
        raise SoapFault("env:Sender", ("ter:InvalidArgVal",), "Category is missing")
    asked = asked or ["All"]
    unknown = set(asked) - {"All", *categories}
    if unknown:
        raise SoapFault("env:Receiver", ("ter:ActionNotSupported", "ter:NoSuchService"), "no service of this category")
    shown = [text for name, text in categories.items() if "All" in asked or name in asked]
    return element("tds:GetCapabilitiesResponse", element("tds:Capabilities", *shown))


def device_capabilities() -> Markup:
    """The typed capabilities of this service."""
    return element(
        "tds:Capabilities",
        element("tds:Network", IPFilter=False, DHCPv6=False),
        element("tds:Security", HttpDigest=True, UsernameToken=True, RELToken=False),
        element("tds:System", DiscoveryResolve=False, DiscoveryBye=False, HttpFirmwareUpgrade=False),
    )


def _service_capabilities(_: DeviceView, __: SoapRequest) -> Markup:
    return element("tds:GetServiceCapabilitiesResponse", device_capabilities())


def _device_information(view: DeviceView, _: SoapRequest) -> Markup:
    identity = view.identity
    return element(
        "tds:GetDeviceInformationResponse",
        element("tds:Manufacturer", identity.manufacturer),
        element("tds:Model", identity.model),
        element("tds:FirmwareVersion", identity.firmware),
        element("tds:SerialNumber", identity.serial),
        element("tds:HardwareId", identity.model),
    )


def _hostname(view: DeviceView, _: SoapRequest) -> Markup:
    name = element("tt:Name", view.identity.name)
    return element("tds:GetHostnameResponse", element("tds:HostnameInformation", element("tt:FromDHCP", False), name))


def _network_interfaces(view: DeviceView, _: SoapRequest) -> Markup:
    info = element(
        "tt:Info", element("tt:Name", "eth0"), element("tt:HwAddress", view.identity.mac), element("tt:MTU", 1500)
    )
    addresses = Markup("")
    if ":" not in view.local_host:
        manual = element("tt:Manual", element("tt:Address", view.local_host), element("tt:PrefixLength", 24))
        config = element("tt:Config", manual, element("tt:DHCP", False))
        addresses = element("tt:IPv4", element("tt:Enabled", True), config)
    return element(
        "tds:GetNetworkInterfacesResponse",
        element("tds:NetworkInterfaces", element("tt:Enabled", True), info, addresses, token="eth0"),  # noqa: S106
    )


def _scopes(view: DeviceView, _: SoapRequest) -> Markup:
    return element(
        "tds:GetScopesResponse",
        *(
            element("tds:Scopes", element("tt:ScopeDef", "Fixed"), element("tt:ScopeItem", scope))
            for scope in view.scopes
        ),
    )


def _endpoint_reference(view: DeviceView, _: SoapRequest) -> Markup:
    return element("tds:GetEndpointReferenceResponse", element("tds:GUID", view.identity.endpoint.urn))


DEVICE_OPERATIONS: dict[str, Operation] = {
    "tds:GetSystemDateAndTime": _system_date_and_time,
    "tds:SetSystemDateAndTime": _set_system_date_and_time,
    "tds:GetServices": _services,
    "tds:GetCapabilities": _capabilities,
    "tds:GetServiceCapabilities": _service_capabilities,
    "tds:GetDeviceInformation": _device_information,
    "tds:GetHostname": _hostname,
    "tds:GetNetworkInterfaces": _network_interfaces,
    "tds:GetScopes": _scopes,
    "tds:GetEndpointReference": _endpoint_reference,
}
