"""What commands look up in the desk's tables; nothing here changes anything."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any, LiteralString

import psycopg
import sqlalchemy as sa
from psycopg.rows import namedtuple_row

from bus.errors import Invalid, Retryable
from bus.reference import beginning_of_id
from bus.ticket_state import TicketState
from ticketing.contact_suggestions import SUGGESTIONS, suggested
from ticketing.state import STATE_COLUMNS, STATE_FROM, ticket_state
from ticketing.suggestions import reply_like

Document = dict[str, Any]

CONTACT: LiteralString = """
SELECT c.id, c.name, c.language, c.account_id, a.name AS account, c.account_by, c.merged_into, c.version, c.created_at,
       coalesce((SELECT jsonb_agg(jsonb_build_object('kind', i.kind, 'value', i.value, 'contact_id', i.contact_id,
                   'asserted_by', i.asserted_by, 'strength', i.strength, 'asserted_at', i.asserted_at,
                   'identifying', i.identifying) ORDER BY i.kind, i.value)
                   FROM desk.identities i WHERE i.contact_id = ANY(ARRAY(
                        SELECT c.id UNION ALL SELECT b.id FROM desk.contacts b WHERE b.root_id = c.id))),
                '[]') AS identities,
       ARRAY(SELECT b.id FROM desk.contacts b WHERE b.root_id = c.id ORDER BY b.id)
           AS absorbed,
       (SELECT count(*) FROM desk.tickets t WHERE t.contact_id = c.id AND t.root_id = t.id) AS tickets
  FROM desk.contacts c LEFT JOIN desk.accounts a ON a.id = c.account_id
