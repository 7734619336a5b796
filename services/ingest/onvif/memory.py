"""What was learned of each host, so that the next visit need not learn it again. In this process, and bounded.

It holds no password: credentials are known again by a keyed hash, with a key that dies with the process.
"""

import hashlib
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass

from services.contracts.camera import Credentials
from services.ingest.onvif.negotiation import Signature
from services.ingest.onvif.transport import Endpoint

_KEY = os.urandom(32)
_HOSTS = 16_384


def mark_of(credentials: Credentials) -> bytes:
    """The same for equal credentials within this process, and no help to anyone who reads it."""
    name = credentials.username.encode()
    return hashlib.blake2b(
        b"%d:%b%b" % (len(name), name, credentials.password.encode()), key=_KEY, digest_size=12
    ).digest()


@dataclass(slots=True)
class HostNotes:
    """What one visit leaves to the next. Of one visit at a time."""

    #: How these credentials signed in last.
    signature: Signature = Signature.NONE
    accepted: bytes | None = None
    #: The form of the WS-Security header that was accepted last; without prefixes, as long as none was.
    prefixed: bool = False
    #: Credentials that were refused, and in which form.
    refused: tuple[bytes, bool] | None = None
    #: Where the device sent us: it speaks HTTPS only.
    moved: Endpoint | None = None
    #: It has nothing newer than TLS 1.1, or such keys.
    legacy_tls: bool = False

    def signature_for(self, mark: bytes) -> Signature:
        """How to sign the first request; NONE when it is still to be learned."""
        return self.signature if self.accepted == mark else Signature.NONE

    def prefixed_for(self, mark: bytes) -> bool:
        """Which form of the WS-Security header to use.

        A refusal may be one of the form (IOTechSystems/onvif issue 28). The other is not tried at once, since the device
        would count a wrong password twice: it is the second attempt that everybody has anyway.
        """
        if self.refused is not None and self.refused[0] == mark:
            return not self.refused[1]
        return self.prefixed

    def note_accepted(self, mark: bytes, signature: Signature, *, prefixed: bool) -> None:
        """These credentials were accepted."""
        self.signature, self.accepted, self.refused = signature, mark, None
        if signature is Signature.WSSE:
            self.prefixed = prefixed

    def note_refused(self, mark: bytes, signature: Signature, *, prefixed: bool) -> None:
        """These credentials were refused. How to sign in is learned anew: the device may have been set up otherwise."""
        if self.accepted == mark:
            self.signature, self.accepted = Signature.NONE, None
        if signature is Signature.WSSE:
            self.refused = (mark, prefixed)


class HostMemory:
    """Notes by host; those that were not asked for longest are forgotten."""

    def __init__(self, hosts: int = _HOSTS) -> None:
        self._hosts = hosts
        self._lock = threading.Lock()
        self._notes: OrderedDict[Endpoint, HostNotes] = OrderedDict()

    def of(self, endpoint: Endpoint) -> HostNotes:
        """The notes of a host, empty at first."""
        with self._lock:
            notes = self._notes.setdefault(endpoint, HostNotes())
            self._notes.move_to_end(endpoint)
            if len(self._notes) > self._hosts:
                self._notes.popitem(last=False)
            return notes
