"""The worker's tables (schema `metrics`). Migrations follow them; a test compares the two."""

from collections.abc import Iterator

import sqlalchemy as sa

from bus.progress import progress_table

SCHEMA = "metrics"
metadata = sa.MetaData(schema=SCHEMA)

LEADER_LOCK = 0x66696775
"""Advisory lock of a session: the one active worker."""

COMPUTED = ("ticket_facts", "clocks", "contacts", "figures", "days")
"""What is computed from events and can be computed again, in the order in which whoever needs several takes them."""

progress = progress_table(metadata)

_ROOM = {"fillfactor": "70"}
"""Most changes leave all indexes alone: with room on its page a row then stays there."""

ticket_facts = sa.Table(
    "ticket_facts",
    metadata,
    sa.Column("ticket_id", sa.Text, primary_key=True),
    # the survivor at the end of the merge pointers (itself when not merged), seen or not
    sa.Column("root_id", sa.Text, nullable=False),
    sa.Column("contact_id", sa.Text),
    sa.Column("account_id", sa.Text),
    sa.Column("owner_id", sa.Text),
    sa.Column("team_id", sa.Text),
    sa.Column("version", sa.Integer, nullable=False),
    # of a root that counts: a day after which nothing has happened, and that of its last rating, days since 1970 (UTC)
    sa.Column("last_day", sa.Integer),
    sa.Column("rated_day", sa.Integer),
    # TicketFacts.to_json
    sa.Column("document", sa.Text, nullable=False),
    postgresql_with=_ROOM,
)
sa.Index(
    "ticket_facts_members",
    ticket_facts.c.root_id,
    postgresql_where=ticket_facts.c.root_id != ticket_facts.c.ticket_id,
)
sa.Index("ticket_facts_contact", ticket_facts.c.contact_id)
# an account's newest; days change seldom enough for most updates of a row to leave all indexes alone
sa.Index(
    "ticket_facts_account",
    ticket_facts.c.account_id,
    ticket_facts.c.last_day,
    postgresql_where=ticket_facts.c.account_id.is_not(None),
)
sa.Index(
    "ticket_facts_rated",
    ticket_facts.c.account_id,
    ticket_facts.c.rated_day,
    postgresql_where=ticket_facts.c.rated_day.is_not(None),
)
for _name in ("owner_id", "team_id"):
    sa.Index(f"ticket_facts_{_name}", ticket_facts.c[_name], postgresql_where=ticket_facts.c[_name].is_not(None))

# The roots that count and have a clock running, by whose figures they are in: few beside all tickets. They come and go
# with every answer, and an index on what changes so often would have each change of a ticket write all of its indexes.
clocks = sa.Table(
    "clocks",
    metadata,
    sa.Column("ticket_id", sa.Text, primary_key=True),
    *(sa.Column(_name, sa.Text) for _name in ("contact_id", "account_id", "owner_id", "team_id")),
    # since when its customer waits for the first response, microseconds
    sa.Column("waiting_since", sa.BigInteger),
    # the next due time that no event has told to have passed, microseconds
    sa.Column("next_due", sa.BigInteger),
)
for _name in ("waiting_since", "next_due"):
    sa.Index(f"clocks_{_name}", clocks.c[_name], postgresql_where=clocks.c[_name].is_not(None))
# the oldest of somebody's is the first entry of theirs: by one of the times alone all who wait longer were passed first
for _name in ("contact_id", "account_id", "owner_id", "team_id"):
    sa.Index(
        f"clocks_{_name}",
        clocks.c[_name],
        clocks.c.waiting_since,
        postgresql_where=sa.and_(clocks.c[_name].is_not(None), clocks.c.waiting_since.is_not(None)),
    )

contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("contact_id", sa.Text, primary_key=True),
    # the contact that its group goes by (itself when not merged)
    sa.Column("root_id", sa.Text, nullable=False),
    sa.Column("account_id", sa.Text),
    sa.Column("version", sa.Integer, nullable=False),
    # ContactFacts.to_json
    sa.Column("document", sa.Text, nullable=False),
)
sa.Index("contacts_root", contacts.c.root_id)
sa.Index("contacts_account", contacts.c.account_id, postgresql_where=contacts.c.account_id.is_not(None))

figures = sa.Table(
    "figures",
    metadata,
    # in its bytes' order: ranges of keys are the same wherever the database is
    sa.Column("key", sa.Text(collation="C"), primary_key=True),
    # metrics_worker.columns.Columns
    sa.Column("counts", sa.Text, nullable=False),
    sa.Column("durations", sa.Text),
    # raised by every change of what the key shows; what was published last
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("published_revision", sa.BigInteger, nullable=False),
    # when the desk recorded the newest event that had been read at the last change
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    postgresql_partition_by="RANGE (key)",
)
FIGURES_APART = {
    "figures_of_accounts": "FOR VALUES FROM ('account:') TO ('account;')",
    "figures_of_others": "DEFAULT",
}
"""The tables that figures lie in. Any account may change next, of contacts mostly new ones do: among contacts' rows an
account's would lie alone on its page, and each change of one would touch another page."""
# agents, teams and cells are few beside contacts
sa.Index(
    "figures_of_staff",
    figures.c.key,
    postgresql_where=sa.text("key LIKE 'agent:%' OR key LIKE 'team:%'"),
)

days = sa.Table(
    "days",
    metadata,
    # the desk's local day, days since 1970; first in the index: what a day adds then lies together
    sa.Column("day", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    # as in `figures`
    sa.Column("counts", sa.Text, nullable=False),
    sa.Column("durations", sa.Text),
    postgresql_with=_ROOM,
)

calendars = sa.Table(
    "calendars",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    # microseconds since 1970; events recorded from then on are measured with it
    sa.Column("valid_from", sa.BigInteger, nullable=False),
    # hours, holidays and zone as JSON: never changed
    sa.Column("document", sa.Text, nullable=False),
)

worker = sa.Table(
    "worker",
    metadata,
    sa.Column("one", sa.Boolean, sa.CheckConstraint("one"), primary_key=True),
    # when the active worker last said how many events it had not read
    sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("unread", sa.BigInteger, nullable=False),
)


def figures_apart(schema: str) -> Iterator[str]:
    """The statements that make the tables that a schema's figures lie in."""
    for name, values in FIGURES_APART.items():
        room = ", ".join(f"{option} = {value}" for option, value in _ROOM.items())
        yield f"CREATE TABLE {schema}.{name} PARTITION OF {schema}.figures {values} WITH ({room})"
