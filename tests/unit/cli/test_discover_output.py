"""What a search prints and writes."""

import csv
from pathlib import Path

from services.cli.discover_csv import HEADINGS, rows, write_csv
from services.cli.discover_view import advice_lines, device_name, found_line
from services.contracts.discovery import Found, FoundChannel, FoundStream
from services.contracts.ladder import Reason, Rung


def stream(role: str, path: str) -> FoundStream:
    return FoundStream.model_validate({"role": role, "port": 554, "path": path})


def recorder() -> Found:
    channels = (
        FoundChannel(
            key="P1", name="Cổng", streams=(stream("main", "/101"), stream("sub", "/102")), rung=Rung.DESCRIBED
        ),
        FoundChannel(
            key="P2", name="=1+1", streams=(stream("main", "/201"),), rung=Rung.AUTHORIZED, reasons=(Reason.NOT_FOUND,)
        ),
    )
    return Found(
        address="10.0.0.5",
        port=80,
        protocol="onvif",
        manufacturer="Hikvision",
        model="DS-7608",
        serial="SN1",
        mac="aa:bb:cc:dd:ee:01",
        channels=channels,
        rung=Rung.DESCRIBED,
        reasons=(Reason.CLOCK_SKEW,),
    )


def test_each_channel_has_a_line_with_its_own_proof() -> None:
    first, second = (dict(zip(HEADINGS, row, strict=True)) for row in rows(recorder()))
    assert (first["channel"], first["stream"], first["sub_stream"]) == (
        "Cổng",
        "rtsp://10.0.0.5:554/101",
        "rtsp://10.0.0.5:554/102",
    )
    assert (first["rung"], first["reasons"]) == ("described", "clock_skew")
    assert (second["rung"], second["reasons"], second["sub_stream"]) == ("authorized", "not_found clock_skew", "")
    assert second["advice_en"].startswith(Reason.NOT_FOUND.advice.en)
    assert second["advice_vi"].startswith(Reason.NOT_FOUND.advice.vi)


def test_a_name_that_is_a_formula_becomes_text() -> None:
    assert list(rows(recorder()))[1][HEADINGS.index("channel")] == "'=1+1"


def test_the_file_opens_in_spreadsheets_with_its_vietnamese(tmp_path: Path) -> None:
    closed = Found(address="fd00::5", port=80, rung=Rung.ANSWERING, reasons=(Reason.AUTH_FAILED,))
    path = tmp_path / "found.csv"
    write_csv(path, [recorder(), closed])
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    assert len(lines) == 1 + 2 + 1
    assert lines[3][HEADINGS.index("advice_vi")] == Reason.AUTH_FAILED.advice.vi


def test_advice_stands_once_for_each_reason_in_both_languages() -> None:
    closed = [Found(address=f"10.0.0.{at}", port=80, reasons=(Reason.AUTH_FAILED,)) for at in range(1, 12)]
    lines = advice_lines([recorder(), *closed])
    (at,) = (number for number, line in enumerate(lines) if line.startswith("auth_failed: "))
    assert lines[at].endswith("10.0.0.8 and 3 more")
    assert lines[at + 1 : at + 3] == [f"  {Reason.AUTH_FAILED.advice.en}", f"  {Reason.AUTH_FAILED.advice.vi}"]
    assert lines[-3].startswith("clock_skew: ")  # advisory ones last


def test_what_a_device_calls_itself_cannot_write_on_the_terminal() -> None:
    hostile = Found(address="10.0.0.5", port=80, manufacturer="\x1b[2J\x07Evil", model="X\n1")
    assert device_name(hostile) == " [2J Evil X 1"
    assert "\x1b" not in found_line(hostile)
