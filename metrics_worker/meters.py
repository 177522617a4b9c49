"""What the worker tells Prometheus of itself."""

import math
from collections.abc import Mapping
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

EVENTS = Counter("deskstream_figures_events_total", "Ticket events folded into figures")
BATCH_SECONDS = Histogram(
    "deskstream_figures_batch_seconds",
    "Time to settle one batch of ticket events, its transaction included",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
LAG = Gauge("deskstream_figures_lag_records", "Records of the ticket events' topic that are not folded yet")
PUBLISHED = Counter("deskstream_figures_published_total", "Documents published on the figures' topic")
UNPUBLISHED = Gauge("deskstream_figures_unpublished_keys", "Keys whose figures have changed and are not published yet")
LEADING = Gauge("deskstream_figures_leading", "1 while this process is the active worker, 0 while it stands by")
AS_OF = Gauge(
    "deskstream_figures_as_of_timestamp_seconds", "When the desk recorded the newest event that is folded into figures"
)
CLOCK_BEHIND = Gauge(
    "deskstream_figures_clock_behind_seconds",
    "How long ago the first due time passed that the desk's clock has not told of; 0: none",
)
DESK = Gauge(
    "deskstream_desk_figure",
    "The desk's figures as published: value (mean of durations in seconds, percent, else the count), count and sum",
    ["figure", "part"],
)


def show_desk(figures: Mapping[str, Mapping[str, Any]]) -> None:
    """The desk's figures as they were published last."""
    for name, figure in figures.items():
        for part in ("value", "count", "sum"):
            DESK.labels(name, part).set(math.nan if figure[part] is None else figure[part])


def forget_desk() -> None:
    """Another worker publishes from now on."""
    DESK.clear()
