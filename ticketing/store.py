"""Writing a decision: one statement per table and kind of change, the outbox last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.together import Executes, Writes
from ticketing import brakes_store, outbox
from ticketing import tables as t
from ticketing.arrivals import Arrivals
from ticketing.contacts import identity_value
from ticketing.cuts import Cut
from ticketing.decision import Decision, FiledMessage
from ticketing.delivery import Delivery
from ticketing.identities import mailbox_of
from ticketing.incoming import Incoming
from ticketing.match import Match
from ticketing.rows import change, encode, insert_rows, texts
from ticketing.service_levels import ServiceLevels
from ticketing.store_people import store_people
from ticketing.store_states import store_states
from ticketing.tickets import Ticket
from ticketing.timing import set_due_times

_CHANGEABLE = (
    *(
        "id",
        "merged_into",
        "requester_message_id",
        "contact_id",
        "account_id",
        "status",
        "messages",
        "attachments",
        "replies",
    ),
    *("opened_at", "last_message_at", "updated_at", "closed_at", "version", "due_at", "clocks", "next_due_at"),
)
_BY_HAND = ("subject", "priority", "category", "ticket_kind", "owner_id", "team_id", "tags", "spam")
_DELIVERED = ("id", "state", "reason", "state_at", "next_attempt_at")
_OPENED = (
    *("root_id", "number", "channel", "account", "subject", "language", "priority", "category"),
    *("follows", "possible_reply_to", "token_generation", "department"),
)
_ABSORBED = sa.text("""
UPDATE desk.tickets AS t SET root_id = n.root FROM unnest(CAST(:old AS text[]), CAST(:root AS text[])) AS n(old, root)
WHERE t.root_id = n.old
""")
_LATER_ENDS = sa.text("""
UPDATE desk.messages AS m SET is_root = false, acquainted = n.known, third_party = NOT n.known
FROM unnest(CAST(:ids AS text[]), CAST(:known AS bool[])) AS n(id, known) WHERE m.id = n.id
""")
_ATTACHED = sa.text("""
UPDATE desk.messages AS m SET ticket_id = n.ticket, automatic_group = NULL, aside = NULL
FROM unnest(CAST(:ids AS text[]), CAST(:tickets AS text[])) AS n(id, ticket) WHERE m.id = n.id
""")
_KEPT_ASIDE = sa.text("DELETE FROM desk.messages WHERE id = ANY(CAST(:ids AS text[])) AND aside IS NOT NULL")
_REGROUPED = sa.text("""
UPDATE desk.messages AS m SET automatic_group = n.fresh
FROM unnest(CAST(:old AS text[]), CAST(:fresh AS text[])) AS n(old, fresh)
WHERE m.automatic_group = n.old AND m.ticket_id IS NULL
""")


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A row of `messages`."""

    id: str
    ticket_id: str | None
    source_id: str
    channel: str
    account: str
    author_kind: str
    author_address: str
    contact_id: str | None
    addressed: Sequence[str]
    automation: str
    dmarc: str | None
    automatic_group: str | None
    authentic: bool
    acquainted: bool
    third_party: bool
    is_root: bool
    subject: str | None
    received_at: datetime
    occurred_at: datetime
    match: Mapping[str, object]
    fingerprint: UUID | None
    revision: int
    normalizer: str
    attachments: int
    raw_topic: str | None
    raw_partition: int | None
    raw_offset: int | None
    document: str
    traceparent: str | None
    aside: str | None
    filed_at: datetime


@dataclass(frozen=True, slots=True)
class _Delivered:
    """What a bounce changes in a row of `replies`."""

    id: str
    state: str
    reason: str | None
    state_at: datetime
    next_attempt_at: datetime | None

    @classmethod
    def of(cls, delivery: Delivery) -> "_Delivered":
        return cls(delivery.reply_id, delivery.state, delivery.reason, delivery.state_at, delivery.next_attempt_at)


async def store(
    connection: AsyncConnection, decision: Decision, arrivals: Arrivals, now: datetime, levels: ServiceLevels | None
) -> None:
    """Set due times and write everything. `levels`: None where nothing happens that moves a due time."""
    if levels is not None:
        await set_due_times(connection, decision, levels, now)
    writes = Writes()
    await store_rows(writes, decision, arrivals, now)
    await outbox.append(
        writes,
        ticket_events=decision.to_tell,
        contact_events=decision.contact_events,
        replies=decision.replies,
    )
    await writes.send(connection)


