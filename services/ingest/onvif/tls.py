"""HTTPS to devices: any certificate, recognised instead of verified, and old versions of TLS where nothing else is had.

Devices sign their certificates themselves, with any name and date (ADR 0022). Many know nothing newer than TLS 1.0 or
keys and ciphers that OpenSSL 3 refuses by itself (home-assistant/core issue 41800, blakeblackshear/frigate pull request
15603). Credentials never lie open inside: they go as digests.
"""

import functools
import hashlib
import socket
import ssl


@functools.cache
def device_context(*, legacy: bool) -> ssl.SSLContext:
    """For TLS 1.2 and newer, or from 1.0 on, with any certificate: whoever connects checks it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if legacy:
        # From TLS 1.0 on; SSL 3 stays refused by the default options of the context.
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("ALL:!aNULL:!eNULL@SECLEVEL=0")
        context.options |= _LEGACY_RENEGOTIATION
    return context


#: SSL_OP_LEGACY_SERVER_CONNECT: servers from before RFC 5746, which OpenSSL 3 refuses. In the module from Python 3.12 on.
_LEGACY_RENEGOTIATION = 0x4


def inside_tls(connection: socket.socket, *, legacy: bool) -> ssl.SSLSocket:
    """The connected socket, used up by this, as one that has its TLS handshake still before it.

    ``legacy`` admits what OpenSSL refuses by default.
    """
    return device_context(legacy=legacy).wrap_socket(connection, do_handshake_on_connect=False)


def certificate_of(secured: ssl.SSLSocket) -> str:
    """SHA-256 in hexadecimal of the certificate that the other side showed."""
    return hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest()
