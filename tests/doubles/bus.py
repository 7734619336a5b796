"""A bus that goes nowhere."""

import asyncio
from collections.abc import Callable

from services.bus.port import Subscription
from services.contracts.camera import CameraReport
from services.contracts.messages import CameraHealthReported, Message


class RecordingBus:
    """Satisfies ``bus.port.Bus``: keeps the reports that are published, or refuses them."""

    def __init__(self) -> None:
        self.messages: list[CameraHealthReported] = []
        self.attempts = 0
        #: What publishing a message raises; None: it is taken.
        self.refusing: Callable[[Message], Exception | None] = lambda _: None

    @property
    def reports(self) -> list[CameraReport]:
        """All that were taken, in order."""
        return [report for message in self.messages for report in message.reports]

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def ping(self) -> None: ...

    async def subscribe(self, subscription: Subscription) -> None: ...

    async def publish(self, message: Message) -> None:
        self.attempts += 1
        await asyncio.sleep(0)
        error = self.refusing(message)
        if error is not None:
            raise error
        assert isinstance(message, CameraHealthReported)
        self.messages.append(message)
