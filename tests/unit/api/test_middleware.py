"""What every request passes through."""

import logging
from collections.abc import Iterator

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from services.api.middleware import BODY_MAX, AccessLog, BodyLimit

CHUNK = b"x" * 65536


class Client:
    """An ASGI client that counts what is taken from it."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.taken = 0
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        chunk = next(self._chunks, None)
        if chunk is None:
            return {"type": "http.request", "body": b"", "more_body": False}
        self.taken += len(chunk)
        return {"type": "http.request", "body": chunk, "more_body": True}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])


async def echo_length(scope: Scope, receive: Receive, send: Send) -> None:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    await PlainTextResponse(str(len(body)))(scope, receive, send)


def scope(path: str = "/v1/facilities", query: bytes = b"") -> Scope:
    return {"type": "http", "method": "POST", "path": path, "query_string": query, "headers": []}


def forever() -> Iterator[bytes]:
    while True:
        yield CHUNK


async def test_a_body_of_1_mib_passes_whole() -> None:
    client = Client(iter([CHUNK] * (BODY_MAX // len(CHUNK))))
    await BodyLimit(echo_length)(scope(), client.receive, client.send)
    assert client.status == 200
    assert client.sent[1]["body"] == str(BODY_MAX).encode()


async def test_one_byte_more_is_refused_after_it_was_read() -> None:
    client = Client(iter([CHUNK] * (BODY_MAX // len(CHUNK)) + [b"x"]))
    await BodyLimit(echo_length)(scope(), client.receive, client.send)
    assert client.status == 413
    assert client.taken == BODY_MAX + 1
    assert dict(client.sent[0]["headers"])[b"content-type"] == b"application/problem+json"


async def test_an_endless_body_is_drained_to_2_mib_and_no_further() -> None:
    client = Client(forever())
    await BodyLimit(echo_length)(scope(), client.receive, client.send)
    assert client.status == 413
    assert 2 * BODY_MAX < client.taken <= 2 * BODY_MAX + len(CHUNK)
    assert dict(client.sent[0]["headers"])[b"connection"] == b"close"


async def test_a_client_that_goes_away_gets_no_answer() -> None:
    sent: list[Message] = []

    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await BodyLimit(echo_length)(scope(), gone, send)
    assert sent == []


async def test_the_access_log_tells_the_path_and_no_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "services.access_log")
    client = Client(iter([]))
    await AccessLog(echo_length)(scope("/live/x/index.m3u8", b"token=hunter2"), client.receive, client.send)
    (record,) = caplog.records
    assert vars(record)["path"] == "/live/x/index.m3u8"
    assert vars(record)["status"] == 200
    assert "hunter2" not in str(vars(record))
    headers = dict(client.sent[0]["headers"])
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"x-request-id"].decode() == vars(record)["request_id"]
