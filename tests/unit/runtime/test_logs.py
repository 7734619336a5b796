"""Logs tell no secret."""

import json
import logging

import pytest

from services.runtime.logs import JsonFormatter, PlainFormatter, redact

SECRETS = [
    "rtsp://admin:hunter2@10.0.0.1/a",
    "rtsp://hunter2@10.0.0.1/a",
    "GET /live/x/index.m3u8?token=hunter2.hunter2 HTTP/1.1",
    "GET /live/x/seg-1.m4s?a=b&session=hunter2",
    'Authorization: Digest username="admin", response="hunter2"',
    "authorization: Bearer hunter2",
    "key vg_AbCdEfGh_hunter2hunter2",
    "{'password': 'hunter2'}",
    '{"password": "hunter2"}',
    "password=hunter2",
]


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_cut_out(text: str) -> None:
    assert "hunter2" not in redact(text)


def test_other_text_is_left_alone() -> None:
    text = "camera rtsp://10.0.0.1/a answered 401; see /v1/cameras?limit=5"
    assert redact(text) == text


@pytest.mark.parametrize("formatter", [JsonFormatter(), PlainFormatter()])
@pytest.mark.parametrize("text", SECRETS)
def test_neither_message_nor_field_nor_exception_tells_a_secret(formatter: logging.Formatter, text: str) -> None:
    error = ValueError(text)
    record = logging.getLogger("x").makeRecord(
        "x", logging.INFO, "f", 1, "said %s", (text,), (ValueError, error, None), extra={"field": text}
    )
    assert "hunter2" not in formatter.format(record)


def test_a_line_is_one_json_object() -> None:
    record = logging.getLogger("x").makeRecord("x", logging.INFO, "f", 1, "xin chào\nbạn", (), None, extra={"n": 3})
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == "xin chào\nbạn"
    assert json.loads(line)["n"] == 3
