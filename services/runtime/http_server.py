"""One HTTP server inside a process that does more than serving. Sole importer of uvicorn."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp


class HttpServer:
    """A uvicorn server that stops when told to and leaves signals to the process (``runtime.tasks.Shutdown``)."""

    def __init__(
        self,
        app: ASGIApp,
        host: str,
        port: int,
        *,
        certificate: Path | None = None,
        key: Path | None = None,
        graceful_s: int = 10,
        believed_proxies: Sequence[str] = (),
    ) -> None:
        self._host, self._port = host, port
        self._server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(believed_proxies),
                forwarded_allow_ips=list(believed_proxies),
                ssl_certfile=certificate,
                ssl_keyfile=key,
                timeout_graceful_shutdown=graceful_s,
                timeout_keep_alive=30,
                lifespan="off",
                ws="none",
            )
        )
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen; returns the port. Raises OSError, saying what to change, if the address or the certificate cannot be had."""
        try:
            self._server.config.load()  # or a bad certificate would end the server unseen, in its task
        except OSError as error:  # ssl.SSLError is one too
            raise OSError(
                error.errno, f"cannot use the TLS certificate and key ({error.strerror or error}); check their files"
            ) from error
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            listener = socket.create_server((self._host, self._port), family=family, backlog=2048)
        except OSError as error:
            raise OSError(
                error.errno, f"cannot listen on {self._host} port {self._port} ({error.strerror}); choose another port"
            ) from error
        self._running = asyncio.create_task(self._server.serve(sockets=[listener]), name="http server")
        port: int = listener.getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stop accepting, let running requests finish within the grace, close."""
        self._server.should_exit = True
        await self.ended()

    async def ended(self) -> None:
        """Return when the server has ended. Raises what ended it."""
        if self._running is not None:
            await asyncio.shield(self._running)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
