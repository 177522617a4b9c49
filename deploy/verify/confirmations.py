"""One confirmation or one recorded reason for every ticket of a human; none for machines; nobody flooded."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta

from pydantic_core import from_json

from deploy.verify.check import Check, check
from deploy.verify.world import World

MOST_A_DAY = 3


def confirmed_once(world: World) -> Check:
    """By the events of each ticket; a ticket made by hand counts as a human's."""

    def findings() -> Iterator[str]:
        confirmed: Counter[str] = Counter()
        suppressed: Counter[str] = Counter()
        opener: dict[str, str] = {}
        for row in world.rows["ticket_events"]:
            if row.type == "ticket.confirmed":
                confirmed[row.ticket_id] += 1
            elif row.type == "ticket.confirmation_suppressed":
                suppressed[row.ticket_id] += 1
            elif row.type == "ticket.message_received" and row.ticket_id not in opener:
                opener[row.ticket_id] = from_json(row.document)["data"]["automation"]
        for ticket in world.rows["tickets"]:
            settled = confirmed[ticket.id] + suppressed[ticket.id]
            machine = opener.get(ticket.id, "human") != "human"
            if machine and confirmed[ticket.id]:
                yield f"ticket {ticket.number}: opened by a machine ({opener[ticket.id]}) and confirmed"
            elif not machine and settled != 1:
                yield f"ticket {ticket.number}: {confirmed[ticket.id]} confirmed, {suppressed[ticket.id]} suppressed"

    return check("every human ticket is confirmed once or has its reason", findings())


def nobody_flooded(world: World) -> Check:
    """At most three confirmations to one address within any 24 hours."""

    def findings() -> Iterator[str]:
        sent: dict[str, list[float]] = defaultdict(list)
        for row in world.rows["replies"]:
            if row.purpose == "confirmation":
                sent[row.recipient].append(row.created_at.timestamp())
        day = timedelta(days=1).total_seconds()
        for recipient, times in sent.items():
            times.sort()
            worst = max(sum(1 for t in times if start <= t < start + day) for start in times)
            if worst > MOST_A_DAY:
                yield f"{recipient}: {worst} confirmations within a day"

    return check("nobody gets more than three confirmations a day", findings())


def delivered_once(world: World) -> Check:
    """No reply was sent twice, and none stays between attempt and outcome."""

    def findings() -> Iterator[str]:
        for reply, receipts in world.receipts.items():
            # that a chat's window has it may be told besides, more than once
            states = [receipt["state"] for receipt in receipts if not receipt.get("shown")]
            if not states:
                continue
            if states.count("sent") > 1:
                yield f"{reply}: sent {states.count('sent')} times"
            if states[-1] == "attempting":
                yield f"{reply}: attempted, and no outcome"
        for row in world.rows["replies"]:
            if row.state == "queued":
                yield f"{row.id}: still queued"

    return check("every reply has one outcome", findings())
