"""How is the service doing, in numbers? Requests as counted, and where log and views are when asked."""

from __future__ import annotations

import os
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from service.keeping_up import folding, notifying, publishing
from service.messaging import inspecting
from service.wiring import Parts

__all__ = ["Metrics"]

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The counters of this process; of all web processes together where PROMETHEUS_MULTIPROC_DIR says so."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "besluitspoor_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "besluitspoor_request_seconds",
            "Seconds until the answer",
            ["method", "route"],
            registry=self._registry,
            buckets=BUCKETS,
        )

    def saw(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer; `route` is the template, as ids would make a series each."""
        method = method if method in ("GET", "POST", "HEAD", "OPTIONS") else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self, parts: Parts) -> bytes:
        """All of it, in Prometheus's text format."""
        registry = self._registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        state = CollectorRegistry()
        state.register(_State(parts))
        return generate_latest(registry) + generate_latest(state)


class _State(Collector):
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self) -> Iterable[Metric]:
        with self._parts.pool.connection() as connection:
            views, publisher, notifier = folding(connection), publishing(connection), notifying(connection)
            deliveries = inspecting.counts(connection)
            (aside,) = connection.execute("SELECT count(*) FROM ledger.set_aside").fetchone() or (0,)
            (frozen,) = connection.execute("SELECT count(*) FROM views.frozen").fetchone() or (0,)
        yield GaugeMetricFamily("besluitspoor_log_position", "The last position of the log", value=views.head)
        yield GaugeMetricFamily(
            "besluitspoor_views_position", "Up to where the views are", value=views.position
        )
        yield GaugeMetricFamily(
            "besluitspoor_views_lag_events", "Events that the views do not show yet", value=views.events
        )
        yield GaugeMetricFamily(
            "besluitspoor_views_lag_seconds",
            "Since the first event was recorded that the views do not show yet",
            value=views.seconds,
        )
        yield GaugeMetricFamily(
            "besluitspoor_views_followed", "1 when somebody folds events into the views", value=views.followed
        )
        yield GaugeMetricFamily(
            "besluitspoor_views_frozen",
            "Documents that stopped at an event they could not fold",
            value=frozen,
        )
        yield GaugeMetricFamily(
            "besluitspoor_publisher_lag_events", "Events still to be published", value=publisher.events
        )
        yield GaugeMetricFamily(
            "besluitspoor_publisher_lag_seconds",
            "Since the first event was recorded that is still to be published",
            value=publisher.seconds,
        )
        yield GaugeMetricFamily(
            "besluitspoor_publisher_followed",
            "1 when somebody publishes events to the broker",
            value=publisher.followed,
        )
        yield GaugeMetricFamily(
            "besluitspoor_notifier_lag_events", "Events of which nobody was told yet", value=notifier.events
        )
        yield GaugeMetricFamily(
            "besluitspoor_notifier_lag_seconds",
            "Since the first event was recorded of which nobody was told yet",
            value=notifier.seconds,
        )
        yield GaugeMetricFamily(
            "besluitspoor_notifier_followed",
            "1 when somebody makes notices of events",
            value=notifier.followed,
        )
        yield GaugeMetricFamily(
            "besluitspoor_notices_set_aside", "Events that nobody could be told of", value=aside
        )
        counted = GaugeMetricFamily(
            "besluitspoor_deliveries",
            "Deliveries that are still to be sent, or did not arrive",
            labels=["channel", "state"],
        )
        for each in deliveries:
            counted.add_metric([each.channel, each.state], each.number)
        yield counted
