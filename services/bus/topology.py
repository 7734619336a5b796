r"""What stands on the broker: names and arguments. Pure; ``rabbit`` declares it.

    vonggac.events  (topic; integrators bind here by topic)
      └─ topics of a group → vonggac.<group>.shards  (x-consistent-hash by the header x-facility-id; not durable)
           └─ vonggac.<group>.00 … .NN  (quorum, single active consumer)
                └─ poison, or beyond the delivery limit → vonggac.<group>.dead  (fanout, and a quorum queue)

The arguments are understood by RabbitMQ 3.10 to 4.x. A queue's arguments cannot be changed in place. All names begin
with ``vonggac.``, so that the broker's user needs no rights beyond ``^vonggac\.``.
"""

from dataclasses import dataclass
from typing import Any

from services.bus.port import BusLimits
from services.contracts.ids import new_id
from services.contracts.messages import Message

EVENTS = "vonggac.events"
#: Bound to nothing: a message there is confirmed and gone.
PINGS = "vonggac.pings"
#: Order is kept by facility: the routing key is free for the topic because the hash looks at this header.
FACILITY_HEADER = "x-facility-id"
HASH_TYPE = "x-consistent-hash"
HASH_PLUGIN = "rabbitmq_consistent_hash_exchange"
HASH_ARGUMENTS: dict[str, Any] = {"hash-header": FACILITY_HEADER}
#: Binding key of a shard on the hash ring: its weight. Small weights spread unevenly (consistent-hash-exchange #37).
HASH_WEIGHT = "20"
#: How many deliveries failed before this one; absent on the first.
DELIVERY_COUNT_HEADER = "x-delivery-count"
FIRST_DEATH_HEADER = "x-first-death-reason"


@dataclass(frozen=True, slots=True)
class GroupTopology:
    """Names of one group's exchange and queues, and what they are declared with."""

    name: str
    types: tuple[type[Message], ...]
    limits: BusLimits

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(message.topic for message in self.types)

    @property
    def exchange(self) -> str:
        return f"vonggac.{self.name}.shards"

    @property
    def dead(self) -> str:
        """Name of the dead letters' exchange and of their queue."""
        return f"vonggac.{self.name}.dead"

    def shard_queue(self, number: int) -> str:
        return f"vonggac.{self.name}.{number:02d}"

    @property
    def shard_queues(self) -> tuple[str, ...]:
        return tuple(self.shard_queue(number) for number in range(self.limits.shards))

    @property
    def shard_arguments(self) -> dict[str, Any]:
        return {
            "x-queue-type": "quorum",
            "x-single-active-consumer": True,
            # The broker gives up when a message came back more often than this, so one less than what may fail.
            "x-delivery-limit": self.limits.delivery_limit - 1,
            "x-max-length": self.limits.queue_max,
            "x-overflow": "reject-publish",
            "x-dead-letter-exchange": self.dead,
            "x-dead-letter-strategy": "at-least-once",
        }

    @property
    def dead_arguments(self) -> dict[str, Any]:
        return {
            "x-queue-type": "quorum",
            "x-max-length": self.limits.dead_max,
            # Full of dead letters it must not stop the living: the oldest goes. Their number is watched.
            "x-overflow": "drop-head",
            # Looking at dead letters returns them, which counts; 4.x would drop them after twenty looks.
            "x-delivery-limit": 1_000_000,
        }


def listener_queue() -> str:
    """A new name for the queue of a listener."""
    return f"vonggac.listener.{new_id()}"


def listener_arguments(limits: BusLimits) -> dict[str, Any]:
    """Arguments of a listener's own queue: a slow listener loses the oldest and never holds up a publisher."""
    return {"x-max-length": limits.queue_max, "x-overflow": "drop-head"}
