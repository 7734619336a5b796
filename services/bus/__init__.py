"""How messages travel: one port (``port``), in one process (``memory``) or over RabbitMQ (``rabbit``)."""
