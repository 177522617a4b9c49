"""What a reply has to know of the customer and of who writes, read under the ticket's lock."""

import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ticketing.acts.answered import Correspondence, LastMessage, Sender
from ticketing.incoming import MACHINES
from ticketing.rows import texts

# One statement: the way to the database and back costs more than what it finds. `last`: the latest that a person wrote
# of the contact whose the ticket is, in it or in what was merged into it.
_FOUND = sa.text("""
SELECT d.from_address, d.from_name, d.reply_via, coalesce(a.signature, d.signature) AS signature,
       d.language AS sender_language, coalesce(d.rating, 'off') AS rating, last.*,
       ARRAY(SELECT i.value FROM desk.contacts c JOIN desk.identities i ON i.contact_id = c.id
              WHERE (c.id = r.contact_id OR c.root_id = r.contact_id) AND i.kind = 'email'
              ORDER BY array_position(ARRAY['agent', 'provider', 'verified', 'claimed'], i.strength), i.asserted_at,
                       i.value) AS addresses,
       ARRAY(SELECT DISTINCT p.person FROM desk.participants p JOIN desk.tickets t ON t.id = p.ticket_id
              WHERE t.root_id = r.id AND strpos(p.person, '@') > 0 ORDER BY p.person) AS participants,
       (SELECT s.message_id FROM desk.replies s JOIN desk.tickets t ON t.id = s.ticket_id
         WHERE t.root_id = r.id AND s.channel = 'email' AND s.message_id IS NOT NULL
           AND s.purpose IN ('reply', 'confirmation') ORDER BY s.created_at DESC LIMIT 1) AS sent_as
  FROM desk.tickets r LEFT JOIN desk.departments d ON d.id = r.department LEFT JOIN desk.agents a ON a.id = :agent
  LEFT JOIN LATERAL (
       SELECT m.channel, m.account, m.author_kind, m.source_id, m.document
         FROM desk.tickets t JOIN desk.messages m ON m.ticket_id = t.id JOIN desk.contacts c ON c.id = m.contact_id
        WHERE t.root_id = r.id AND coalesce(c.root_id, c.id) = r.contact_id AND NOT m.third_party
          AND m.automation <> ALL(CAST(:machines AS text[]))
        ORDER BY m.received_at DESC, m.id DESC LIMIT 1) last ON true
 WHERE r.id = :ticket
""")


async def correspondence(connection: AsyncConnection, ticket_id: str, agent_id: str) -> Correspondence:
    """Of one ticket, for one agent."""
    asked = {"ticket": ticket_id, "agent": agent_id, "machines": texts(sorted(MACHINES))}
    row = (await connection.execute(_FOUND, asked)).one()
    return Correspondence(
        None if row.document is None else _last(row),
        row.addresses,
        row.participants,
        Sender(row.from_address, row.from_name, row.reply_via, row.signature, row.sender_language, row.rating),
        row.sent_as,
    )


def _last(row: Any) -> LastMessage:  # noqa: ANN401  # a row of _FOUND
    message = json.loads(row.document)
    refs = message.get("refs", ())
    named = [ref["value"] for ref in refs if ref["kind"] in ("references", "in_reply_to")]
    author = message["author"]
    return LastMessage(
        channel=row.channel,
        account=row.account,
        kind=row.author_kind,
        address=author["address"],
        name=author.get("name") if author.get("verified") else None,
        visibility=message.get("visibility", "private"),
        # an agent's forward has another id than the mail that the customer knows
        source_id=None if message.get("forwarded_by") else row.source_id,
        references=list(dict.fromkeys(named)),
        thread=next((ref["value"] for ref in refs if ref["kind"] == "provider_thread"), None),
        language=message.get("declared_language") or message.get("language"),
    )
