"""What `/metrics` shows of a connector's status. Alert rules on these are in `deploy/monitoring/alerts.yml`."""

from prometheus_client import Gauge

from bus.connector import ConnectorStatus

FAILING = Gauge(
    "deskstream_connector_failing", "1 for what is wrong with a connector now", ["connector", "error_class"]
)
PAUSED = Gauge("deskstream_connector_paused", "1 while an operator has paused it", ["connector"])
POLLING = Gauge("deskstream_connector_polling", "1 in the process that polls the source", ["connector"])
SILENCE = Gauge("deskstream_connector_silence_seconds", "Since something was received", ["connector"])
SILENT_AFTER = Gauge("deskstream_connector_silent_after_seconds", "Longer silence is an error (setting)", ["connector"])
LAST_SUCCESS = Gauge(
    "deskstream_connector_last_success_timestamp_seconds", "When the source last answered as it should", ["connector"]
)
LAG = Gauge("deskstream_connector_source_lag_items", "Items that the source has and we have not taken", ["connector"])
QUOTA_LEFT = Gauge("deskstream_connector_quota_left_ratio", "Part of a quota that is left", ["connector", "quota"])
EXPIRES = Gauge(
    "deskstream_connector_credential_expires_timestamp_seconds",
    "When somebody has to renew its token or secret",
    ["connector"],
)

_CLASSES = ("auth", "permission", "quota", "transient", "poison", "contract")


def show(status: ConnectorStatus, silence: float) -> None:
    """Set them all. `silence`: seconds; while paused or standing by a connector is expected to hear nothing."""
    name = status.connector
    for each in _CLASSES:
        FAILING.labels(name, each).set(each == status.error_class)
    PAUSED.labels(name).set(status.state == "paused")
    SILENCE.labels(name).set(0.0 if status.state == "paused" or status.polls is False else silence)
    if status.silent_after is not None:
        SILENT_AFTER.labels(name).set(status.silent_after)
    if status.polls is not None:
        POLLING.labels(name).set(status.polls)
    if status.last_success_at is not None:
        LAST_SUCCESS.labels(name).set(status.last_success_at.timestamp())
    if status.source_lag is not None:
        LAG.labels(name).set(status.source_lag)
    if status.credential_expires_at is not None:
        EXPIRES.labels(name).set(status.credential_expires_at.timestamp())
    for quota in status.quotas:
        QUOTA_LEFT.labels(name, quota.name).set(quota.left)
