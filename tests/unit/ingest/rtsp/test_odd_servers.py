"""Odd servers, played from transcripts (``tests/data/rtsp``): what is asked of them, and what is concluded."""

from dataclasses import dataclass
from random import Random

import pytest

from services.contracts.camera import AuthOutcome, Credentials
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.rtsp.auth import Authorizer, parse_challenges
from services.ingest.rtsp.counters import Counters
from services.ingest.rtsp.fanout import Fanout
from services.ingest.rtsp.intake import Intake, IntakeLimits
from services.ingest.rtsp.messages import Request, parse_message
from services.ingest.rtsp.session import ClientSession
from services.ingest.rtsp.states import State
from tests.doubles import transcripts
from tests.doubles.transcripts import Transcript, Turn

CREDENTIALS = Credentials(username="admin", password="geheim", version=1)


@dataclass(frozen=True)
class Concluded:
    """What is known at the end of a transcript."""

    rung: Rung = Rung.PLAYING
    reason: Reason | None = None
    codec: str | None = "h264"
    parameters: bool = True  # whether the description gave parameter sets
    channels: tuple[int, int] = (0, 1)
    timeout_s: float = 60.0
    frames: int = 6
    algorithm: str | None = None  # of the digest we answered with; None: we were never asked
    auth: AuthOutcome | None = None
    #: What keeps the session from here on; "" for receiver reports alone.
    keep_alive: str = "GET_PARAMETER"


def failed(rung: Rung, reason: Reason, **others: object) -> Concluded:
    return Concluded(**{"rung": rung, "reason": reason, "frames": 0, **others})  # type: ignore[arg-type]


ACCEPTED = AuthOutcome.ACCEPTED
CONCLUDED = {
    "anjvision-base-without-scheme": Concluded(codec="h265", frames=0),
    "asks-before-it-answers": Concluded(),
    "axis": Concluded(algorithm="MD5", auth=ACCEPTED),
    "body-longer-than-it-says": Concluded(parameters=False),
    "dahua-stale-nonce": Concluded(algorithm="MD5", auth=ACCEPTED),
    "description-without-a-version": Concluded(parameters=False),
    "gw-odd-rtp-info": Concluded(timeout_s=120),
    "h264dvr-answers-in-udp": failed(Rung.DESCRIBED, Reason.TRANSPORT_UNSUPPORTED),
    "h3c-cut-lines": Concluded(frames=0),
    "hikvision-several-challenges": Concluded(algorithm="SHA-256", auth=ACCEPTED),
    "hikvision-sha-256-only": Concluded(algorithm="SHA-256", auth=ACCEPTED),
    "hikvision-wrong-password": failed(
        Rung.ANSWERING, Reason.AUTH_FAILED, codec=None, parameters=False, algorithm="MD5", auth=AuthOutcome.REFUSED
    ),
    "keep-alive-session-not-found": Concluded(keep_alive=""),
    "lines-end-with-lf": Concluded(timeout_s=30),
    "longse-number-with-a-blank": Concluded(algorithm="MD5", auth=ACCEPTED),
    "luckfox-transport-without-unicast": Concluded(),
    "metadata-only": failed(Rung.AUTHORIZED, Reason.NO_VIDEO, codec=None, parameters=False),
    "no-more-sessions": failed(Rung.DESCRIBED, Reason.SESSION_LIMIT),
    "other-channels-than-asked": Concluded(channels=(4, 5), keep_alive="OPTIONS"),
    "page-instead-of-a-description": failed(Rung.AUTHORIZED, Reason.PROTOCOL_ERROR, codec=None, parameters=False),
    "platform-moved-to-another-port": failed(Rung.ANSWERING, Reason.REDIRECTED, codec=None, parameters=False),
    "reolink-rest-of-an-old-session": Concluded(),
    "several-pictures": Concluded(parameters=False, frames=0),
    "success-without-a-body": failed(Rung.AUTHORIZED, Reason.PROTOCOL_ERROR, codec=None, parameters=False),
    "tapo-rejected-keep-alive": Concluded(
        codec="h265", timeout_s=15, frames=0, algorithm="MD5", auth=ACCEPTED, keep_alive="OPTIONS"
    ),
    "transport-without-channels": Concluded(),
    "udp-only": failed(Rung.DESCRIBED, Reason.TRANSPORT_UNSUPPORTED),
    "video-without-a-name": failed(Rung.DESCRIBED, Reason.CODEC_UNSUPPORTED, codec=None, parameters=False),
    "vitek-parameters-of-another-type": Concluded(codec="h265", parameters=False, frames=0),
    "vstarcam-no-base": Concluded(),
    "xiongmai-h264dvr": Concluded(keep_alive="OPTIONS"),
}


