"""Clients to the media endpoints of workers, one per run of a worker, pinned to its certificate."""

from collections import OrderedDict

from services.contracts.ids import WorkerId
from services.contracts.worker_endpoint import WorkerEndpoint
from services.runtime.http_client import HttpClient, pinned_to

_KEPT = 64


class WorkerClients:
    """Keeps connections to the workers used last."""

    def __init__(self, timeout_s: float = 20.0) -> None:
        self._timeout_s = timeout_s
        self._clients: OrderedDict[WorkerId, HttpClient] = OrderedDict()

    async def client(self, endpoint: WorkerEndpoint) -> HttpClient:
        """A client to this worker. A worker's id is that of one run, so its endpoint never changes."""
        client = self._clients.get(endpoint.worker_id)
        if client is None:
            client = HttpClient(
                endpoint.url, endpoint.token, pinned_to(endpoint.certificate_pem), timeout_s=self._timeout_s
            )
            self._clients[endpoint.worker_id] = client
        self._clients.move_to_end(endpoint.worker_id)
        while len(self._clients) > _KEPT:
            _, oldest = self._clients.popitem(last=False)
            await oldest.close()
        return client

    async def close(self) -> None:
        """Close all connections."""
        while self._clients:
            _, client = self._clients.popitem()
            await client.close()
