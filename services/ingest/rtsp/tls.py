"""RTSPS: the session inside TLS, with a certificate that is recognised instead of verified.

Cameras sign their certificates themselves, with any name and date. What can be asked of one is that it stays the same:
the SHA-256 of the first certificate is kept, and nothing is said to a device that shows another (ADR 0022).
"""

import asyncio
import hashlib
import ssl

from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault


def make_context() -> ssl.SSLContext:
    """For all cameras: TLS 1.2 or newer, any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def certificate_of(transport: asyncio.Transport) -> str:
    """SHA-256 in hexadecimal of the certificate that the other side showed."""
    shown = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return hashlib.sha256(shown).hexdigest()


def check_certificate(shown: str, known: str | None) -> None:
    """Raises CameraFault when the certificate is another than the one known; None knows none yet."""
    if known is not None and shown != known:
        raise CameraFault(Reason.CERTIFICATE_CHANGED, Rung.REACHABLE, "shows another certificate than at first")


def tls_fault(error: OSError) -> CameraFault:
    """The fault that a failed TLS handshake means: TCP is up, and what listens does not speak TLS as we do."""
    detail = error.reason if isinstance(error, ssl.SSLError) and error.reason else type(error).__name__
    return CameraFault(Reason.PROTOCOL_ERROR, Rung.REACHABLE, f"no TLS: {detail}")
