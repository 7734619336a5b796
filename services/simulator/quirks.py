"""What real devices do that no specification allows. Each quirk changes one thing, and was reported of real devices.

A quirk differs from a fault: with it the device works, for those who know. The numbers are those of docs/devices.md.
``owner/name#number`` is an issue or pull request on GitHub.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Quirk(StrEnum):
    """One habit of a device. What it is and who reported it says ``QUIRKS``."""

    CLOCK_1970 = "clock_1970"
    CLOCK_WANTS_PASSWORD = "clock_wants_password"  # noqa: S105 - a name
    CLOCK_LOCAL_ONLY = "clock_local_only"
    CLOCK_NONSENSE = "clock_nonsense"
    CREATED_Z_ONLY = "created_z_only"
    SHORT_TOKENS_ONLY = "short_tokens_only"
    NONCE_LOCK = "nonce_lock"
    NONCE_PER_URI = "nonce_per_uri"
    NO_WSSE_PREFIX = "no_wsse_prefix"
    LOCKOUT = "lockout"
    ONVIF_OFF = "onvif_off"
    ONVIF_ACCOUNT = "onvif_account"
    SERVICE_PORT_WRONG = "service_port_wrong"
    STREAM_PORT_WRONG = "stream_port_wrong"
    STREAM_HOST_WRONG = "stream_host_wrong"
    STREAM_CREDENTIALS = "stream_credentials"
    URI_LINE_BREAKS = "uri_line_breaks"
    DOUBLED_PORT = "doubled_port"
    SEVERAL_XADDRS = "several_xaddrs"
    STALE_XADDR = "stale_xaddr"
    TYPED_PROBES_ONLY = "typed_probes_only"
    UNTYPED_PROBES_ONLY = "untyped_probes_only"
    BARE_MATCH = "bare_match"
    SAME_MESSAGE_ID = "same_message_id"
    SAME_SERIAL = "same_serial"
    SAME_ENDPOINT = "same_endpoint"
    RANDOM_ENDPOINT = "random_endpoint"
    NO_INTERFACES = "no_interfaces"
    NO_GET_SERVICES = "no_get_services"
    NO_MEDIA_CAPABILITY = "no_media_capability"
    CATEGORY_REQUIRED = "category_required"
    H265_IN_MEDIA2_ONLY = "h265_in_media2_only"
    ENCODER_WITHOUT_FACTS = "encoder_without_facts"
    METADATA_PROFILE = "metadata_profile"
    ONE_AT_A_TIME = "one_at_a_time"
    HTML = "html"
    UNDECLARED_PREFIX = "undeclared_prefix"
    INVALID_UTF8 = "invalid_utf8"
    REDIRECT_HTTPS = "redirect_https"
    SLOW_ANSWERS = "slow_answers"
    HANGS = "hangs"
    ENDLESS_SNAPSHOT = "endless_snapshot"
    NO_SNAPSHOT = "no_snapshot"
    SNAPSHOT_RTSP = "snapshot_rtsp"
    SNAPSHOT_BASIC = "snapshot_basic"
    PATHS_TOLD = "paths_told"
    ANY_PATH = "any_path"


class QuirkFacts(NamedTuple):
    """``number`` is that of docs/devices.md; 0: none of them, but of RTSP without ONVIF."""

    number: int
    what: str
    source: str


QUIRKS: dict[Quirk, QuirkFacts] = {
    Quirk.CLOCK_1970: QuirkFacts(
        1, "after a start without a battery its clock is in 1970", "home-assistant/core#121952"
    ),
    Quirk.CLOCK_WANTS_PASSWORD: QuirkFacts(2, "GetSystemDateAndTime needs credentials", "lumeohq/onvif-rs#65"),
    Quirk.CLOCK_LOCAL_ONLY: QuirkFacts(3, "the clock is told without UTCDateTime", "agsh/onvif#65"),
    Quirk.CLOCK_NONSENSE: QuirkFacts(
        3, "the clock says 0000-00-00, minute 61", "home-assistant/core#66357, home-assistant/core#124086"
    ),
    Quirk.CREATED_Z_ONLY: QuirkFacts(4, "Created must end in Z", "home-assistant/core#37750"),
    Quirk.SHORT_TOKENS_ONLY: QuirkFacts(
        5, "a nonce beyond 16 bytes or a fraction of a second in Created is refused", "lumeohq/onvif-rs#114"
    ),
    Quirk.NONCE_LOCK: QuirkFacts(6, "a nonce that comes twice locks the account", "sr99622/libonvif#126"),
    Quirk.NONCE_PER_URI: QuirkFacts(8, "a digest nonce holds for the URI it was given for", "IOTechSystems/onvif#41"),
    Quirk.NO_WSSE_PREFIX: QuirkFacts(9, "a Security header with the prefix wsse: is refused", "IOTechSystems/onvif#28"),
    Quirk.LOCKOUT: QuirkFacts(
        10, "five wrong passwords lock the account for half an hour", "Quedale/OnvifDeviceManager#19, agsh/onvif#112"
    ),
    Quirk.ONVIF_OFF: QuirkFacts(11, "ONVIF is switched off as the factory left it; RTSP works", "agsh/onvif#62"),
    Quirk.ONVIF_ACCOUNT: QuirkFacts(11, "ONVIF has users of its own: `onvif-` and the name", "agsh/onvif#112"),
    Quirk.SERVICE_PORT_WRONG: QuirkFacts(
        13,
        "the addresses of services and snapshots name the port inside NAT",
        "openvideolibs/python-onvif-zeep-async#82",
    ),
    Quirk.STREAM_PORT_WRONG: QuirkFacts(14, "stream addresses name port 80", "cdavis-code/easy_onvif_workspace#39"),
    Quirk.STREAM_HOST_WRONG: QuirkFacts(
        14, "stream addresses name 127.0.1.1", "BigTonyTones/Tonys-Onvf-RTSP-Server#12"
    ),
    Quirk.STREAM_CREDENTIALS: QuirkFacts(15, "stream addresses hold user and password", "home-assistant/core#41815"),
    Quirk.URI_LINE_BREAKS: QuirkFacts(
        17, "addresses stand between line breaks, a second one behind them", "AlexxIT/go2rtc#638, AlexxIT/go2rtc#884"
    ),
    Quirk.DOUBLED_PORT: QuirkFacts(18, "addresses name their port twice", "home-assistant/core#92603"),
    Quirk.SEVERAL_XADDRS: QuirkFacts(
        19, "a match names link-local, inner and IPv6 addresses before its own", "agsh/onvif#63, lumeohq/onvif-rs#97"
    ),
    Quirk.STALE_XADDR: QuirkFacts(20, "a match names the address before the last change", "AlexxIT/go2rtc#1948"),
    Quirk.TYPED_PROBES_ONLY: QuirkFacts(
        23,
        "answers only probes that hold `dn:NetworkVideoTransmitter`, letter by letter",
        "andreikop/python-ws-discovery#25",
    ),
    Quirk.UNTYPED_PROBES_ONLY: QuirkFacts(23, "answers only probes without types", "andreikop/python-ws-discovery#56"),
    Quirk.BARE_MATCH: QuirkFacts(
        24, "a ProbeMatch without ProbeMatches, under another Action", "ipycam 1.3.0, as measured"
    ),
    Quirk.SAME_MESSAGE_ID: QuirkFacts(
        24, "a match carries the probe's MessageID, and no To", "andreikop/python-ws-discovery#38"
    ),
    Quirk.SAME_SERIAL: QuirkFacts(
        25, "has the serial number that all of its model have", "edgexfoundry/device-onvif-camera#2"
    ),
    Quirk.SAME_ENDPOINT: QuirkFacts(
        25, "has the endpoint reference that all of its model have", "home-assistant/core#69661"
    ),
    Quirk.RANDOM_ENDPOINT: QuirkFacts(
        25, "has another endpoint reference after each start", "roleoroleo/onvif_simple_server#43"
    ),
    Quirk.NO_INTERFACES: QuirkFacts(
        25, "does not tell its network interfaces, nor its MAC", "ipycam 1.3.0, as measured"
    ),
    Quirk.NO_GET_SERVICES: QuirkFacts(27, "GetServices is not supported", "quatanium/python-onvif#30"),
    Quirk.NO_MEDIA_CAPABILITY: QuirkFacts(27, "GetCapabilities does not tell of media", "agsh/onvif#207"),
    Quirk.CATEGORY_REQUIRED: QuirkFacts(
        28, "GetCapabilities without a category is refused", "edgexfoundry/device-onvif-camera#211"
    ),
    Quirk.H265_IN_MEDIA2_ONLY: QuirkFacts(29, "the old media service hides streams in H.265", "agsh/onvif#187"),
    Quirk.ENCODER_WITHOUT_FACTS: QuirkFacts(
        30, "encoder configurations without encoding and resolution", "cdavis-code/easy_onvif_workspace#20"
    ),
    Quirk.METADATA_PROFILE: QuirkFacts(30, "has a profile without video", "cdavis-code/easy_onvif_workspace#20"),
    Quirk.ONE_AT_A_TIME: QuirkFacts(31, "a second call at the same time is answered 503", "agsh/onvif#328"),
    Quirk.HTML: QuirkFacts(
        33, "every request to the ONVIF port gets a page for people", "FalkTannhaeuser/python-onvif-zeep#92"
    ),
    Quirk.UNDECLARED_PREFIX: QuirkFacts(
        34, "answers use prefixes that they do not declare", "mvantellingen/python-zeep#1205"
    ),
    Quirk.INVALID_UTF8: QuirkFacts(
        35, "texts are in another code page than the XML says", "openvideolibs/python-onvif-zeep-async#44"
    ),
    Quirk.REDIRECT_HTTPS: QuirkFacts(36, "HTTP is redirected to HTTPS", "lumeohq/onvif-rs#39"),
    Quirk.SLOW_ANSWERS: QuirkFacts(38, "each answer takes three seconds", "openvideolibs/python-onvif-zeep-async#30"),
    Quirk.HANGS: QuirkFacts(38, "accepts requests and does not answer", "home-assistant/core#176500"),
    Quirk.ENDLESS_SNAPSHOT: QuirkFacts(38, "a snapshot that never ends", "home-assistant/core#182628"),
    Quirk.NO_SNAPSHOT: QuirkFacts(45, "GetSnapshotUri is not supported", "home-assistant/core#66554"),
    Quirk.SNAPSHOT_RTSP: QuirkFacts(45, "GetSnapshotUri names an RTSP address", "home-assistant/core#43376"),
    Quirk.SNAPSHOT_BASIC: QuirkFacts(
        45, "snapshots want Basic authentication", "openvideolibs/python-onvif-zeep-async#49"
    ),
    Quirk.PATHS_TOLD: QuirkFacts(0, "RTSP answers 404 for unknown paths before it asks for a password", "RFC 2326"),
    Quirk.ANY_PATH: QuirkFacts(0, "RTSP plays the first stream whatever the path", "Ullaakut/cameradar#438"),
}


class UnknownQuirk(ValueError):
    """No quirk has this name."""


def read_quirks(names: Iterable[str]) -> frozenset[Quirk]:
    """Quirks by their names. Raises UnknownQuirk."""
    try:
        return frozenset(Quirk(name) for name in names)
    except ValueError as error:
        raise UnknownQuirk(f"{error}; quirks are: {', '.join(Quirk)}") from error
