"""A message as bytes: CloudEvents 1.0 in structured JSON (CloudEvents JSON format 1.0, section 3)."""

import json

from services.contracts.errors import Invalid
from services.contracts.messages import Message, from_cloudevent, to_cloudevent

CONTENT_TYPE = "application/cloudevents+json"


def encode(message: Message, source: str) -> bytes:
    """The message as it travels. ``source`` names the sending process."""
    return json.dumps(to_cloudevent(message, source), ensure_ascii=False, separators=(",", ":")).encode()


def decode(body: bytes) -> Message:
    """The message in these bytes. Raises Invalid when there is none of ours in them."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:  # ValueError: not JSON, or not UTF-8
        raise Invalid("The body of a message is not JSON.") from error
    if not isinstance(event, dict):
        raise Invalid("The body of a message is not a CloudEvent.")
    return from_cloudevent(event)
