"""What a reply has to know of the customer and of who writes, read under the ticket's lock."""

import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ticketing.acts.answered import Correspondence, LastMessage, Sender
from ticketing.incoming import MACHINES
from ticketing.rows import texts

# of the contact whose the ticket is, all that was merged into that one included; the latest that a person wrote
_LAST = sa.text("""
SELECT m.channel, m.account, m.author_kind, m.source_id, m.document
  FROM desk.tickets r JOIN desk.tickets t ON t.root_id = r.id JOIN desk.messages m ON m.ticket_id = t.id
  JOIN desk.contacts c ON c.id = m.contact_id
 WHERE r.id = :ticket AND coalesce(c.root_id, c.id) = r.contact_id AND NOT m.third_party
   AND m.automation <> ALL(CAST(:machines AS text[]))
 ORDER BY m.received_at DESC, m.id DESC LIMIT 1
""")
_ADDRESSES = sa.text("""
SELECT i.value FROM desk.tickets t JOIN desk.contacts c ON c.id = t.contact_id OR c.root_id = t.contact_id
  JOIN desk.identities i ON i.contact_id = c.id
 WHERE t.id = :ticket AND i.kind = 'email'
 ORDER BY array_position(ARRAY['agent', 'provider', 'verified', 'claimed'], i.strength), i.asserted_at, i.value
""")
_PARTICIPANTS = sa.text("""
SELECT DISTINCT p.person FROM desk.participants p JOIN desk.tickets t ON t.id = p.ticket_id
 WHERE t.root_id = :ticket AND strpos(p.person, '@') > 0 ORDER BY p.person
""")
_SENDER = sa.text("""
SELECT d.from_address, d.from_name, d.reply_via, coalesce(a.signature, d.signature) AS signature, d.language,
       coalesce(d.rating, 'off') AS rating
  FROM desk.tickets t LEFT JOIN desk.departments d ON d.id = t.department LEFT JOIN desk.agents a ON a.id = :agent
 WHERE t.id = :ticket
""")
_SENT_AS = sa.text("""
SELECT s.message_id FROM desk.replies s JOIN desk.tickets t ON t.id = s.ticket_id
 WHERE t.root_id = :ticket AND s.channel = 'email' AND s.message_id IS NOT NULL
   AND s.purpose IN ('reply', 'confirmation') ORDER BY s.created_at DESC LIMIT 1
""")


async def correspondence(connection: AsyncConnection, ticket_id: str, agent_id: str) -> Correspondence:
    """Of one ticket, for one agent."""
    on = {"ticket": ticket_id}
    last = (await connection.execute(_LAST, on | {"machines": texts(sorted(MACHINES))})).one_or_none()
    sender = (await connection.execute(_SENDER, on | {"agent": agent_id})).one()
    return Correspondence(
        _last(last) if last else None,
        (await connection.scalars(_ADDRESSES, on)).all(),
        (await connection.scalars(_PARTICIPANTS, on)).all(),
        Sender(**sender._asdict()),
        await connection.scalar(_SENT_AS, on),
    )


def _last(row: Any) -> LastMessage:  # noqa: ANN401  # a row of _LAST
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
