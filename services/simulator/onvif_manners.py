"""How a device with quirks spoils answers that would otherwise be right. Pure."""

from dataclasses import replace

from services.simulator.http_server import HttpRequest, HttpResponse
from services.simulator.quirks import Quirk
from services.simulator.soap import NAMESPACES

_PAGE = (
    b"<!DOCTYPE html><html><head><title>Web Service</title></head><body>"
    b'<form action="/login"><input name="user"><input name="password" type="password"></form></body></html>'
)
#: Declarations that such a device forgets.
_UNDECLARED = ("ter", "tt")
_LATIN1 = "Mô".encode("latin-1")


def instead_of_soap(request: HttpRequest, quirks: frozenset[Quirk]) -> HttpResponse | None:
    """What a device says that does not listen to SOAP; None when it does."""
    if Quirk.HTML in quirks:
        return HttpResponse(200, _PAGE, "text/html")
    if Quirk.REDIRECT_HTTPS in quirks:
        host = request.headers.get("host", request.local_host).partition(":")[0]
        return HttpResponse(302, headers=(("Location", f"https://{host}{request.target}"),))
    return None


def spoiled(response: HttpResponse, quirks: frozenset[Quirk]) -> HttpResponse:
    """The answer as the device really writes it."""
    body = response.body
    if Quirk.UNDECLARED_PREFIX in quirks:
        for prefix in _UNDECLARED:
            body = body.replace(f' xmlns:{prefix}="{NAMESPACES[prefix]}"'.encode(), b"")
    if Quirk.INVALID_UTF8 in quirks:
        body = body.replace(b"<tds:Manufacturer>", b"<tds:Manufacturer>" + _LATIN1)
        body = body.replace(b"<tt:Name>", b"<tt:Name>" + _LATIN1)
    return replace(response, body=body)
