"""The routes of the console."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from services.console.camera import CameraPage
from services.console.facilities import FacilityLists
from services.console.facility import FacilityPage
from services.console.frame import Frame
from services.console.gate import Gate
from services.console.overview import Overview
from services.console.render import Renderer
from services.console.services import ConsoleServices
from services.console.sign_in import SignIn
from services.console.static_files import StaticFiles
from services.console.throttle import SignInThrottle


def console_routes(services: ConsoleServices) -> Sequence[BaseRoute]:
    """All pages. They come after the routes of the API: the last one takes what a browser asks for in vain."""
    static = StaticFiles()
    gate = Gate(services.sessions, secure=services.secure, public_url=services.public_url)
    frame = Frame(gate, Renderer(static), services.clock)
    return [
        static.route(),
        *SignIn(services.sessions, SignInThrottle(), services.clock).routes(frame),
        *Overview(services).routes(frame),
        *FacilityLists(services).routes(frame),
        *FacilityPage(services).routes(frame),
        *CameraPage(services).routes(frame),
        frame.not_found(),
    ]
