"""Agents go on while Kafka stands still: what they did is kept, and published when it is back."""

import asyncio
import contextlib
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator

import httpx
import pytest

from bus.errors import Retryable
from bus.kafka_settings import KafkaSettings
from bus.latest import read_to_end
from bus.ticket_event import TicketEvent
from bus.topics import TICKET_EVENTS
from tests.e2e.running import Up
from ticketing.api_client import TOKEN_FILE

pytestmark = pytest.mark.stack
PATIENCE = 120.0


@contextlib.contextmanager
def frozen_kafka(up: Up) -> Iterator[None]:
    """Kafka stands still inside."""
    pid = up.pid("kafka")
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):  # whatever does not answer for long is started again
            os.kill(pid, signal.SIGCONT)


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def test_an_act_while_kafka_stands_still_is_published_when_it_is_back(up: Up) -> None:
    ops = {each["name"]: each["ops"] for each in up.endpoints()["processes"]}
    token = (up.data / TOKEN_FILE).read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{up.endpoints()['api']}/api/v1", headers=headers, timeout=60) as agent:

        def post(path: str, given: object, version: int | None = None) -> httpx.Response:
            more = {"Idempotency-Key": uuid.uuid4().hex} | ({} if version is None else {"If-Match": f'"{version}"'})
            return agent.post(path, json=given, headers=more)

        caller = {"name": "Carl", "email": f"carl-{uuid.uuid4().hex[:8]}@customer.example"}
        opened = post("/tickets", {"contact": caller, "subject": "Lamp", "text": "It is dark."})
        assert opened.status_code == 201, opened.text
        ticket = opened.json()["ticket"]
        with frozen_kafka(up):
            done = post(f"/tickets/{ticket['number']}/comment", {"text": "He called twice."}, ticket["version"])
            assert done.status_code == 200, done.text
            # the API does its work, and says so; whoever publishes does not
            assert httpx.get(f"{ops['api']}/readyz", timeout=60).status_code == 200
            until(lambda: "kafka" in _problems(ops["ticketing"]), "ticketing says that Kafka is not there")
            seen = agent.get(f"/tickets/{ticket['number']}").json()
            assert seen["version"] == done.json()["ticket"]["version"] == ticket["version"] + 1
    [event] = done.json()["events"]
    until(lambda: event["event_id"] in asyncio.run(_published(up)), "the event is published")
    up.verify()


def _problems(ops: str) -> dict[str, str]:
    problems: dict[str, str] = httpx.get(f"{ops}/readyz", timeout=60).json()["problems"]
    return problems


async def _published(up: Up) -> set[str]:
    """None while Kafka is not back: it may have been started again."""
    kafka = KafkaSettings(servers=str(up.endpoints()["kafka"]))
    try:
        return {TicketEvent.from_json(each.value or b"").event_id async for each in read_to_end(kafka, [TICKET_EVENTS])}
    except Retryable:
        return set()
