"""The two ways in which RTSP goes wrong, told apart by whose fault it is."""


class RtspProtocolError(Exception):
    """The other side sent something that is not RTSP, or that is larger than we accept."""


class IllegalTransition(Exception):
    """We asked a session for something that its state does not allow: a mistake of ours. Nothing was changed."""


class HttpSpoken(RtspProtocolError):
    """The other side answers in HTTP: perhaps it has a tunnel for RTSP there."""
