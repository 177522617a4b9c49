"""The desk's tables (schema `desk`), but for those that stand beside what uses them (ticketing.schema names all).

Migrations follow them; a test compares the two.
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from bus.progress import progress_table

metadata = sa.MetaData(schema="desk")

ticket_number = sa.Sequence("ticket_number", metadata=metadata)

progress = progress_table(metadata)

DESK_LOCK = 0x6465736B
"""Advisory lock, one transaction at a time: filing and every act on the graph of messages."""
OUTBOX_LOCK = 0x6F757462
"""Advisory lock, taken last: whoever inserts into the outbox."""
RELAY_LOCK = 0x72656C61
"""Advisory lock of a session: the one relay."""


def moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    """A column of points in time."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("language", sa.Text),
    sa.Column("account_id", sa.Text),
    # by which way it came to its account: `domain`, `rule` or `hand`
    sa.Column("account_by", sa.Text),
    # the contact it was merged into directly, and the one at the end of all mergers (null: itself)
    sa.Column("merged_into", sa.Text),
    sa.Column("root_id", sa.Text),
    # a language that somebody has set is kept; else it is the one of the latest conversation
    sa.Column("language_declared", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("version", sa.Integer, nullable=False),
    moment("created_at"),
)
sa.Index("contacts_merged", contacts.c.merged_into, postgresql_where=contacts.c.merged_into.is_not(None))
sa.Index("contacts_root", contacts.c.root_id, postgresql_where=contacts.c.root_id.is_not(None))
sa.Index("contacts_account", contacts.c.account_id, postgresql_where=contacts.c.account_id.is_not(None))

identities = sa.Table(
    "identities",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("contact_id", sa.Text, nullable=False, index=True),
    # the assertion that ties it to its contact: who said so, how strong, when
    sa.Column("asserted_by", sa.Text, nullable=False),
    sa.Column("strength", sa.Text, nullable=False, server_default="claimed"),
    moment("asserted_at"),
    # false: several people use it, so it says nothing about who somebody is
    sa.Column("identifying", sa.Boolean, nullable=False, server_default=sa.true()),
)

assertions = sa.Table(
    "assertions",
    metadata,
    # claims that tie an identity to a contact that it does not belong to: what suggestions are made of
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("contact_id", sa.Text, primary_key=True, index=True),
    sa.Column("asserted_by", sa.Text, primary_key=True),
    sa.Column("strength", sa.Text, nullable=False),
    moment("asserted_at"),
)

contacts_apart = sa.Table(
    "contacts_apart",
    metadata,
    # pairs that an agent has separated, in the order of their ids: they are not suggested again
    sa.Column("one", sa.Text, primary_key=True),
    sa.Column("other", sa.Text, primary_key=True),
    moment("at"),
)

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    # by what it is found: a domain, or the name a rule gives it
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    moment("created_at"),
)

