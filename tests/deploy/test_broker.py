"""A real broker starts with the files that ``deploy/rabbitmq`` gives it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.compose import DEPLOY
from tests.harness.rabbitmq import CONSISTENT_HASH, RabbitServer

PLUGINS = DEPLOY / "rabbitmq" / "enabled_plugins"
CONFIGURATION = DEPLOY / "rabbitmq" / "rabbitmq.conf"


class ConfiguredServer(RabbitServer):
    """The harness's broker with the plugins and the configuration that we deploy, after its own."""

    def __init__(self, plugins: list[str], configuration: Path) -> None:
        super().__init__(plugins=plugins)
        file = self._dir / "rabbitmq.conf"
        own = [line for line in file.read_text().splitlines() if not line.startswith("disk_free_limit")]
        file.write_text(
            "\n".join([*own, "prometheus.tcp.ip = 127.0.0.1", "prometheus.tcp.port = 0", configuration.read_text()])
        )


@pytest.fixture(scope="module")
def broker() -> Iterator[RabbitServer]:
    names = re.findall(r"rabbitmq_\w+", PLUGINS.read_text())
    server = ConfiguredServer(names, CONFIGURATION)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.mark.slow
def test_the_broker_has_the_plugins_and_the_limits(broker: RabbitServer) -> None:
    active = broker.ctl("eval", "rabbit_plugins:active().")
    assert CONSISTENT_HASH in active
    assert "rabbitmq_prometheus" in active
    assert broker.ctl("eval", "rabbit_disk_monitor:get_disk_free_limit().").strip() == "1000000000"
    assert broker.ctl("eval", "vm_memory_monitor:get_vm_memory_high_watermark().").strip() == "0.6"


def test_the_plugin_file_is_a_list_that_erlang_can_read() -> None:
    assert re.fullmatch(r"\[\w+(,\w+)*\]\.\n", PLUGINS.read_text())
