"""A member of the group ``aggregator`` as a process of its own, to be killed: prints the id of each message it handles.

Usage: python -m tests.harness.bus_member <amqp url> <seconds per message>
"""

import asyncio
import sys

from services.bus.port import Subscription
from services.bus.rabbit import RabbitBus
from services.contracts.messages import Message
from tests.harness.bus import GROUPS, LIMITS


async def main(url: str, seconds: float) -> None:
    async def handle(message: Message) -> None:
        print(message.message_id, flush=True)
        await asyncio.sleep(seconds)

    bus = RabbitBus(url, LIMITS, "/tests/member", "member", GROUPS)
    await bus.open()
    await bus.subscribe(Subscription(GROUPS["aggregator"], handle, "aggregator"))
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
