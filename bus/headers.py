"""CloudEvents 1.0 attributes in Kafka headers (binary mode) and W3C Trace Context.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md §3.2
https://www.w3.org/TR/trace-context/#traceparent-header
"""

import random
from collections.abc import Mapping
from datetime import UTC, datetime

Headers = tuple[tuple[str, bytes], ...]

_bits = random.getrandbits
"""Seeded by the operating system, once: ids that nobody may guess are made elsewhere."""
_FIXED: Headers = (("ce_specversion", b"1.0"), ("content-type", b"application/json"))


def cloud_event(
    ce_id: str,
    ce_type: str,
    source: str,
    *,
    time: datetime | str | None = None,
    traceparent: str | None = None,
) -> Headers:
    """The headers of one record. `source` is a path such as `/connectors/support-mail`."""
    if time is None:
        time = datetime.now(UTC)
    stamp = time if isinstance(time, str) else time.isoformat()
    headers = (
        *_FIXED,
        ("ce_id", ce_id.encode()),
        ("ce_type", ce_type.encode()),
        ("ce_source", source.encode()),
        ("ce_time", stamp.encode()),
    )
    return (*headers, ("traceparent", traceparent.encode())) if traceparent else headers


def new_traceparent() -> str:
    """A trace that begins here: sampled, with random ids."""
    return f"00-{_bits(128):032x}-{_bits(64):016x}-01"


def new_id() -> str:
    """A `ce_id` for what has no id of its own."""
    return f"{_bits(96):024x}"


def traceparent_of(headers: Mapping[str, bytes]) -> str | None:
    """The trace a record belongs to, if it says so."""
    value = headers.get("traceparent")
    return value.decode("ascii", "replace") if value else None
