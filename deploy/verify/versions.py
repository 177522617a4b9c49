"""The history: gapless versions in the table and on the topic, and the two the same to the byte."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic_core import from_json

from bus.record import Received
from deploy.verify.check import Check, check
from deploy.verify.world import World


def gapless(world: World) -> Check:
    """Versions 1, 2, 3 … of each ticket and contact, in the order of the outbox."""

    def findings() -> Iterator[str]:
        for name, owner in (("ticket_events", "ticket_id"), ("contact_events", "contact_id")):
            seen: dict[str, int] = defaultdict(int)
            for row in world.rows[name]:
                whose = getattr(row, owner)
                if row.version != seen[whose] + 1:
                    yield f"{name}: {whose}: version {row.version} after {seen[whose]}"
                seen[whose] = row.version
        ends = {row.ticket_id: row.version for row in world.rows["ticket_events"]}
        for ticket in world.rows["tickets"]:
            last = ends.get(ticket.id, 0)
            if last != ticket.version:
                yield f"ticket {ticket.number}: version {ticket.version}, its events end at {last}"

    return check("versions are gapless", findings())


def topic_equals_table(world: World) -> Check:
    """`tickets.events` and `contacts.events` hold exactly the tables' rows, in their order, each once."""

    def findings() -> Iterator[str]:
        yield from _compare("tickets.events", world.ticket_events, world.rows["ticket_events"], "ticket_id")
        yield from _compare("contacts.events", world.contact_events, world.rows["contact_events"], "contact_id")

    return check("topics equal the tables", findings())


def _compare(topic: str, records: Sequence[Received], rows: Sequence[Any], owner: str) -> Iterator[str]:
    published: dict[str, list[bytes]] = defaultdict(list)
    for record in records:
        published[record.key or ""].append(record.value or b"")
    stored: dict[str, list[bytes]] = defaultdict(list)
    for row in rows:
        stored[getattr(row, owner)].append(row.document.encode())
    for key in stored.keys() | published.keys():
        if stored[key] != published[key]:
            yield f"{topic}: {key}: {len(published[key])} published, {len(stored[key])} stored, not the same"


def states(world: World) -> Check:
    """`tickets.state` holds every ticket at its present version."""

    def findings() -> Iterator[str]:
        for ticket in world.rows["tickets"]:
            record = world.ticket_states.get(ticket.id)
            version = from_json(record.value)["version"] if record and record.value else None
            if version != ticket.version:
                yield f"ticket {ticket.number}: version {ticket.version}, published {version}"

    return check("tickets.state is current", findings())
