"""RTSPS: the session inside TLS, with a certificate that is recognised instead of verified.

Cameras sign their certificates themselves, with any name and date. What can be asked of one is that it stays the same:
the SHA-256 of the first certificate is kept, and nothing is said to a device that shows another (ADR 0022).
"""

import asyncio
import functools
import hashlib
import socket
import ssl

from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault


@functools.cache
def any_certificate() -> ssl.SSLContext:
    """TLS 1.2 or newer, with any certificate: whoever connects checks it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def begin_tls(link: asyncio.BaseProtocol, sock: socket.socket, handshake_s: float) -> None:
    """Speak TLS on a connected socket, and connect ``link`` to what is inside.

    Raises CameraFault when the handshake fails or takes longer: what listens there does not speak TLS as we do.
    """
    try:
        await asyncio.get_running_loop().create_connection(
            lambda: link, sock=sock, ssl=any_certificate(), server_hostname="", ssl_handshake_timeout=handshake_s
        )
    except OSError as error:
        detail = error.reason if isinstance(error, ssl.SSLError) and error.reason else type(error).__name__
        raise CameraFault(Reason.PROTOCOL_ERROR, Rung.REACHABLE, f"no TLS: {detail}") from error


def certificate_of(transport: asyncio.Transport) -> str:
    """SHA-256 in hexadecimal of the certificate that the other side showed."""
    shown = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return hashlib.sha256(shown).hexdigest()


def check_certificate(shown: str, known: str | None) -> None:
    """Raises CameraFault when the certificate is another than the one known; None knows none yet."""
    if known is not None and shown != known:
        raise CameraFault(Reason.CERTIFICATE_CHANGED, Rung.REACHABLE, "shows another certificate than at first")
