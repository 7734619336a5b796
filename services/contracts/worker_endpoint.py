"""Where the API finds a worker of another process."""

from pydantic import Field

from services.contracts.camera import AuthOutcome, Credentials, OnvifSource, Value
from services.contracts.ids import WorkerId
from services.contracts.ladder import Reason


class WorkerEndpoint(Value):
    """The media endpoint of a living worker."""

    worker_id: WorkerId
    url: str
    certificate_pem: str
    token: str = Field(repr=False)


class InterrogationRequest(Value):
    """A device that a worker shall ask, while a registration waits."""

    source: OnvifSource
    credentials: Credentials | None = None
    every_channel: bool = Field(False, description="Ask for the streams of every channel.")


class ClockRequest(Value):
    """A device whose clock a worker shall set to its own."""

    source: OnvifSource
    credentials: Credentials | None = None


class ClockSet(Value):
    """What became of it. Seconds, device time minus ours."""

    offset_before_s: float | None = None
    offset_after_s: float | None = None


class SignInTrial(Value):
    """Credentials that a worker shall try once at a device, because its owner asked for that."""

    source: OnvifSource
    credentials: Credentials


class SignInTried(Value):
    """What the device said; null when it wants no credentials at all."""

    outcome: AuthOutcome | None = None


class InterrogationRefused(Value):
    """Why the device did not tell."""

    reason: Reason
    auth: AuthOutcome | None = None
