"""An agent's reply that its channel cannot hand over, because the customer is not there: the same reply as a mail."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.errors import Invalid
from bus.reply import Recipient, Reply
from ticketing.acts.answered import Correspondence, Way, reply_subject, way
from ticketing.acts.correspondence import correspondence
from ticketing.confirm import Confirming
from ticketing.delivery import Delivery
from ticketing.identities import mailbox_of
from ticketing.rows import texts

PURPOSE = "reply"
_FACTS = sa.text("""
SELECT s.id AS reply_id, s.document, r.id AS root_id, r.number, r.subject, t.token_generation, a.agent_id
  FROM desk.replies s JOIN desk.tickets t ON t.id = s.ticket_id JOIN desk.tickets r ON r.id = t.root_id
  LEFT JOIN desk.answers a ON a.id = s.id
 WHERE s.id = ANY(CAST(:ids AS text[])) AND s.purpose = 'reply' AND s.channel <> 'email'
""")
# the latest of the conversation, in which he may have said where mail reaches him
_SAID = sa.text("""
SELECT m.document FROM desk.messages m JOIN desk.tickets t ON t.id = m.ticket_id
 WHERE t.root_id = :root AND m.channel = :channel AND m.account = :account
 ORDER BY m.received_at DESC, m.id DESC LIMIT 100
""")
_TURNED = sa.text("""
UPDATE desk.replies SET channel = 'email', account = :account, recipient = :recipient, mailbox = :mailbox,
       message_id = :message_id, document = :document
 WHERE id = :id
""")


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a mail of it says. `generation`: of its reply tokens; `number`, `subject`: of what it is part of now."""

    number: int
    subject: str | None
    generation: int


def as_mail(reply: Reply, ticket: Ticket, found: Correspondence, confirming: Confirming) -> Reply | None:
    """The mail, for its next attempt; None when no address is known, or no connector mails for that channel. Pure."""
    try:
        there = way(found, confirming.desk.reply_via.get(reply.channel), public=False, by="email")
    except Invalid:
        return None
    return _mail(reply, ticket, there, found, confirming)


def _mail(reply: Reply, ticket: Ticket, there: Way, found: Correspondence, confirming: Confirming) -> Reply:
    desk, sender = confirming.desk, found.sender
    local = confirming.tokens.message_id(reply.ticket_id, PURPOSE, reply.reply_id)
    changed: dict[str, object] = {
        "channel": "email",
        "account": there.account,
        "attempt": reply.attempt + 1,
        "recipient": Recipient(kind=there.kind, address=there.address, name=there.name),
        "from_address": sender.from_address,
        "from_name": sender.from_name or desk.name,
        "reply_token": confirming.tokens.sign(reply.ticket_id, there.address, ticket.generation),
        "subject": reply_subject(ticket.subject, ticket.number),
        "text": f"{reply.text}\n\n-- \n{sender.signature or desk.name}",
        "message_id": f"{local}@{desk.domain}",
        "in_reply_to": there.in_reply_to,
        "references": list(there.references),
        "provider_thread": None,
        "visibility": "private",
    }
    return reply.model_copy(update=changed)


def typed(said: Sequence[Mapping[str, Any]], conversation: str | None) -> Sequence[str]:
    """The addresses that were typed in this conversation, in the order of its messages. Nobody vouches for them: they
    get the answer to what was asked there, and nothing else.
    """
    thread = {"kind": "provider_thread", "value": conversation}
    return [
        str(each["address"])
        for message in said
        if thread in message.get("refs", ())
        for each in message.get("reply_to", ())
    ]


async def mails_instead(
    connection: AsyncConnection, deliveries: Collection[Delivery], confirming: Confirming
) -> Mapping[str, Reply]:
    """Of these deliveries, whose tickets are locked, those that can go by mail, as mails; their rows say so."""
    attempts = {delivery.reply_id: delivery.attempt for delivery in deliveries}
    if not attempts:
        return {}
    rows: Sequence[sa.Row[tuple[object, ...]]] = (
        await connection.execute(_FACTS, {"ids": texts(sorted(attempts))})
    ).all()
    mails: dict[str, Reply] = {}
    for row in rows:
        reply = Reply.from_json(row.document).model_copy(update={"attempt": attempts[row.reply_id]})
        found = await correspondence(connection, row.root_id, row.agent_id or "")
        on = {"root": row.root_id, "channel": reply.channel, "account": reply.account}
        said = [json.loads(document) for document in (await connection.scalars(_SAID, on)).all()]
        found = replace(found, addresses=[*found.addresses, *typed(said, reply.provider_thread)])
        mail = as_mail(reply, Ticket(row.number, row.subject, row.token_generation), found, confirming)
        if mail is not None:
            mails[mail.reply_id] = mail
            await connection.execute(_TURNED, _columns(mail))
    return mails


def _columns(mail: Reply) -> dict[str, object]:
    return {
        "id": mail.reply_id,
        "account": mail.account,
        "recipient": mail.recipient.address,
        "mailbox": mailbox_of(mail.recipient.kind, mail.recipient.address),
        "message_id": mail.message_id,
        "document": mail.to_json().decode(),
    }
