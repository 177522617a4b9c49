"""Tickets and contacts as they are kept: reading them with their merge groups, and writing them."""

from collections.abc import Iterator, Sequence
from typing import Any

from metrics_worker.contacts import ContactFacts
from metrics_worker.contribution import Marks
from metrics_worker.driver import Driver, Part, fetched
from metrics_worker.facts import TicketFacts
from metrics_worker.settling import Stored, StoredContact
from metrics_worker.tables import SCHEMA

_TICKETS = """
    WITH roots AS MATERIALIZED (
        SELECT unnest(CAST(%(ids)s AS text[])) AS id
        UNION
        SELECT root_id FROM metrics.ticket_facts WHERE ticket_id = ANY(CAST(%(ids)s AS text[]))
    )
    SELECT t.ticket_id, t.root_id, t.document, c.waiting_since, c.next_due, t.last_day, t.rated_day
    FROM metrics.ticket_facts AS t LEFT JOIN metrics.clocks AS c ON c.ticket_id = t.ticket_id
    WHERE t.ticket_id = ANY(ARRAY(SELECT id FROM roots))
    UNION ALL
    SELECT ticket_id, root_id, document, NULL, NULL, last_day, rated_day FROM metrics.ticket_facts
    WHERE root_id = ANY(ARRAY(SELECT id FROM roots)) AND root_id <> ticket_id
"""

_CONTACTS = """
    SELECT contact_id, root_id, document FROM metrics.contacts
    WHERE root_id IN (
        SELECT unnest(CAST(%(ids)s AS text[]))
        UNION
        SELECT root_id FROM metrics.contacts WHERE contact_id = ANY(CAST(%(ids)s AS text[]))
    )
"""

_WRITE_TICKETS = """
    INSERT INTO metrics.ticket_facts AS t (ticket_id, root_id, contact_id, account_id, owner_id, team_id, version,
                                           last_day, rated_day, document)
    SELECT * FROM unnest(CAST(%(ids)s AS text[]), CAST(%(roots)s AS text[]), CAST(%(contacts)s AS text[]),
                         CAST(%(accounts)s AS text[]), CAST(%(owners)s AS text[]), CAST(%(teams)s AS text[]),
                         CAST(%(versions)s AS int[]), CAST(%(last)s AS int[]), CAST(%(rated)s AS int[]),
                         CAST(%(documents)s AS text[]))
    ON CONFLICT (ticket_id) DO UPDATE SET
        root_id = excluded.root_id, contact_id = excluded.contact_id, account_id = excluded.account_id,
        owner_id = excluded.owner_id, team_id = excluded.team_id, version = excluded.version,
        last_day = excluded.last_day, rated_day = excluded.rated_day, document = excluded.document
"""

_SET_CLOCKS = """
    INSERT INTO metrics.clocks AS c (ticket_id, contact_id, account_id, owner_id, team_id, waiting_since, next_due)
    SELECT * FROM unnest(CAST(%(ids)s AS text[]), CAST(%(contacts)s AS text[]), CAST(%(accounts)s AS text[]),
                         CAST(%(owners)s AS text[]), CAST(%(teams)s AS text[]), CAST(%(waiting)s AS bigint[]),
                         CAST(%(due)s AS bigint[]))
    ON CONFLICT (ticket_id) DO UPDATE SET
        contact_id = excluded.contact_id, account_id = excluded.account_id, owner_id = excluded.owner_id,
        team_id = excluded.team_id, waiting_since = excluded.waiting_since, next_due = excluded.next_due
    WHERE (c.contact_id, c.account_id, c.owner_id, c.team_id, c.waiting_since, c.next_due) IS DISTINCT FROM
          (excluded.contact_id, excluded.account_id, excluded.owner_id, excluded.team_id, excluded.waiting_since,
           excluded.next_due)
"""

_STOP_CLOCKS = "DELETE FROM metrics.clocks WHERE ticket_id = ANY(CAST(%(ids)s AS text[]))"

_WRITE_CONTACTS = """
    INSERT INTO metrics.contacts (contact_id, root_id, account_id, version, document)
    SELECT * FROM unnest(CAST(%(ids)s AS text[]), CAST(%(roots)s AS text[]), CAST(%(accounts)s AS text[]),
                         CAST(%(versions)s AS int[]), CAST(%(documents)s AS text[]))
    ON CONFLICT (contact_id) DO UPDATE SET root_id = excluded.root_id, account_id = excluded.account_id,
                                           version = excluded.version, document = excluded.document
"""


async def tickets(connection: Driver, ids: Sequence[str], schema: str = SCHEMA) -> dict[str, Stored]:
    """The tickets of these ids that are known, and all of the merge groups they belong to or are the roots of."""
    rows = await fetched(connection, _TICKETS, {"ids": list(ids)}, schema)
    return {
        ticket_id: Stored(TicketFacts.from_json(document), root_id, Marks(*marks))
        for ticket_id, root_id, document, *marks in rows
    }


async def contacts(connection: Driver, ids: Sequence[str], schema: str = SCHEMA) -> dict[str, StoredContact]:
    """The same for contacts."""
    rows = await fetched(connection, _CONTACTS, {"ids": list(ids)}, schema)
    return {id_: StoredContact(ContactFacts.from_json(document), root_id) for id_, root_id, document in rows}


def tickets_written(changed: Sequence[Stored]) -> list[Part]:
    """To keep them as they are now; nothing when there are none."""
    if not changed:
        return []
    facts = [row.facts for row in changed]
    values = {
        **_whose(facts),
        "roots": [row.root_id for row in changed],
        "versions": [each.version for each in facts],
        "last": [row.marks.last_day for row in changed],
        "rated": [row.marks.rated_day for row in changed],
        "documents": [each.to_json() for each in facts],
    }
    return [Part("tickets", _WRITE_TICKETS, values), *_clocks_written(changed)]


def _clocks_written(changed: Sequence[Stored]) -> Iterator[Part]:
    running = [row for row in changed if row.marks.has_clock]
    if running:
        values = {
            **_whose([row.facts for row in running]),
            "waiting": [row.marks.waiting_since for row in running],
            "due": [row.marks.next_due for row in running],
        }
        yield Part("clocks", _SET_CLOCKS, values)
    if stopped := [row.facts.ticket_id for row in changed if not row.marks.has_clock]:
        yield Part("stopped", _STOP_CLOCKS, {"ids": stopped})


def _whose(facts: Sequence[TicketFacts]) -> dict[str, Any]:
    return {
        "ids": [each.ticket_id for each in facts],
        "contacts": [each.contact_id for each in facts],
        "accounts": [each.account_id for each in facts],
        "owners": [each.owner_id for each in facts],
        "teams": [each.team_id for each in facts],
    }


def contacts_written(changed: Sequence[StoredContact]) -> list[Part]:
    """The same for contacts."""
    if not changed:
        return []
    facts = [row.facts for row in changed]
    values = {
        "ids": [each.contact_id for each in facts],
        "roots": [row.root_id for row in changed],
        "accounts": [each.account_id for each in facts],
        "versions": [each.version for each in facts],
        "documents": [each.to_json() for each in facts],
    }
    return [Part("contacts", _WRITE_CONTACTS, values)]
