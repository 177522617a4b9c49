"""Merge groups: their members were counted alone, or not at all, and count as one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncEngine

from bus.calendars import Calendars
from metrics_worker import rows
from metrics_worker.contribution import contribution
from metrics_worker.driver import driver
from metrics_worker.facts import TicketFacts
from metrics_worker.groups import MergeGroup, root_of
from metrics_worker.rebuild.shadow import SHADOW, Shadow
from metrics_worker.rebuild.tally import Tally
from metrics_worker.settling import Stored

_PAGE = 500


async def point(shadow: Shadow, pointers: Mapping[str, str]) -> Sequence[str]:
    """Lead every merged ticket to the end of its pointers; the roots of all groups."""
    ends = {id_: root_of(id_, pointers) for id_ in pointers}
    moved = [(id_, root) for id_, root in ends.items() if id_ != root]
    for at in range(0, len(moved), _PAGE):
        await shadow.set_roots(moved[at : at + _PAGE])
    return sorted(set(ends.values()))


async def count_groups(
    engine: AsyncEngine, shadow: Shadow, tally: Tally, roots: Sequence[str], calendars: Calendars
) -> None:
    """Count each group as one in place of its root alone."""
    if roots:
        await shadow.index("ticket_facts", only="ticket_facts_members")
    for at in range(0, len(roots), _PAGE):
        page = roots[at : at + _PAGE]
        async with engine.connect() as connection:
            stored = await rows.tickets(await driver(connection), page, SHADOW)
        members: defaultdict[str, list[TicketFacts]] = defaultdict(list)
        for row in stored.values():
            if row.root_id != row.facts.ticket_id:
                members[row.root_id].append(row.facts)
        counted: list[Stored] = []
        for root in page:
            if root not in stored:
                continue  # nothing of the survivor has been read: nobody counts
            facts = stored[root].facts
            if facts.merged_into is None:
                tally.count(contribution(MergeGroup(root, facts), calendars), -1)
            group = MergeGroup(root, facts, tuple(sorted(members[root], key=lambda each: each.ticket_id)))
            adding = contribution(group, calendars)
            tally.count(adding)
            counted.append(Stored(facts, root, adding.marks))
        await shadow.set_tickets(counted)
