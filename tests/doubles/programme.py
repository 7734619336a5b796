"""What stands beside the programme in its tests: a bus that keeps what it is given, and what a camera was proved to do."""

from dataclasses import dataclass
from datetime import UTC, datetime

from services.contracts.camera import StreamFacts
from services.contracts.errors import Unavailable
from services.contracts.ladder import Condition, Rung
from services.contracts.messages import Message

#: Noon in Viet Nam, on the day of the letter that began the programme.
NOON = datetime(2021, 5, 10, 5, 0, tzinfo=UTC)


class KeepingPublisher:
    """Keeps what is published; away while ``away`` is True."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.away = False

    async def publish(self, message: Message) -> None:
        if self.away:
            raise Unavailable("The message broker does not answer.")
        self.messages.append(message)


FULL_HD = StreamFacts(codec="h264", width=1920, height=1080, fps=25.0)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a camera was last proved to do. By default it proves its zone."""

    condition: Condition = Condition.ONLINE
    rung: Rung = Rung.PICTURE
    observed_at: datetime = NOON
    stream: StreamFacts = FULL_HD
