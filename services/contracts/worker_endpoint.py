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


class InterrogationRefused(Value):
    """Why the device did not tell."""

    reason: Reason
    auth: AuthOutcome | None = None
