"""``Interrogator`` of a split deployment: a worker that reaches the device asks it. The API never meets a camera."""

from typing import Protocol, TypeVar

from pydantic import ValidationError

from services.contracts.camera import AuthOutcome, Credentials, Interrogation, OnvifSource, Value
from services.contracts.errors import ServiceError
from services.contracts.ladder import Reason
from services.contracts.worker_endpoint import (
    ClockRequest,
    ClockSet,
    InterrogationRefused,
    InterrogationRequest,
    SignInTrial,
    SignInTried,
    WorkerEndpoint,
)
from services.registry.ports import InterrogationFailed
from services.runtime.worker_clients import WorkerClients

V = TypeVar("V", bound=Value)

_TIMEOUT_S = 15.0


class Endpoints(Protocol):
    """Which worker gets to a reach. Satisfied by the worker desk."""

    async def endpoint_for_reach(self, reach: str) -> WorkerEndpoint | None: ...


class WorkerInterrogator:
    """Asks through a worker."""

    def __init__(self, endpoints: Endpoints, clients: WorkerClients) -> None:
        self._endpoints = endpoints
        self._clients = clients

    async def interrogate(
        self, reach: str, source: OnvifSource, credentials: Credentials | None, *, every_channel: bool = False
    ) -> Interrogation:
        """Raises InterrogationFailed; NOT_WATCHED when no worker gets there."""
        asked = InterrogationRequest(source=source, credentials=credentials, every_channel=every_channel)
        return await self._ask(reach, "/interrogations", asked, Interrogation)

    async def set_clock(self, reach: str, source: OnvifSource, credentials: Credentials | None) -> ClockSet:
        """Raises InterrogationFailed; NOT_WATCHED when no worker gets there."""
        return await self._ask(reach, "/clock", ClockRequest(source=source, credentials=credentials), ClockSet)

    async def try_sign_in(self, reach: str, source: OnvifSource, credentials: Credentials) -> AuthOutcome | None:
        """Raises InterrogationFailed; NOT_WATCHED when no worker gets there."""
        trial = SignInTrial(source=source, credentials=credentials)
        return (await self._ask(reach, "/sign-in-trials", trial, SignInTried)).outcome

    async def _ask(self, reach: str, path: str, asked: Value, answers: type[V]) -> V:
        endpoint = await self._endpoints.endpoint_for_reach(reach)
        if endpoint is None:
            raise InterrogationFailed(Reason.NOT_WATCHED)
        client = await self._clients.client(endpoint)
        try:
            answer = await client.request("POST", path, json=asked.model_dump(mode="json"), timeout_s=_TIMEOUT_S)
            if answer.status == 203:
                refused = InterrogationRefused.model_validate_json(answer.body)
                raise InterrogationFailed(refused.reason, refused.auth)
            return answers.model_validate_json(answer.body)
        except (ServiceError, ValidationError) as error:
            raise InterrogationFailed(Reason.WORKER_LOST) from error