async def store_rows(connection: Executes, decision: Decision, arrivals: Arrivals, now: datetime) -> None:
    """Write everything but the outbox, which comes last; due times are set already."""
    if decision.brakes is not None:
        await brakes_store.write(connection, decision.brakes, now)
    await store_people(connection, decision, now)
    changeable = (*_CHANGEABLE, *_BY_HAND) if decision.by_hand else _CHANGEABLE
    await insert_rows(connection, t.tickets, [_opened(ticket, changeable) for ticket in decision.opened])
    await change(connection, t.tickets, changeable, list(decision.changed.values()))
    if decision.absorbed:
        values = {"old": texts(decision.absorbed), "root": texts(decision.absorbed.values())}
        await connection.execute(_ABSORBED, values)
    if arrivals.again:
        await connection.execute(_KEPT_ASIDE, {"ids": texts(sorted(arrivals.again))})
    await insert_rows(connection, t.messages, [_message(filed, now) for filed in decision.messages])
    await insert_rows(connection, t.names, names([f.message for f in decision.messages if f.message.aside is None]))
    await insert_rows(connection, t.names, names(decision.taken), suffix="ON CONFLICT DO NOTHING")
    if decision.ends:
        values = {
            "ids": texts(end.message_id for end in decision.ends),
            "known": encode(t.messages.c.acquainted, [end.acquainted for end in decision.ends]),
        }
        await connection.execute(_LATER_ENDS, values)
    await insert_rows(connection, t.cuts, _cuts(decision.cuts, now), suffix="ON CONFLICT DO NOTHING")
    if decision.attached:
        values = {"ids": texts(decision.attached), "tickets": texts(decision.attached.values())}
        await connection.execute(_ATTACHED, values)
    if decision.regrouped:
        values = {"old": texts(decision.regrouped), "fresh": texts(decision.regrouped.values())}
        await connection.execute(_REGROUPED, values)
    await store_states(connection, decision, arrivals)
    await insert_rows(connection, t.settled, arrivals.settled, suffix="ON CONFLICT DO NOTHING")
    await _replies(connection, decision, now)
    await change(connection, t.replies, _DELIVERED, [_Delivered.of(delivery) for delivery in decision.bounced])


def _opened(ticket: Ticket, changeable: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(ticket, name) for name in (*_OPENED, *changeable)}


def _message(filed: FiledMessage, now: datetime) -> MessageRow:
    m = filed.message
    raw = m.raw
    return MessageRow(
        id=m.id,
        ticket_id=filed.ticket_id,
        source_id=m.source_id,
        channel=m.channel,
        account=m.account,
        author_kind=m.author.kind,
        author_address=identity_value(m.author.kind, m.author.address),
        contact_id=filed.contact_id,
        addressed=sorted(m.addressed),
        automation=m.automation,
        dmarc=m.dmarc,
        automatic_group=filed.automatic_group,
        authentic=m.authentic,
        acquainted=filed.place.acquainted,
        third_party=filed.place.third_party,
        is_root=filed.place.is_root,
        subject=m.subject,
        received_at=m.received_at,
        occurred_at=m.occurred_at,
        match=_match(filed.place.match),
        fingerprint=m.fingerprint,
        revision=m.revision,
        normalizer=m.normalizer,
        attachments=m.attachments,
        raw_topic=raw.topic if raw else None,
        raw_partition=raw.partition if raw else None,
        raw_offset=raw.offset if raw else None,
        document=m.document,
        traceparent=m.traceparent,
        aside=m.aside,
        filed_at=now,
    )


def _match(match: Match) -> dict[str, object]:
    found: dict[str, object] = {
        "rule": match.rule,
        "confidence": match.confidence,
        "evidence": [list(each) for each in match.evidence],
        "tried": [list(each) for each in match.tried],
    }
    return found | {"warnings": list(match.warnings)} if match.warnings else found


def _cuts(cuts: Sequence[Cut], now: datetime) -> list[dict[str, object]]:
    return [
        {"older": cut.older, "younger": cut.younger, "cause": cut.cause, "kind": cut.kind, "created_at": now}
        for cut in cuts
    ]


def names(fresh: Sequence[Incoming]) -> list[dict[str, object]]:
    """Rows of `names`: what these messages are called and mention."""
    return [
        {"value": value, "message_id": message.id, "own": value == message.own}
        for message in fresh
        for value in {
            message.own,
            *(name.value for name in message.named),
            *([message.thread] if message.thread else []),
        }
    ]


async def _replies(connection: Executes, decision: Decision, now: datetime) -> None:
    await insert_rows(
        connection,
        t.replies,
        [
            {
                "id": reply.reply_id,
                "ticket_id": reply.ticket_id,
                "purpose": reply.purpose,
                "channel": reply.channel,
                "account": reply.account,
                "recipient": identity_value(reply.recipient.kind, reply.recipient.address),
                "mailbox": mailbox_of(reply.recipient.kind, reply.recipient.address),
                "message_id": reply.message_id,
                "state": "queued",
                "attempt": reply.attempt,
                "document": reply.to_json().decode(),
                "words": decision.words.get(reply.reply_id),
                "traceparent": told.traceparent,
                "created_at": now,
                "state_at": now,
            }
            for told in decision.replies
            for reply in (told.value,)
        ],
    )
