"""Why a look at a camera did not get further. Adapters translate the errors of their libraries into this one."""

from services.contracts.camera import AuthOutcome
from services.contracts.ladder import Reason, Rung


class CameraFault(Exception):
    """The camera was proved to work up to ``rung``, and not further because of ``reason``.

    ``detail`` is for logs and never holds a credential or a URL with one. ``auth`` is set when the device judged our
    credentials: it counts against the budget of two attempts.
    """

    def __init__(self, reason: Reason, rung: Rung, detail: str = "", *, auth: AuthOutcome | None = None) -> None:
        self.reason = reason
        self.rung = rung
        self.detail = detail
        self.auth = auth
        super().__init__(f"{reason} at {rung}: {detail}")


class Redirected(CameraFault):
    """The camera sends us to another address. ``location`` is what it wrote there, unchecked, and empty when it wrote
    nothing: only ``redirects.next_address`` may make an address of it."""

    def __init__(self, rung: Rung, location: str) -> None:
        super().__init__(Reason.REDIRECTED, rung, "sent to another address")
        self.location = location


class HttpOnly(CameraFault):
    """What listens there answers RTSP in HTTP. Perhaps it has a tunnel for RTSP: ``Upstream`` can be told to use it."""

    def __init__(self, rung: Rung, detail: str) -> None:
        super().__init__(Reason.PROTOCOL_ERROR, rung, detail)
