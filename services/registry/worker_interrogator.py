"""``Interrogator`` of a split deployment: a worker that reaches the device asks it. The API never meets a camera."""

from typing import Protocol

from pydantic import ValidationError

from services.contracts.camera import Credentials, Interrogation, OnvifSource
from services.contracts.errors import ServiceError
from services.contracts.ladder import Reason
from services.contracts.worker_endpoint import InterrogationRefused, InterrogationRequest, WorkerEndpoint
from services.registry.ports import InterrogationFailed
from services.runtime.worker_clients import WorkerClients

_TIMEOUT_S = 15.0


class Endpoints(Protocol):
    """Which worker gets to a reach. Satisfied by the worker desk."""

    async def endpoint_for_reach(self, reach: str) -> WorkerEndpoint | None: ...


class WorkerInterrogator:
    """Asks through a worker."""

    def __init__(self, endpoints: Endpoints, clients: WorkerClients) -> None:
        self._endpoints = endpoints
        self._clients = clients

    async def interrogate(self, reach: str, source: OnvifSource, credentials: Credentials | None) -> Interrogation:
        """Raises InterrogationFailed; NOT_WATCHED when no worker gets there."""
        endpoint = await self._endpoints.endpoint_for_reach(reach)
        if endpoint is None:
            raise InterrogationFailed(Reason.NOT_WATCHED)
        client = await self._clients.client(endpoint)
        asked = InterrogationRequest(source=source, credentials=credentials)
        try:
            answer = await client.request(
                "POST", "/interrogations", json=asked.model_dump(mode="json"), timeout_s=_TIMEOUT_S
            )
            if answer.status == 203:
                refused = InterrogationRefused.model_validate_json(answer.body)
                raise InterrogationFailed(refused.reason, refused.auth)
            return Interrogation.model_validate_json(answer.body)
        except (ServiceError, ValidationError) as error:
            raise InterrogationFailed(Reason.WORKER_LOST) from error
