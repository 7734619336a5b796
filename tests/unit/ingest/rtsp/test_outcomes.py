"""From connection errors to reasons."""

import errno

import pytest

from services.contracts.ladder import Reason, Rung
from services.ingest.rtsp.outcomes import connect_fault, higher, lost_fault


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), Reason.REFUSED),
        (ConnectionResetError(errno.ECONNRESET, "x"), Reason.REFUSED),
        (OSError(errno.EHOSTUNREACH, "x"), Reason.NO_ROUTE),
        (OSError(errno.ENETUNREACH, "x"), Reason.NO_ROUTE),
        (PermissionError(errno.EPERM, "x"), Reason.NO_ROUTE),
        (TimeoutError(), Reason.TIMEOUT),
        (TimeoutError(errno.ETIMEDOUT, "x"), Reason.TIMEOUT),
    ],
)
def test_a_failed_connection_means_an_unreachable_camera(error: OSError, reason: Reason) -> None:
    fault = connect_fault(error)
    assert fault is not None
    assert (fault.reason, fault.rung) == (reason, Rung.UNREACHABLE)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL])
def test_what_we_lack_ourselves_is_not_the_cameras_fault(number: int) -> None:
    assert connect_fault(OSError(number, "x")) is None


@pytest.mark.parametrize(
    ("rung", "error", "reason"),
    [
        (Rung.REACHABLE, None, Reason.PROTOCOL_ERROR),
        (Rung.REACHABLE, ConnectionResetError(), Reason.PROTOCOL_ERROR),
        (Rung.ANSWERING, None, Reason.ENDED),
        (Rung.PLAYING, None, Reason.ENDED),
        (Rung.PLAYING, ConnectionResetError(), Reason.ENDED),
        (Rung.PLAYING, TimeoutError(), Reason.TIMEOUT),
    ],
)
def test_a_lost_connection_means_what_had_been_reached(rung: Rung, error: Exception | None, reason: Reason) -> None:
    fault = lost_fault(rung, error)
    assert (fault.reason, fault.rung) == (reason, rung)


def test_the_higher_of_two_rungs() -> None:
    assert higher(Rung.ANSWERING, Rung.PLAYING) is higher(Rung.PLAYING, Rung.ANSWERING) is Rung.PLAYING
