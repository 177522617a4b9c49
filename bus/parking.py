"""Parking: what could not be handled goes among the dead letters, whole, within a budget."""

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from prometheus_client import Counter

from bus.dead_letter import DeadLetter, dead_letter_key
from bus.headers import cloud_event
from bus.publisher import Publisher
from bus.record import Outgoing, Received
from bus.topics import DEAD_LETTERS, MAX_RECORD_BYTES

PARKED = Counter("deskstream_parked_records_total", "Records parked among the dead letters", ["stage"])

BUDGET_WINDOW = 1_000
BUDGET_SHARE = 0.05
_HEADER_BYTES = 64 * 1024


class BudgetSpent(Exception):
    """So many records failed that the fault is ours, not theirs: stop before the topic is drained into parking."""


class Parking:
    """Parks records of one stage (`understand`, `ticketing` …); counts them against its budget."""

    def __init__(self, publisher: Publisher, stage: str, *, connector: str | None = None) -> None:
        self._publisher = publisher
        self._stage = stage
        self._connector = connector
        self._seen = 0
        self._parked: deque[int] = deque()

    def count(self, records: int) -> None:
        """So many records have been settled."""
        self._seen += records
        while self._parked and self._parked[0] <= self._seen - BUDGET_WINDOW:
            self._parked.popleft()

    async def park(
        self,
        record: Received,
        reason: str,
        error: Literal["invalid", "unexpected", "died", "too_slow"],
    ) -> None:
        """Return once Kafka holds the letter. Raises Retryable, and BudgetSpent when too many have gone this way."""
        if len(self._parked) >= BUDGET_WINDOW * BUDGET_SHARE:
            raise BudgetSpent(
                f"{self._stage}: more than {BUDGET_SHARE:.0%} of the last {BUDGET_WINDOW} records failed; the last: "
                f"{record.topic}/{record.partition}/{record.offset}: {reason}. Mend the cause, then start again; "
                "`deskstream dead-letters list` shows what is parked."
            )
        value, reason = record.value or b"", reason.encode("utf-8", "replace").decode()[:2_000]
        fits = len(value) < MAX_RECORD_BYTES // 2
        letter = DeadLetter(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            key=record.key,
            headers=_readable(record.headers),
            value=value if fits else b"",
            value_omitted=not fits,
            reason=reason,
            error=error,
            stage=self._stage,
            connector=self._connector,
            at=datetime.now(UTC),
        )
        key = dead_letter_key(*record.position)
        headers = cloud_event(key, letter.kind, f"/{self._stage}", time=letter.at)
        await self._publisher.publish([Outgoing(DEAD_LETTERS, key, letter.to_json(), headers)])
        self._parked.append(self._seen)
        PARKED.labels(self._stage).inc()


def _readable(headers: Mapping[str, bytes]) -> dict[str, str]:
    """As text, and no more of them than a letter has room for."""
    kept: dict[str, str] = {}
    room = _HEADER_BYTES
    for name, data in headers.items():
        room -= len(name) + len(data)
        if room < 0:
            break
        kept[name] = data.decode("utf-8", "replace")
    return kept
