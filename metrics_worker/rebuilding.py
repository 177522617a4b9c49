"""Computing all figures again from the topics into tables beside the live ones, while the worker goes on.

1. Everything that the topics hold up to their present ends is folded, partition by partition, into facts; so much
   is kept in memory as one partition's tickets need. Facts go into the shadow tables in bulk.
2. Merge groups are known then: facts become figures, streamed by contact, so that a contact's counters are complete
   when the next one's begin; only accounts, agents, teams, the desk and days are held in memory.
3. What came meanwhile is settled on the shadow tables by the rules of the worker, until little is left.
4. In one transaction the live tables are locked, the rest is settled, the difference is taken, the tables are
   exchanged, and the worker is told by a higher epoch to begin anew. Revisions go on where they were, higher where a
   key differs.
"""

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bus.calendars import Calendars
from bus.errors import Invalid, Retryable
from bus.failpoints import failpoint
from bus.progress import database_error
from bus.record import Partition, Received
from metrics_worker import calendar_store, rows
from metrics_worker.contacts import ContactFacts, fold_contact, roots_of
from metrics_worker.contribution import contribution, waiting_of
from metrics_worker.event import decode, decode_contact
from metrics_worker.facts import TicketFacts
from metrics_worker.fold import fold
from metrics_worker.groups import MergeGroup, root_of
from metrics_worker.reading_ranges import Ranges
from metrics_worker.settling import Change, contacts_involved, involved, settle
from metrics_worker.snapshot import Names
from metrics_worker.store import add, encoded
from metrics_worker.tables import COMPUTED, SCHEMA, metadata

SHADOW = "metrics_rebuild"
_PAGE = 2_000
_FEW = 2_000
"""So many events may be settled while the worker waits."""
_ROUNDS = 20
_EXAMPLES = 20

_BY_CONTACT = sa.text(f"""
    SELECT r.ticket_id, r.contact_id, r.waiting_since, r.next_due, r.document,
           (SELECT array_agg(m.document ORDER BY m.ticket_id) FROM {SHADOW}.ticket_facts AS m
            WHERE m.root_id = r.ticket_id AND m.root_id <> m.ticket_id) AS members
    FROM {SHADOW}.ticket_facts AS r WHERE r.root_id = r.ticket_id ORDER BY r.contact_id, r.ticket_id
""")  # noqa: S608  # names of our own, here and below

# whoever was merged with another shows the sum of both, also when nothing is its own
_GROUPED = sa.text(f"""
    INSERT INTO {SHADOW}.figures
    SELECT 'contact:' || contact_id, '{{}}', 1, 0, :newest FROM {SHADOW}.contacts
    WHERE root_id <> contact_id
       OR contact_id IN (SELECT root_id FROM {SHADOW}.contacts WHERE root_id <> contact_id)
    ON CONFLICT DO NOTHING
""")  # noqa: S608

_DIFFERENCE = f"""
    SELECT coalesce(l.key, s.key) AS key, coalesce(l.counters, '{{}}') AS live, coalesce(s.counters, '{{}}') AS new
    FROM {SCHEMA}.figures AS l FULL JOIN {SHADOW}.figures AS s USING (key)
    WHERE coalesce(l.counters, '{{}}') <> coalesce(s.counters, '{{}}')
"""  # noqa: S608
_DAYS = f"""
    SELECT count(*) FROM {SCHEMA}.days AS l FULL JOIN {SHADOW}.days AS s USING (key, day)
    WHERE coalesce(l.counters, '{{}}') <> coalesce(s.counters, '{{}}')
"""  # noqa: S608

_REVISIONS = sa.text(f"""
    WITH differing AS MATERIALIZED (SELECT key FROM ({_DIFFERENCE}) AS d),
    regrouped AS MATERIALIZED (
        (SELECT contact_id, root_id FROM {SHADOW}.contacts EXCEPT SELECT contact_id, root_id FROM {SCHEMA}.contacts)
        UNION
        (SELECT contact_id, root_id FROM {SCHEMA}.contacts EXCEPT SELECT contact_id, root_id FROM {SHADOW}.contacts)
    ),
    shaken AS (
        SELECT key FROM differing
        UNION SELECT 'contact:' || m.contact_id FROM differing AS d
            JOIN {SHADOW}.contacts AS c ON d.key = 'contact:' || c.contact_id
            JOIN {SHADOW}.contacts AS m ON m.root_id = c.root_id
        UNION SELECT 'contact:' || m.contact_id FROM regrouped AS g
            JOIN {SHADOW}.contacts AS m ON m.root_id = g.root_id OR m.contact_id = g.contact_id
    )
    UPDATE {SHADOW}.figures AS s
    SET revision = l.revision + (s.key IN (SELECT key FROM shaken))::int,
        published_revision = l.published_revision, changed_at = greatest(s.changed_at, l.changed_at)
    FROM {SCHEMA}.figures AS l WHERE l.key = s.key
""")  # noqa: S608