tickets = sa.Table(
    "tickets",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False, unique=True),
    # the survivor at the end of all mergers (itself when not merged), and the one it was merged into directly
    sa.Column("root_id", sa.Text, nullable=False, index=True),
    sa.Column("merged_into", sa.Text),
    # the closed ticket that this one takes up again, and the number of one it may be a reply to
    sa.Column("follows", sa.Text),
    sa.Column("possible_reply_to", sa.BigInteger),
    # how many times its reply tokens were revoked
    sa.Column("token_generation", sa.Integer, nullable=False, server_default="0"),
    sa.Column("requester_message_id", sa.Text),
    sa.Column("subject", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("priority", sa.Text, nullable=False),
    sa.Column("category", sa.Text),
    sa.Column("ticket_kind", sa.Text),
    sa.Column("owner_id", sa.Text),
    sa.Column("team_id", sa.Text),
    sa.Column("contact_id", sa.Text, nullable=False),
    # of a ticket without a requester: whose it was before contacts were merged
    sa.Column("own_contact_id", sa.Text),
    sa.Column("account_id", sa.Text),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    # whose it is, as the connector's configuration said when it was opened; "" is everybody's
    sa.Column("department", sa.Text, nullable=False, server_default=""),
    sa.Column("language", sa.Text),
    sa.Column("tags", pg.ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("spam", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("messages", sa.Integer, nullable=False),
    sa.Column("attachments", sa.Integer, nullable=False),
    sa.Column("replies", sa.Integer, nullable=False),
    # of its clocks (ticketing.clocks): the earliest due time, all they are, and when they have something to tell next
    moment("due_at", nullable=True),
    sa.Column("clocks", pg.JSONB, nullable=False, server_default="{}"),
    moment("next_due_at", nullable=True),
    moment("opened_at"),
    moment("last_message_at"),
    moment("updated_at"),
    moment("closed_at", nullable=True),
    sa.Column("version", sa.Integer, nullable=False),
)
# lists by any filter (ticketing.api): the orders they have, and what narrows them; partial where one value is common
sa.Index("tickets_opened", tickets.c.opened_at, tickets.c.number)
sa.Index("tickets_updated", tickets.c.updated_at, tickets.c.number)
sa.Index("tickets_last_message", tickets.c.last_message_at, tickets.c.number)
sa.Index("tickets_contact", tickets.c.contact_id, tickets.c.number)
sa.Index("tickets_connector", tickets.c.account, tickets.c.number)
sa.Index("tickets_channel", tickets.c.channel, tickets.c.number)
sa.Index("tickets_department", tickets.c.department, tickets.c.number)
for _name, _column in {
    "account": tickets.c.account_id,
    "owner": tickets.c.owner_id,
    "team": tickets.c.team_id,
    "category": tickets.c.category,
    "kind": tickets.c.ticket_kind,
    "closed": tickets.c.closed_at,
}.items():
    sa.Index(f"tickets_{_name}", _column, tickets.c.number, postgresql_where=_column.is_not(None))
sa.Index("tickets_unclosed", tickets.c.status, tickets.c.number, postgresql_where=tickets.c.status != "closed")
# as ticketing.api.orders sorts by them
sa.Index("tickets_due", tickets.c.due_at, tickets.c.number, postgresql_where=tickets.c.due_at.is_not(None))
sa.Index("tickets_follows", tickets.c.follows, postgresql_where=tickets.c.follows.is_not(None))
sa.Index("tickets_spam", tickets.c.number, postgresql_where=tickets.c.spam)
sa.Index(
    "tickets_priority",
    sa.text("array_position(ARRAY['low'::text, 'normal'::text, 'high'::text, 'urgent'::text], priority)"),
    tickets.c.number,
)
sa.Index("tickets_tags", tickets.c.tags, postgresql_using="gin")

sa.Index("tickets_next_due", tickets.c.next_due_at, postgresql_where=tickets.c.next_due_at.is_not(None))

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    # null: automatic mail that refers to nothing, kept in a list of its own
    sa.Column("ticket_id", sa.Text, index=True),
    sa.Column("source_id", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("author_kind", sa.Text, nullable=False),
    sa.Column("author_address", sa.Text, nullable=False),
    # the contact that the author's identity belongs to by itself; who that is today says contacts.root_id
    sa.Column("contact_id", sa.Text),
    sa.Column("addressed", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("automation", sa.Text, nullable=False),
    # the verdict on the author's domain: `fail` keeps what a message merely knows from joining it
    sa.Column("dmarc", sa.Text),
    # mail of machines without a ticket: which of them belong together, should a ticket turn up
    sa.Column("automatic_group", sa.Text),
    # whether the channel vouches for the author, and whether that author wrote or was written something it names
    sa.Column("authentic", sa.Boolean, nullable=False),
    sa.Column("acquainted", sa.Boolean, nullable=False),
    sa.Column("third_party", sa.Boolean, nullable=False),
    sa.Column("is_root", sa.Boolean, nullable=False),
    sa.Column("subject", sa.Text),
    moment("received_at"),
    moment("occurred_at"),
    sa.Column("match", pg.JSONB, nullable=False),
    # of what was written: the same in every mailbox that got it
    sa.Column("fingerprint", pg.UUID),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("normalizer", sa.Text, nullable=False),
    sa.Column("attachments", sa.Integer, nullable=False),
    sa.Column("raw_topic", sa.Text),
    sa.Column("raw_partition", sa.Integer),
    sa.Column("raw_offset", sa.BigInteger),
    # the NormalizedMessage as it stood on its topic; lies outside the row, uncompressed
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("traceparent", sa.Text),
    # why it is in no ticket though a person wrote it (ticketing.incoming.Aside); it is no node of the graph then
    sa.Column("aside", sa.Text),
    moment("filed_at"),
)
sa.Index("messages_aside", messages.c.contact_id, postgresql_where=messages.c.aside.is_not(None))
sa.Index("messages_automatic", messages.c.received_at, postgresql_where=messages.c.ticket_id.is_(None))
sa.Index("messages_automatic_group", messages.c.automatic_group, postgresql_where=messages.c.ticket_id.is_(None))
sa.Index("messages_raw", messages.c.raw_topic, messages.c.raw_partition, messages.c.raw_offset)

names = sa.Table(
    "names",
    metadata,
    # every id ever mentioned: the first 16 bytes of its sha256, who mentions it, and whether it is that message's own
    sa.Column("value", pg.UUID, primary_key=True),
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("own", sa.Boolean, nullable=False),
)

cuts = sa.Table(
    "cuts",
    metadata,
    # two tickets that nothing but a hand brings together again, and what for: a message's id or an act's
    sa.Column("older", sa.Text, primary_key=True),
    sa.Column("younger", sa.Text, primary_key=True, index=True),
    sa.Column("cause", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    moment("created_at"),
)

participants = sa.Table(
    "participants",
    metadata,
    # whom an agent lets into a ticket beside its requester; `person` as among a message's addressees
    sa.Column("ticket_id", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    moment("added_at"),
)

settled = sa.Table(
    "settled",
    metadata,
    # messages of raw records that were not filed under that position, and what became of them: `duplicate`, `revision`,
    # `ignored` (then without a message)
    sa.Column("raw_topic", sa.Text, primary_key=True),
    sa.Column("raw_partition", sa.Integer, primary_key=True),
    sa.Column("raw_offset", sa.BigInteger, primary_key=True),
    sa.Column("message_id", sa.Text, primary_key=True, server_default=""),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
)

replies = sa.Table(
    "replies",
    metadata,
    # what is to reach a customer, and how far it has come; forward only
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("ticket_id", sa.Text, nullable=False, index=True),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("recipient", sa.Text, nullable=False),
    # its mailbox, all spellings of an address being one (ticketing.identities.mailbox_of)
    sa.Column("mailbox", sa.Text),
    sa.Column("message_id", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("document", sa.Text, nullable=False),
    # a digest of what it answers: a machine that answers it says the same again
    sa.Column("words", sa.Text),
    sa.Column("traceparent", sa.Text),
    moment("created_at"),
    moment("state_at"),
    moment("next_attempt_at", nullable=True),
)
sa.Index("replies_message_id", replies.c.message_id)
sa.Index("replies_mailbox", replies.c.mailbox, replies.c.created_at)
sa.Index(
    "replies_unsettled", replies.c.state_at, postgresql_where=replies.c.state.in_(("queued", "deferred", "uncertain"))
)
