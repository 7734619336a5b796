"""A live stream as it is muxed now: what the worker that holds a camera tells those who serve it."""

from pydantic import Field

from services.contracts.camera import Value


class HlsSegment(Value):
    """One media segment; it begins with a key frame."""

    index: int = Field(description="Grows by one; never reused while the stream is muxed.")
    duration_s: float
    init: int = Field(description="Number of the initialisation section it belongs to.")


class HlsWindow(Value):
    """The segments that can be had now, oldest first. Never empty: who asks waits for the first segment."""

    codec: str = Field(description="RFC 6381, for example `avc1.42c01e`.")
    width: int
    height: int
    bandwidth: int = Field(description="Highest bits per second of any segment in the window.")
    discontinuities: int = Field(description="How many changes of the initialisation section lie before the window.")
    segments: tuple[HlsSegment, ...]
