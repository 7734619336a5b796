"""A live stream that gives what the test says."""

from services.contracts.errors import NotFound
from services.contracts.hls import HlsSegment, HlsWindow
from services.contracts.ids import CameraId


class ScriptedHls:
    """Satisfies ``live.ports.HlsSource``."""

    def __init__(self) -> None:
        self.served: list[tuple[CameraId, str]] = []

    async def window(self, camera_id: CameraId) -> HlsWindow:
        self.served.append((camera_id, "window"))
        segments = (HlsSegment(index=7, duration_s=1.0, init=0), HlsSegment(index=8, duration_s=1.5, init=1))
        return HlsWindow(
            codec="avc1.42c01e", width=640, height=360, bandwidth=400_000, discontinuities=0, segments=segments
        )

    async def init(self, camera_id: CameraId, number: int) -> bytes:
        self.served.append((camera_id, f"init {number}"))
        return b"init"

    async def segment(self, camera_id: CameraId, index: int) -> bytes:
        self.served.append((camera_id, f"segment {index}"))
        if index not in {7, 8}:
            raise NotFound
        return b"segment"
