"""What a device sends that has lost its mind."""

import random

_UNFRAMED_BYTES = 300
_LYING_LENGTH = b"\xff\xff"


def junk(packets: bytes, chance: random.Random) -> bytes:
    """Spoil the interleaved packets of one picture: mostly their contents, now and then the framing itself."""
    dice = chance.random()
    if dice < 0.2:
        # No dollar sign anywhere, so that the reader has to search or give up.
        return bytes(chance.choices(range(0x80, 0x100), k=_UNFRAMED_BYTES))
    if dice < 0.4:
        return packets[:2] + _LYING_LENGTH + chance.randbytes(len(packets) - 4)
    # The framing holds; of the first half of the packets only the RTP header survives, of the others nothing.
    spoiled = bytearray(packets)
    offset = 0
    while offset + 4 <= len(packets):
        length = int.from_bytes(packets[offset + 2 : offset + 4], "big")
        kept = 12 if offset < len(packets) // 2 else 0
        spoiled[offset + 4 + kept : offset + 4 + length] = chance.randbytes(length - kept)
        offset += 4 + length
    return bytes(spoiled)