class Conversation:
    """An intake that talks with a transcript. ``cuts`` cuts the camera's words into small pieces; None leaves them whole."""

    def __init__(self, transcript: Transcript, cuts: Random | None) -> None:
        self.session = ClientSession("rtsp://192.0.2.7:554/live", Authorizer(CREDENTIALS, allow_basic=True))
        self.intake = Intake(self.session, Counters(), Fanout(10**6, 10**6), IntakeLimits())
        self.fault: CameraFault | None = None
        self.algorithm: str | None = None
        self._transcript = transcript
        self._cuts = cuts
        self._now = 100.0
        self._rest = b""
        self._asked: list[Request] = []

    def play(self) -> None:
        """To the end of the transcript, or of the session."""
        self.intake.start(self._now)
        self._listen()
        for turn in self._transcript.turns:
            assert self.fault is None, "the transcript goes on where the session has ended"
            self._keep_alive_if_wanted(turn)
            self._expect(turn)
            self._hear(turn.said)
            self._listen()
        assert self._rest == b""
        assert [request.method for request in self._asked] == []

    def next_keep_alive(self) -> str:
        """The method that would keep the session now."""
        self._now += self.session.timeout_s
        self.intake.tick(self._now)
        self._listen()
        return self._asked[-1].method if self._asked else ""

    def _keep_alive_if_wanted(self, turn: Turn) -> None:
        if self.session.state is State.PLAYING and turn.method and not self._asked:
            self._now += self.session.timeout_s / 2
            self.intake.tick(self._now)
            self._listen()

    def _expect(self, turn: Turn) -> None:
        if turn.method is None:
            return
        request = self._asked.pop(0)
        assert request.method == turn.method
        assert turn.uri is None or request.uri == turn.uri

    def _hear(self, said: bytes) -> None:
        try:
            for piece in self._pieces(said):
                buffer = bytearray(self._rest + piece)
                begin = self.intake.receive(buffer, 0, len(buffer), self._now)
                self._rest = bytes(buffer[begin:])
        except CameraFault as fault:
            self.fault = fault
            self._rest = b""

    def _pieces(self, said: bytes) -> list[bytes]:
        if self._cuts is None:
            return [said]
        pieces, position = [], 0
        while position < len(said):
            size = self._cuts.randint(1, 40)
            pieces.append(said[position : position + size])
            position += size
        return pieces

    def _listen(self) -> None:
        """Take what we say: requests are kept, answers and receiver reports passed over."""
        data, position = self.intake.take_outgoing(), 0
        while position < len(data):
            if data[position] == ord("$"):
                position += 4 + int.from_bytes(data[position + 2 : position + 4], "big")
                continue
            taken = parse_message(data, position, len(data))
            assert not isinstance(taken, int)
            message, position = taken
            if isinstance(message, Request):
                self._asked.append(message)
                if header := message.headers.get("Authorization"):
                    (answer,) = parse_challenges([header])
                    assert (answer.scheme, answer.params["uri"]) == ("digest", message.uri)
                    self.algorithm = answer.algorithm

    @property
    def concluded(self) -> Concluded:
        session, fault, track = self.session, self.fault, self.session.track
        return Concluded(
            rung=fault.rung if fault else session.rung,
            reason=fault.reason if fault else None,
            codec=track.codec if track else None,
            parameters=bool(track and any(name.startswith("sprop-") for name in track.fmtp)),
            channels=session.channels,
            timeout_s=session.timeout_s,
            frames=self.intake.counters.frames,
            algorithm=self.algorithm,
            auth=fault.auth if fault else session.auth,
            keep_alive="GET_PARAMETER" if fault else self.next_keep_alive(),
        )


@pytest.mark.parametrize("cuts", [None, *range(3)], ids=["whole", "cut 0", "cut 1", "cut 2"])
@pytest.mark.parametrize("name", transcripts.names())
def test_what_is_concluded_of_an_odd_server(name: str, cuts: int | None) -> None:
    conversation = Conversation(transcripts.read(name), None if cuts is None else Random(cuts))
    conversation.play()
    assert conversation.concluded == CONCLUDED[name]
    assert conversation.intake.counters.bad_packets == 0
    assert conversation.intake.counters.sequence_gaps == 0


def test_every_transcript_names_its_evidence_and_has_a_conclusion() -> None:
    assert set(transcripts.names()) == set(CONCLUDED)
    for name in transcripts.names():
        notes = transcripts.read(name).notes
        assert any(note.startswith("Evidence: ") for note in notes), name
        assert not notes[0].startswith("Evidence: "), name
