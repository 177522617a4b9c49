"""The store's rules about what is loaded and written, in memory: for properties that need thousands of batches."""

from collections import defaultdict
from collections.abc import Sequence

from bus.ticket_event import TicketEvent
from metrics_worker.contribution import MetricKey
from metrics_worker.facts import TicketFacts
from metrics_worker.settling import Stored, involved, settle
from tests.metrics_worker.histories import as_read


class Memory:
    """Facts and counters after the batches so far."""

    def __init__(self) -> None:
        self.rows: dict[str, Stored] = {}
        self.counters: defaultdict[MetricKey, int] = defaultdict(int)

    def settle(self, batch: Sequence[TicketEvent]) -> None:
        events = as_read(batch)
        ids = involved(events)
        roots = ids | {self.rows[each].root_id for each in ids if each in self.rows}
        loaded = {key: row for key, row in self.rows.items() if key in roots or row.root_id in roots}
        change = settle(loaded, events)
        for row in change.tickets:
            document = TicketFacts.from_json(row.facts.to_json())
            self.rows[row.facts.ticket_id] = Stored(document, row.root_id)
        for key, n in change.deltas.items():
            self.counters[key] += n

    @property
    def counted(self) -> dict[tuple[str, str], int]:
        return {(key.key, key.figure): n for key, n in self.counters.items() if n}
