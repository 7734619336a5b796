"""Style sheet, scripts and icon, read once, each under an address that changes with its content."""

import hashlib
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_HEADERS = {
    # The address names the content, so it may be kept for ever.
    "Cache-Control": "public, max-age=31536000, immutable",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class StaticFiles:
    """The files of ``console/static``."""

    def __init__(self) -> None:
        self._urls: dict[str, str] = {}
        self._served: dict[str, tuple[bytes, str]] = {}
        for file in resources.files("services.console").joinpath("static").iterdir():
            stem, _, suffix = file.name.rpartition(".")
            if suffix not in _TYPES:
                continue
            content = file.read_bytes()
            hashed = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"
            self._urls[file.name] = f"/static/{hashed}"
            self._served[hashed] = (content, _TYPES[suffix])

    def url(self, name: str) -> str:
        """The address of a file. Raises KeyError for one that is not there."""
        return self._urls[name]

    def route(self) -> BaseRoute:
        return Route("/static/{name}", self._serve, methods=["GET"])

    async def _serve(self, request: Request) -> Response:
        found = self._served.get(request.path_params["name"])
        if found is None:
            return Response("There is no such file.\n", status_code=404, media_type="text/plain")
        content, media_type = found
        return Response(content, media_type=media_type, headers=_HEADERS)