_LEFT = sa.text(f"""
    INSERT INTO {SHADOW}.figures
    SELECT l.key, '{{}}', l.revision + (l.counters <> '{{}}')::int, l.published_revision, l.changed_at
    FROM {SCHEMA}.figures AS l WHERE NOT EXISTS (SELECT FROM {SHADOW}.figures AS s WHERE s.key = l.key)
""")  # noqa: S608


@dataclass(slots=True)
class Difference:
    """What the new figures say otherwise: `keys` of how many keys, with some examples."""

    keys: int = 0
    days: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Rebuilt:
    """How much was read, and what came out."""

    events: int
    tickets: int
    difference: Difference


class Rebuilding:
    """One rebuild. `report(done, total)` hears how many events have been read."""

    def __init__(
        self,
        engine: AsyncEngine,
        ranges: Ranges,
        names: Names,
        calendars: Calendars,
        report: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005  # the form of it
    ) -> None:
        self._engine = engine
        self._ranges = ranges
        self._names = names
        self._calendars = calendars
        self._report = report
        self._done = 0
        self._pointers: dict[str, str] = {}
        self._people: dict[str, ContactFacts] = {}
        self._newest = datetime.fromtimestamp(0, UTC)
        self._tickets = 0

    async def run(self, *, present_calendars: bool = False) -> Rebuilt:
        """Raises Retryable when the database or Kafka is away: nothing has changed then."""
        try:
            ends = await self._ranges.ends()
            total = sum(ends.values())
            await self._make_tables()
            tickets: dict[str, TicketFacts] = {}
            of: Partition | None = None
            async for batch in self._ranges.read({}, ends):
                if batch[0].source != of:  # a ticket's events are all in one partition
                    await self._keep_tickets(tickets)
                    tickets, of = {}, batch[0].source
                for record in batch:
                    with contextlib.suppress(Invalid):  # the worker has parked it
                        self._fold(record, tickets)
                self._progressed(len(batch), total)
            await self._keep_tickets(tickets)
            await self._keep_contacts()
            await self._count()
            return await self._exchange(dict(ends), present_calendars=present_calendars)
        except DBAPIError as error:
            raise database_error(error) from error

    async def _make_tables(self) -> None:
        shadow = sa.MetaData(schema=SHADOW)
        for name in COMPUTED:
            metadata.tables[f"{SCHEMA}.{name}"].to_metadata(shadow, schema=SHADOW)
        async with self._engine.begin() as connection:
            await connection.execute(sa.text(f"DROP SCHEMA IF EXISTS {SHADOW} CASCADE"))
            await connection.execute(sa.text(f"CREATE SCHEMA {SHADOW}"))
            await connection.run_sync(shadow.create_all)

    def _fold(self, record: Received, tickets: dict[str, TicketFacts]) -> None:
        if record.topic == self._names.contacts:
            change = decode_contact(record)
            facts = fold_contact(self._people.get(change.contact_id), change, self._calendars)
            if facts is not None:
                self._people[change.contact_id] = facts
            self._newest = max(self._newest, change.recorded_at)
        else:
            event = decode(record)
            tickets[event.ticket_id] = fold(tickets.get(event.ticket_id), event, self._calendars)
            self._newest = max(self._newest, event.recorded_at)

    async def _keep_tickets(self, tickets: Mapping[str, TicketFacts]) -> None:
        for facts in tickets.values():
            if facts.merged_into is not None:
                self._pointers[facts.ticket_id] = facts.merged_into
        self._tickets += len(tickets)
        await self._copy(
            "ticket_facts (ticket_id, root_id, contact_id, account_id, owner_id, team_id, version, waiting_since, "
            "next_due, document)",
            ((t[0], t[0], *t[3:7], t.version, *waiting_of(MergeGroup(t[0], t)), t.to_json()) for t in tickets.values()),
        )

    async def _keep_contacts(self) -> None:
        roots = roots_of(self._people)
        known = {id_: self._people.get(id_, ContactFacts(id_, 0)) for id_ in roots}
        await self._copy(
            "contacts (contact_id, root_id, account_id, version, document)",
            ((id_, roots[id_], each.account_id, each.version, each.to_json()) for id_, each in known.items()),
        )

    async def _count(self) -> None:
        """Facts into figures; contacts one after the other, the others together."""
        await self._point()
        change = Change()
        for person in self._people.values():
            change.add_feedback(person, 1)
        async with self._engine.connect() as reading:
            found = await reading.stream(_BY_CONTACT, execution_options={"yield_per": _PAGE})
            contact: str | None = None
            async for partition in found.partitions():
                waiting: list[tuple[str, int | None, int | None]] = []
                done: dict[str, str] = {}
                for row in partition:
                    if row.contact_id != contact:
                        _finish(change, contact, done)
                        contact = row.contact_id
                    members = tuple(TicketFacts.from_json(each) for each in row.members or ())
                    group = MergeGroup(row.ticket_id, TicketFacts.from_json(row.document), members)
                    adding = contribution(group, self._calendars)
                    change.add(adding, 1)
                    if (row.waiting_since, row.next_due) != adding[1:]:
                        waiting.append((row.ticket_id, adding.waiting_since, adding.next_due))
                await self._write_figures(done)
                await self._write_waiting(waiting)
        change.without_zeros()
        rest = {key: encoded(found) for key, found in change.deltas.items()}
        await self._write_figures(rest)
        async with self._engine.begin() as connection:
            await connection.execute(_GROUPED, {"newest": self._newest})
        await self._copy(
            "days (key, day, counters)",
            ((key, day, encoded(found)) for (key, day), found in change.days.items()),
        )

    async def _point(self) -> None:
        """Each merged ticket's root, at the end of the pointers."""
        merged = [(id_, root) for id_ in self._pointers if (root := root_of(id_, self._pointers)) != id_]
        async with self._engine.begin() as connection:
            for at in range(0, len(merged), _PAGE):
                page = merged[at : at + _PAGE]
                await connection.execute(
                    sa.text(
                        f"UPDATE {SHADOW}.ticket_facts AS t SET root_id = n.root_id "  # noqa: S608  # our own name
                        "FROM unnest(CAST(:ids AS text[]), CAST(:roots AS text[])) AS n(id, root_id) "
                        "WHERE t.ticket_id = n.id"
                    ),
                    {"ids": [id_ for id_, _ in page], "roots": [root for _, root in page]},
                )
            await connection.execute(sa.text(f"ANALYZE {SHADOW}.ticket_facts"))

    async def _exchange(self, at: dict[Partition, int], *, present_calendars: bool) -> Rebuilt:
        for _ in range(_ROUNDS):
            live = await self._live()
            if sum(max(0, end - at.get(where, 0)) for where, end in live.items()) <= _FEW:
                break
            async with self._engine.begin() as connection:
                await self._settle(connection, at, live)
        failpoint("figures.before_exchange")
        async with self._engine.begin() as connection:
            await connection.execute(sa.text("SET LOCAL lock_timeout = '30s'"))
            await connection.execute(
                sa.text(f"LOCK TABLE {', '.join(f'{SCHEMA}.{table}' for table in COMPUTED)} IN ACCESS EXCLUSIVE MODE")
            )
            live = await self._live(connection)
            if behind := [where for where, end in live.items() if end < at.get(where, 0)]:
                raise Retryable(
                    f"the worker has not read {behind[0].topic} so far yet; is `deskstream metrics` running?"
                )
            await self._settle(connection, at, live)
            difference = await _difference(connection)
            await connection.execute(_REVISIONS)
            await connection.execute(_LEFT)
            for table in COMPUTED:
                await connection.execute(sa.text(f"DROP TABLE {SCHEMA}.{table}"))
                await connection.execute(sa.text(f"ALTER TABLE {SHADOW}.{table} SET SCHEMA {SCHEMA}"))
            if present_calendars:
                await calendar_store.keep_only(connection, self._calendars)
            await connection.execute(
                sa.text(f'UPDATE {SCHEMA}.progress SET epoch = epoch + 1 WHERE "group" = :group'),  # noqa: S608
                {"group": self._names.group},
            )
            await connection.execute(sa.text(f"DROP SCHEMA {SHADOW} CASCADE"))
        return Rebuilt(self._done, self._tickets, difference)

    async def _settle(
        self, connection: AsyncConnection, at: dict[Partition, int], end: Mapping[Partition, int]
    ) -> None:
        """What the worker has read since `at`, on the shadow tables; `at` moves on."""
        async for batch in self._ranges.read(at, end):
            try:
                await self._settle_batch(connection, batch)
            except Invalid:  # the worker has parked it
                for record in batch:
                    with contextlib.suppress(Invalid):
                        await self._settle_batch(connection, [record])
            self._done += len(batch)
        for where, stop in end.items():
            at[where] = max(stop, at.get(where, 0))

    async def _settle_batch(self, connection: AsyncConnection, batch: Sequence[Received]) -> None:
        events = [decode(record) for record in batch if record.topic != self._names.contacts]
        changes = [decode_contact(record) for record in batch if record.topic == self._names.contacts]
        tickets = await rows.tickets(connection, sorted(involved(events)), SHADOW)
        people = await rows.contacts(connection, sorted(contacts_involved(changes)), SHADOW)
        change = settle(tickets, events, people, changes, self._calendars)
        await rows.write_tickets(connection, change.tickets, SHADOW)
        await rows.write_contacts(connection, change.contacts, SHADOW)
        newest = max(each.recorded_at for found in (events, changes) for each in found)
        await add(connection, change, newest, SHADOW)

    async def _live(self, connection: AsyncConnection | None = None) -> dict[Partition, int]:
        """How far the worker has come."""
        if connection is None:
            async with self._engine.connect() as own:
                return await self._live(own)
        found = await connection.execute(
            sa.text(f'SELECT topic, partition, next_offset FROM {SCHEMA}.progress WHERE "group" = :group'),  # noqa: S608
            {"group": self._names.group},
        )
        return {Partition(topic, partition): offset or 0 for topic, partition, offset in found}

    async def _write_figures(self, figures: Mapping[str, str]) -> None:
        newest = self._newest
        await self._copy(
            "figures (key, counters, revision, published_revision, changed_at)",
            ((key, counters, 1, 0, newest) for key, counters in figures.items()),
        )

    async def _write_waiting(self, waiting: Sequence[tuple[str, int | None, int | None]]) -> None:
        if not waiting:
            return
        async with self._engine.begin() as connection:
            await connection.execute(
                sa.text(
                    f"UPDATE {SHADOW}.ticket_facts AS t SET waiting_since = n.since, next_due = n.due "  # noqa: S608
                    "FROM unnest(CAST(:ids AS text[]), CAST(:since AS bigint[]), CAST(:due AS bigint[])) "
                    "AS n(id, since, due) WHERE t.ticket_id = n.id"
                ),
                {
                    "ids": [id_ for id_, _, _ in waiting],
                    "since": [since for _, since, _ in waiting],
                    "due": [due for _, _, due in waiting],
                },
            )

    async def _copy(self, into: str, values: Iterable[tuple[Any, ...]]) -> None:
        async with self._engine.begin() as connection:
            raw = await connection.get_raw_connection()
            assert raw.driver_connection is not None
            async with (
                raw.driver_connection.cursor() as cursor,
                cursor.copy(f"COPY {SHADOW}.{into} FROM STDIN") as copy,
            ):
                for row in values:
                    await copy.write_row(row)

    def _progressed(self, n: int, total: int) -> None:
        self._done += n
        self._report(self._done, total)


def _finish(change: Change, contact: str | None, done: dict[str, str]) -> None:
    """The contact before is complete."""
    if contact is not None and (found := change.deltas.pop(f"contact:{contact}", None)) is not None:
        done[f"contact:{contact}"] = encoded({counter: n for counter, n in found.items() if n})


async def _difference(connection: AsyncConnection) -> Difference:
    found = Difference(days=await connection.scalar(sa.text(_DAYS)) or 0)
    for key, live, new in await connection.execute(sa.text(f"{_DIFFERENCE} ORDER BY 1")):
        found.keys += 1
        if len(found.examples) < _EXAMPLES:
            before, after = json.loads(live), json.loads(new)
            changes = [
                f"{counter} {before.get(counter, 0)} → {after.get(counter, 0)}"
                for counter in sorted(before.keys() | after.keys())
                if before.get(counter, 0) != after.get(counter, 0)
            ]
            found.examples.append(f"{key}: {', '.join(changes)}")
    return found
