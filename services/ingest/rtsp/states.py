"""The state machine of our side of an RTSP session, as a table. Whatever may follow what stands here and nowhere else.

A reply is first told apart into one of the reply events (``session.ClientSession.receive``). An action may find that
it cannot be carried out (no usable description, a challenge that cannot be answered): then it raises CameraFault and
the state is FAILED. A pair that is not in the table raises IllegalTransition and changes nothing.
"""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import NamedTuple


class State(Enum):
    """Where the session stands; the waiting ones are named by what we wait for."""

    IDLE = auto()
    ASKING = auto()  # OPTIONS
    DESCRIBING = auto()  # DESCRIBE
    SETTING_UP = auto()  # SETUP
    STARTING = auto()  # PLAY
    PLAYING = auto()
    CLOSING = auto()  # TEARDOWN
    CLOSED = auto()
    FAILED = auto()


class Event(Enum):
    """What can happen."""

    # From us
    START = auto()
    START_WITHOUT_OPTIONS = auto()
    KEEP_ALIVE_DUE = auto()
    CLOSE = auto()
    # Replies of the camera
    OK = auto()  # 2xx
    CHALLENGED = auto()  # 401 that we can answer
    REFUSED = auto()  # 401 that we cannot answer, or must not again
    REDIRECTED = auto()  # 3xx
    OTHER_TRANSPORT = auto()  # 461 to RTP inside the connection, while RTP over UDP was not asked for yet
    DECLINED = auto()  # any other 4xx or 5xx
    # Requests of the camera
    ASKED = auto()
    SENT_AWAY = auto()  # REDIRECT
    DISMISSED = auto()  # TEARDOWN


class Do(Enum):
    """What is done on the way. Each is one method of ``session.ClientSession``."""

    NOTHING = auto()
    ASK = auto()
    DESCRIBE = auto()
    SET_UP = auto()
    SET_UP_OVER_UDP = auto()
    PLAY = auto()
    BEGIN = auto()
    KEEP_ALIVE = auto()
    ANSWER_CHALLENGE = auto()
    NOTE_ALIVE = auto()
    LOWER_KEEP_ALIVE = auto()
    TEAR_DOWN = auto()
    ANSWER_REQUEST = auto()
    GIVE_UP = auto()
    GIVE_UP_REDIRECTED = auto()
    GIVE_UP_ENDED = auto()


class Transition(NamedTuple):
    to: State
    do: Do


def _table() -> Mapping[tuple[State, Event], Transition]:
    table = {
        (State.IDLE, Event.START): Transition(State.ASKING, Do.ASK),
        (State.IDLE, Event.START_WITHOUT_OPTIONS): Transition(State.DESCRIBING, Do.DESCRIBE),
        (State.IDLE, Event.CLOSE): Transition(State.CLOSED, Do.NOTHING),
        # OPTIONS tells which keep-alive the camera knows. Without an answer to it we go on.
        (State.ASKING, Event.OK): Transition(State.DESCRIBING, Do.DESCRIBE),
        (State.ASKING, Event.DECLINED): Transition(State.DESCRIBING, Do.DESCRIBE),
        (State.ASKING, Event.CLOSE): Transition(State.CLOSED, Do.NOTHING),
        (State.DESCRIBING, Event.OK): Transition(State.SETTING_UP, Do.SET_UP),
        (State.DESCRIBING, Event.DECLINED): Transition(State.FAILED, Do.GIVE_UP),
        (State.DESCRIBING, Event.CLOSE): Transition(State.CLOSED, Do.NOTHING),
        (State.SETTING_UP, Event.OK): Transition(State.STARTING, Do.PLAY),
        (State.SETTING_UP, Event.OTHER_TRANSPORT): Transition(State.SETTING_UP, Do.SET_UP_OVER_UDP),
        (State.SETTING_UP, Event.DECLINED): Transition(State.FAILED, Do.GIVE_UP),
        (State.SETTING_UP, Event.CLOSE): Transition(State.CLOSED, Do.NOTHING),
        (State.STARTING, Event.OK): Transition(State.PLAYING, Do.BEGIN),
        (State.STARTING, Event.DECLINED): Transition(State.FAILED, Do.GIVE_UP),
        (State.STARTING, Event.CLOSE): Transition(State.CLOSING, Do.TEAR_DOWN),
        # Only keep-alives are answered while media flows; none of their answers ends a stream that works.
        (State.PLAYING, Event.KEEP_ALIVE_DUE): Transition(State.PLAYING, Do.KEEP_ALIVE),
        (State.PLAYING, Event.OK): Transition(State.PLAYING, Do.NOTE_ALIVE),
        (State.PLAYING, Event.DECLINED): Transition(State.PLAYING, Do.LOWER_KEEP_ALIVE),
        (State.PLAYING, Event.CLOSE): Transition(State.CLOSING, Do.TEAR_DOWN),
    }
    for waiting in (State.ASKING, State.DESCRIBING, State.SETTING_UP, State.STARTING):
        table[waiting, Event.CHALLENGED] = Transition(waiting, Do.ANSWER_CHALLENGE)
        table[waiting, Event.REFUSED] = Transition(State.FAILED, Do.GIVE_UP)
    table[State.PLAYING, Event.CHALLENGED] = Transition(State.PLAYING, Do.ANSWER_CHALLENGE)
    table[State.PLAYING, Event.REFUSED] = Transition(State.PLAYING, Do.LOWER_KEEP_ALIVE)
    for live in (State.ASKING, State.DESCRIBING, State.SETTING_UP, State.STARTING, State.PLAYING):
        table[live, Event.REDIRECTED] = Transition(State.FAILED, Do.GIVE_UP_REDIRECTED)
        table[live, Event.ASKED] = Transition(live, Do.ANSWER_REQUEST)
        table[live, Event.SENT_AWAY] = Transition(State.FAILED, Do.GIVE_UP_REDIRECTED)
        table[live, Event.DISMISSED] = Transition(State.FAILED, Do.GIVE_UP_ENDED)
    for reply in (Event.OK, Event.CHALLENGED, Event.REFUSED, Event.REDIRECTED, Event.DECLINED, Event.DISMISSED):
        table[State.CLOSING, reply] = Transition(State.CLOSED, Do.NOTHING)
    for asked in (Event.ASKED, Event.SENT_AWAY, Event.CLOSE):
        table[State.CLOSING, asked] = Transition(State.CLOSING, Do.NOTHING)
    for over in (State.CLOSED, State.FAILED):
        table[over, Event.CLOSE] = Transition(over, Do.NOTHING)
    return MappingProxyType(table)


TRANSITIONS = _table()
