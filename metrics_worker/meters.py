"""What the worker tells Prometheus of itself."""

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