"""
_AUTOMATIC: LiteralString = """
SELECT id AS message_id, automation, aside, author_address AS author, subject, channel, account, source_id, received_at
  FROM desk.messages WHERE ticket_id IS NULL AND (%(search)s::text IS NULL OR NOT EXISTS (
       SELECT 1 FROM unnest(string_to_array(lower(%(search)s), ' ')) AS w(word)
        WHERE strpos(lower(concat_ws(' ', automation, aside, author_address, subject, source_id,
              document::json ->> 'text', document::json #>> '{automation,bounce,recipient}')), word) = 0))
 ORDER BY received_at DESC, id LIMIT %(limit)s
"""
_SILENCED: LiteralString = """
SELECT account, mailbox, hops, since, until FROM desk.silenced WHERE until > now() ORDER BY since DESC, account, mailbox
"""

_SAME_SENDER: LiteralString = """
SELECT o.number, o.subject FROM desk.tickets o
 WHERE o.contact_id = %(contact)s AND o.root_id = o.id AND o.id <> %(id)s
   AND o.opened_at BETWEEN %(opened)s - interval '7 days' AND %(opened)s + interval '7 days'
 ORDER BY o.number DESC LIMIT 50
"""

# built from our own columns and nothing else
_TICKET: LiteralString = f"SELECT {STATE_COLUMNS} FROM {STATE_FROM}"  # noqa: S608
_TICKETS: LiteralString = f"""{_TICKET} WHERE t.root_id = t.id AND (%(status)s::text IS NULL OR t.status = %(status)s)
 ORDER BY t.number DESC LIMIT %(limit)s"""
_BY_NUMBER: LiteralString = f"""{_TICKET} WHERE t.id = (SELECT root_id FROM desk.tickets WHERE number = %(number)s)"""  # noqa: S608
_BY_CONTACT: LiteralString = f"""{_TICKET} WHERE t.root_id = t.id AND t.contact_id = %(id)s ORDER BY t.number DESC"""
_CONTACTS: LiteralString = f"""{CONTACT} WHERE c.root_id IS NULL ORDER BY c.created_at DESC, c.id LIMIT %(limit)s"""
_BY_IDENTITY: LiteralString = f"""{CONTACT} WHERE c.id IN (SELECT coalesce(k.root_id, k.id) FROM desk.contacts k
 WHERE k.id = %(key)s OR k.id IN
 (SELECT contact_id FROM desk.identities WHERE value IN (%(key)s, lower(%(key)s)))) ORDER BY c.id"""  # noqa: S608


class Desk:
    """The desk's tables, read by one session."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection

    def tickets(self, *, status: str | None = None, limit: int | None = None) -> Iterator[TicketState]:
        """Tickets that were not merged into others, the newest first; they come as they are read."""
        return map(ticket_state, self._stream(_TICKETS, {"status": status, "limit": limit}))

    def ticket(self, number: int) -> TicketState:
        """The ticket that works under this number, its own or that of one it absorbed. Raises Invalid."""
        rows = self._rows(_BY_NUMBER, {"number": number})
        if not rows:
            raise Invalid(f"there is no ticket {number}; `deskstream tickets list` shows all")
        return ticket_state(rows[0])

    def messages(self, ticket_id: str) -> list[Document]:
        """The messages of a ticket and of all it absorbed, in the order they came: as they stood on their topics, with
        how they were matched and whether they are third parties'."""
        rows = self._rows(
            "SELECT m.document, m.match, m.third_party FROM desk.messages m JOIN desk.tickets t ON t.id = m.ticket_id "
            "WHERE t.root_id = %(id)s ORDER BY m.received_at, m.id",
            {"id": ticket_id},
        )
        return [{**json.loads(row.document), "match": row.match, "third_party": row.third_party} for row in rows]

    def history(self, ticket_id: str) -> list[Document]:
        """The events of a ticket and of all it absorbed, in the order they were told."""
        rows = self._rows(
            "SELECT e.document FROM desk.ticket_events e JOIN desk.tickets t ON t.id = e.ticket_id "
            "WHERE t.root_id = %(id)s ORDER BY e.id",
            {"id": ticket_id},
        )
        return [json.loads(row.document) for row in rows]

    def why(self, message: str) -> list[Document]:
        """Where messages with this id (ours, or their source's), or with the reference that their customer was given,
        went and by which evidence. Raises Invalid.
        """
        beginning = beginning_of_id(message)
        rows = self._rows(
            "SELECT m.id AS message_id, m.source_id, r.number AS ticket, t.number AS filed_in, m.match, m.third_party, "
            "m.automation, m.aside, m.author_address AS author, m.received_at, m.dmarc, m.account, "
            "r.possible_reply_to, (SELECT f.number FROM desk.tickets f WHERE f.id = t.follows) AS follows "
            "FROM desk.messages m "
            "LEFT JOIN desk.tickets t ON t.id = m.ticket_id LEFT JOIN desk.tickets r ON r.id = t.root_id "
            "WHERE m.id = %(id)s OR m.source_id = %(source)s OR (m.id >= %(from)s AND m.id < %(to)s) "
            "ORDER BY m.received_at, m.id",
            {
                "id": message,
                "source": message.strip("<> "),
                "from": beginning,
                "to": f"{beginning}g" if beginning else None,  # after every hexadecimal digit
            },
        )
        if not rows:
            raise Invalid(
                f"no message {message} is filed; give a message_id, the id its source gave it, or a reference"
            )
        return [dict(row._asdict()) for row in rows]

    def suggestions(self, ticket: TicketState) -> list[Document]:
        """What an agent may want to merge this ticket with; none of it has joined anything."""
        found: list[Document] = []
        if ticket.possible_reply_to is not None:
            found.append({"kind": "possible_reply", "number": ticket.possible_reply_to})
        if subject := reply_like(ticket.subject):
            rows = self._rows(_SAME_SENDER, {"id": ticket.id, "contact": ticket.contact_id, "opened": ticket.opened_at})
            same = [row.number for row in rows if reply_like(row.subject) == subject]
            found += [{"kind": "same_sender_and_subject", "number": number} for number in same]
        return found

    def taken_up_by(self, ticket_id: str) -> list[int]:
        """Numbers of the tickets that took this one up again after it was closed."""
        rows = self._rows("SELECT number FROM desk.tickets WHERE follows = %(id)s ORDER BY number", {"id": ticket_id})
        return [row.number for row in rows]

    def contacts(self, *, limit: int | None = None) -> Iterator[Document]:
        """Contacts, the newest first; they come as they are read."""
        return (row._asdict() for row in self._stream(_CONTACTS, {"limit": limit}))

    def contact(self, key: str) -> Document:
        """The contact with this id, or with an identity of this value (an address, a number), mergers followed.

        Raises Invalid.
        """
        rows = self._rows(_BY_IDENTITY, {"key": key})
        if not rows:
            raise Invalid(f"there is no contact {key}; give a contact's id or address")
        if len(rows) > 1:
            raise Invalid(f"{key} is {len(rows)} contacts: {', '.join(row.id for row in rows)}; give one of these ids")
        return dict(rows[0]._asdict())

    def same_people(self) -> Iterator[Document]:
        """Pairs of contacts that may be one person, with the evidence."""
        return suggested(self._stream(SUGGESTIONS, {}))

    def tickets_of(self, contact_id: str) -> list[TicketState]:
        """The tickets of a contact, the newest first."""
        return [ticket_state(row) for row in self._rows(_BY_CONTACT, {"id": contact_id})]

    def automatic(self, *, search: str | None = None, limit: int | None = None) -> Iterator[Document]:
        """What is in no ticket, the newest first; it comes as it is read. `aside`: why, when a person wrote it.

        `search`: words that all stand in it: in its text, subject, author, kind, or in whom a bounce is about.
        """
        words = " ".join(search.split()) if search else None
        return (row._asdict() for row in self._stream(_AUTOMATIC, {"search": words, "limit": limit}))

    def feedback_of(self, contact_id: str) -> list[Document]:
        """What a contact has written as feedback only and nobody has made a ticket of, the newest first."""
        rows = self._rows(
            "SELECT m.id AS message_id, m.channel, m.account, m.subject, m.received_at, "
            "m.document::json ->> 'reply_text' AS text "
            "FROM desk.messages m JOIN desk.contacts c ON c.id = m.contact_id "
            "WHERE m.aside = 'feedback' AND coalesce(c.root_id, c.id) = %(id)s ORDER BY m.received_at DESC, m.id",
            {"id": contact_id},
        )
        return [dict(row._asdict()) for row in rows]

    def silenced(self) -> list[Document]:
        """Pairs of connector and mailbox that get no automatic mail for now, because they answered one another."""
        return [dict(row._asdict()) for row in self._rows(_SILENCED, {})]

    def automatic_message(self, message_id: str) -> Document:
        """One of them, as it stood on its topic. Raises Invalid."""
        rows = self._rows(
            "SELECT document FROM desk.messages WHERE ticket_id IS NULL AND (id = %(id)s OR source_id = %(id)s)",
            {"id": message_id.strip("<> ")},
        )
        if not rows:
            raise Invalid(f"no message {message_id}; `deskstream automatic list` shows all that are in no ticket")
        return dict(json.loads(rows[0].document))

    def _rows(self, statement: LiteralString, values: Document) -> Sequence[Any]:
        return self._connection.execute(statement, values).fetchall()

    def _stream(self, statement: LiteralString, values: Document) -> Iterator[Any]:
        with self._connection.cursor("list") as cursor:
            cursor.itersize = 1_000
            yield from cursor.execute(statement, values)


@contextlib.contextmanager
def looking(url: str) -> Iterator[Desk]:
    """A read-only session. Raises Retryable when the database is not there or has no tables yet."""
    address = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    options = "-c default_transaction_read_only=on -c timezone=UTC -c idle_in_transaction_session_timeout=60s"
    try:
        with psycopg.connect(address, row_factory=namedtuple_row, options=options, connect_timeout=10) as connection:
            yield Desk(connection)
    except psycopg.errors.UndefinedTable:
        raise Retryable("the database has no tables of this desk; run `deskstream db upgrade`") from None
    except psycopg.Error as error:
        lines = str(error).strip().splitlines()
        raise Retryable(f"the database: {lines[0] if lines else type(error).__name__}") from None
