"""Key frames that the watch gathered, decoded to pictures: no stream is opened. Runs in a thread of the child."""

from collections.abc import Sequence
from typing import cast

from av.packet import Packet
from av.video.stream import VideoStream

from services.contracts.ladder import Reason
from services.ingest.media import pictures
from services.ingest.media.annexb import joined, parameter_sets
from services.ingest.media.probe import decoding
from services.ingest.media.progress import ProbeProgress
from services.ingest.media.wire import UnitPlan

_DECODER_NAMES = {"h264": "h264", "h265": "hevc"}


def run_decode(
    codec: str, extradata: bytes, units: Sequence[tuple[UnitPlan, bytes]], *, snapshot: bool, progress: ProbeProgress
) -> tuple[Reason | None, str]:
    """Decode every key frame with what follows it; learn a look from each, and a JPEG from the first if wanted."""
    with progress.lock:
        progress.opened = True
        progress.codec = codec
        progress.seen = len(units)
        progress.keys_seen = sum(plan.key for plan, _ in units)
    for begin, (plan, data) in enumerate(units):
        if not plan.key:
            continue
        after = next((at for at in range(begin + 1, len(units)) if units[at][0].key), len(units))
        extradata = joined(parameter_sets(codec, data)) or extradata
        group = [cast("Packet[VideoStream]", Packet(unit)) for _, unit in units[begin:after]]
        group[0].is_keyframe = True
        with decoding:
            decoded = pictures.decode(_DECODER_NAMES[codec], group, extradata)
            frame = decoded.frames[0] if decoded.frames else None
            jpeg = pictures.jpeg(frame) if frame is not None and snapshot and not progress.snapshot else b""
            luma = pictures.luma(frame) if frame is not None else b""
        with progress.lock:
            progress.decode_errors += decoded.errors
            if frame is None:
                continue
            progress.keyframe_decoded = True
            progress.frames_decoded += len(decoded.frames)
            progress.size = (frame.width, frame.height)
            progress.snapshot = progress.snapshot or jpeg
            progress.looks.append((plan.arrived_at, luma))
    if not progress.keyframe_decoded:
        return Reason.UNDECODABLE, "no key frame decoded"
    return None, ""
