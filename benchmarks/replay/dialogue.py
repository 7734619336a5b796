"""The server's side of an RTSP session, as far as clients of these measurements need it. No I/O."""

import base64
from enum import Enum

from benchmarks.replay.clips import FPS
from benchmarks.replay.feed import PAYLOAD_TYPE, Reel

SESSION = "replay"
SESSION_TIMEOUT_S = 60
_REQUEST_MAX_BYTES = 8192


class Wish(Enum):
    """What a request asks for beside its answer."""

    NOTHING = "nothing"
    PLAY = "play"
    LEAVE = "leave"


class NotRtsp(Exception):
    """What came is no RTSP."""


class Dialogue:
    """Takes requests apart and answers them; interleaved packets of the client (receiver reports) are passed over."""

    def __init__(self, reel: Reel) -> None:
        self._reel = reel
        self._rest = b""

    def receive(self, data: bytes) -> tuple[bytes, Wish]:
        """The answers to what came, and the last wish in it. Raises NotRtsp."""
        buffer = self._rest + data
        answers, wish = b"", Wish.NOTHING
        while buffer:
            if buffer[0] == 0x24:
                size = 4 + int.from_bytes(buffer[2:4], "big")
                if len(buffer) < 4 or len(buffer) < size:
                    break
                buffer = buffer[size:]
                continue
            head, found, behind = buffer.partition(b"\r\n\r\n")
            if not found:
                break
            method, uri, headers = _parsed(head)
            length = int(headers.get("content-length", "0"))
            if len(behind) < length:
                break
            buffer = behind[length:]
            answer, asked = self._answer(method, uri, headers)
            answers += answer
            wish = asked if asked is not Wish.NOTHING else wish
        if len(buffer) > _REQUEST_MAX_BYTES:
            raise NotRtsp("a request without an end")
        self._rest = buffer
        return answers, wish

    def _answer(self, method: str, uri: str, headers: dict[str, str]) -> tuple[bytes, Wish]:
        more: list[str] = []
        body, wish = b"", Wish.NOTHING
        match method:
            case "OPTIONS":
                more = ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"]
            case "DESCRIBE":
                body = _description(self._reel)
                more = ["Content-Type: application/sdp", f"Content-Base: {uri}/"]
            case "SETUP":
                more = ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", _session()]
            case "PLAY":
                more, wish = [_session()], Wish.PLAY
            case "TEARDOWN":
                wish = Wish.LEAVE
            case "GET_PARAMETER":
                more = [_session()]
            case _:
                return _reply(501, "Not Implemented", headers, [], b""), wish
        return _reply(200, "OK", headers, more, body), wish


def _session() -> str:
    return f"Session: {SESSION};timeout={SESSION_TIMEOUT_S}"


def _parsed(head: bytes) -> tuple[str, str, dict[str, str]]:
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("RTSP/"):
        raise NotRtsp(lines[0][:80])
    pairs = (line.partition(":") for line in lines[1:])
    return words[0], words[1], {name.strip().lower(): value.strip() for name, _, value in pairs}


def _reply(status: int, reason: str, headers: dict[str, str], more: list[str], body: bytes) -> bytes:
    lines = [f"RTSP/1.0 {status} {reason}", f"CSeq: {headers.get('cseq', '0')}", *more]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _description(reel: Reel) -> bytes:
    sets = ",".join(base64.b64encode(one).decode() for one in reel.parameter_sets)
    lines = [
        "v=0",
        "o=- 0 0 IN IP4 127.0.0.1",
        "s=replay",
        "c=IN IP4 127.0.0.1",
        "t=0 0",
        "a=control:*",
        f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
        f"a=rtpmap:{PAYLOAD_TYPE} H264/90000",
        f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1;profile-level-id={reel.parameter_sets[0][1:4].hex().upper()};"
        f"sprop-parameter-sets={sets}",
        f"a=framerate:{FPS}",
        "a=control:video",
        "",
    ]
    return "\r\n".join(lines).encode("ascii")
