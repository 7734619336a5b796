"""A process that plays an RTSP stream with PyAV: ``pyav_player.py URL FRAMES`` writes one line of JSON."""

import json
import sys
from itertools import pairwise

import av
import numpy as np


def main(url: str, frames: int) -> None:
    shown: list[dict[str, float]] = []
    lumas = []
    error = None
    try:
        with av.open(url, options={"rtsp_transport": "tcp", "timeout": "8000000"}) as container:
            stream = container.streams.video[0]
            codec = stream.codec_context.name
            for frame in container.decode(stream):
                luma = frame.to_ndarray(format="gray").astype(np.int16)
                lumas.append(luma)
                shown.append({"pts": frame.pts or 0, "mean": float(luma.mean()), "key": bool(frame.key_frame)})
                if len(shown) >= frames:
                    break
    except av.FFmpegError as caught:
        error = type(caught).__name__
        codec = ""
    changes = [float(np.abs(one - other).mean()) for one, other in pairwise(lumas)]
    told = {"codec": codec, "error": error, "frames": shown, "changes": changes}
    sys.stdout.write(json.dumps(told) + "\n")


main(sys.argv[1], int(sys.argv[2]))
