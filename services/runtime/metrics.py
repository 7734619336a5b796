"""Metrics for Prometheus. Sole importer of prometheus_client.

Parts of the system count in plain attributes; a metric here is a name and a function that reads them at the scrape.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics(Collector):
    """The metrics of one process."""

    def __init__(self) -> None:
        self._families: list[tuple[str, str, str, str, Callable[[], Mapping[str, float]]]] = []
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._registry.register(self)

    def add(
        self,
        kind: Literal["counter", "gauge"],
        name: str,
        help_text: str,
        read: Callable[[], float] | Callable[[], Mapping[str, float]],
        label: str = "",
    ) -> None:
        """A metric ``vonggac_<name>``; with ``label``, ``read`` gives a value for each of its values."""

        def values() -> Mapping[str, float]:
            value = read()
            return value if isinstance(value, Mapping) else {"": value}

        self._families.append((kind, f"vonggac_{name}", help_text, label, values))

    def collect(self) -> Iterable[Metric]:
        for kind, name, help_text, label, values in self._families:
            labels = [label] if label else []
            family: CounterMetricFamily | GaugeMetricFamily = (
                CounterMetricFamily(name, help_text, labels=labels)
                if kind == "counter"
                else GaugeMetricFamily(name, help_text, labels=labels)
            )
            for key, value in values().items():
                family.add_metric([key] if label else [], value)
            yield family

    def render(self) -> bytes:
        """The exposition text."""
        return generate_latest(self._registry)
