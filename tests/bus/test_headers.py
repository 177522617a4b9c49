"""CloudEvents in Kafka headers, and traces."""

import re
from datetime import UTC, datetime

from bus.headers import cloud_event, new_traceparent, traceparent_of


def test_the_attributes_stand_in_binary_mode() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    headers = dict(cloud_event("id-1", "ticket.opened", "/ticketing", time=at))
    assert headers == {
        "ce_specversion": b"1.0",
        "content-type": b"application/json",
        "ce_id": b"id-1",
        "ce_type": b"ticket.opened",
        "ce_source": b"/ticketing",
        "ce_time": b"2026-01-02T03:04:05+00:00",
    }


def test_the_time_is_now_unless_given_and_the_trace_goes_along() -> None:
    trace = new_traceparent()
    headers = dict(cloud_event("i", "t", "/s", traceparent=trace))
    assert abs((datetime.now(UTC) - datetime.fromisoformat(headers["ce_time"].decode())).total_seconds()) < 60
    assert traceparent_of(headers) == trace
    assert traceparent_of({}) is None


def test_a_new_trace_is_sampled_and_has_the_form_of_the_standard() -> None:
    found = {new_traceparent() for _ in range(50)}
    assert len(found) == 50
    assert all(re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", trace) for trace in found)


def test_what_is_not_ascii_travels_as_utf8() -> None:
    assert dict(cloud_event("チケット", "t", "/s"))["ce_id"].decode() == "チケット"
