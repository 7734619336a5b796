"""Requests between our own processes: bounded, and every failure is one of ours. The server is scripted."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from services.contracts.errors import (
    Conflict,
    Forbidden,
    NotFound,
    ServiceError,
    Unauthenticated,
    Unavailable,
)
from services.runtime.http_client import HttpClient, trusting

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def client_of(talk: Talk, timeout_s: float = 2.0) -> AsyncIterator[HttpClient]:
    """A client to a server that reads the request's head and then talks."""
    talking: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talking.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await reader.readuntil(b"\r\n\r\n")
                await talk(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = HttpClient(f"http://127.0.0.1:{port}", "vg_secret", trusting(None), timeout_s=timeout_s)
    yield client
    await client.close()
    server.close()
    for task in talking:
        task.cancel()
    await asyncio.gather(*talking, return_exceptions=True)
    await server.wait_closed()


def saying(*parts: bytes, pause_s: float = 0.0) -> Talk:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return talk


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


async def test_a_success_is_status_and_body() -> None:
    async with client_of(saying(answer("201 Created", b"made"))) as client:
        got = await client.request("POST", "/x", json={"a": 1})
    assert (got.status, got.body) == (201, b"made")


@pytest.mark.parametrize(
    ("status", "category"),
    [
        ("401 Unauthorized", Unauthenticated),
        ("403 Forbidden", Forbidden),
        ("404 Not Found", NotFound),
        ("409 Conflict", Conflict),
        ("422 Unprocessable", Conflict),
        ("400 Bad Request", Unavailable),
        ("429 Too Many", Unavailable),
        ("500 Internal", Unavailable),
        ("503 Unavailable", Unavailable),
    ],
)
async def test_a_status_becomes_its_category(status: str, category: type[ServiceError]) -> None:
    async with client_of(saying(answer(status, b"{}"))) as client:
        with pytest.raises(ServiceError) as failed:
            await client.request("GET", "/x")
    assert type(failed.value) is category
    assert "vg_secret" not in failed.value.detail


async def test_a_redirect_is_not_followed() -> None:
    async with client_of(saying(answer("302 Found", b"", "Location: http://127.0.0.1:1/"))) as client:
        with pytest.raises(Unavailable, match="302"):
            await client.request("GET", "/x")


@pytest.mark.parametrize(
    "talk",
    [
        saying(),
        saying(b"not HTTP at all\r\n\r\n"),
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"),
    ],
)
async def test_nonsense_is_no_answer(talk: Talk) -> None:
    async with client_of(talk) as client:
        with pytest.raises(Unavailable):
            await client.request("GET", "/x")


async def test_an_answer_that_is_too_large_is_given_up() -> None:
    async with client_of(saying(answer("200 OK", bytes(200_000)))) as client:
        with pytest.raises(Unavailable, match="more than"):
            await client.request("GET", "/x", max_bytes=100_000)


async def test_an_answer_in_drops_does_not_last_for_ever() -> None:
    drops = [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *[b"x"] * 200]
    async with client_of(saying(*drops, pause_s=0.05), timeout_s=0.4) as client:
        began = time.monotonic()
        with pytest.raises(Unavailable, match="TimeoutError"):
            await client.request("GET", "/x")
        assert time.monotonic() - began < 1.0


async def test_a_request_may_have_a_bound_of_its_own() -> None:
    async with client_of(saying(pause_s=0), timeout_s=0.2) as client, client_of(_late, timeout_s=0.2) as slow:
        with pytest.raises(Unavailable):
            await client.request("GET", "/x")
        assert (await slow.request("GET", "/x", timeout_s=2.0)).body == b"late"


async def _late(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.4)
    writer.write(answer("200 OK", b"late"))
    await writer.drain()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"type": "about:blank", "detail": "Zone toilet\\n is refused."}', "answered 422: Zone toilet is refused."),
        (b'{"detail": 5}', "answered 422."),
        (b"<html>", "answered 422."),
        (b"[" * 100_000, "answered 422."),
        (b'{"detail": "' + b"x" * 5000 + b'"}', "answered 422: " + "x" * 300),
    ],
)
async def test_what_a_problem_document_says_is_told(body: bytes, words: str) -> None:
    async with client_of(saying(answer("422 Unprocessable", body))) as client:
        with pytest.raises(Conflict) as error:
            await client.request("POST", "/x")
    assert error.value.detail == f"POST /x {words}"
