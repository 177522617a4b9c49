"""Writing what became of messages by their later states, and the states themselves."""

from dataclasses import dataclass

import sqlalchemy as sa

from bus.together import Executes
from ticketing.arrivals import Arrivals
from ticketing.contacts import identity_value
from ticketing.decision import Decision
from ticketing.incoming import Incoming
from ticketing.rows import change, insert_rows
from ticketing.tables import messages, metadata

message_states = sa.Table(
    "message_states",
    metadata,
    # of messages that have several: each as it stood on its topic, in the order in which this desk heard of them
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
)

_LATER = ("id", "revision", "normalizer", "subject", "document")
_KNOWN = ("id", "author_kind", "author_address", "contact_id", "authentic")


@dataclass(frozen=True, slots=True)
class _Later:
    """The columns of a message that its later states change."""

    id: str
    revision: int
    normalizer: str
    subject: str | None
    document: str

    @classmethod
    def of(cls, message: Incoming) -> "_Later":
        return cls(message.id, message.revision, message.normalizer, message.subject, message.document)


@dataclass(frozen=True, slots=True)
class _Known:
    """Who wrote a message, of which that became known later."""

    id: str
    author_kind: str
    author_address: str
    contact_id: str
    authentic: bool


async def store_states(connection: Executes, decision: Decision, arrivals: Arrivals) -> None:
    """Messages as they are now, after the batch's messages themselves."""
    await change(connection, messages, _LATER, [_Later.of(message) for message in arrivals.later.values()])
    known = [
        _Known(m.id, m.author.kind, identity_value(m.author.kind, m.author.address), contact_id, m.authentic)
        for contact_id, m in decision.authors
    ]
    await change(connection, messages, _KNOWN, known)
    rows = [
        {"message_id": id_, "place": place, "document": state.document}
        for id_, states in arrivals.states.items()
        for place, state in enumerate(states)
    ]
    await insert_rows(
        connection,
        message_states,
        rows,
        suffix="ON CONFLICT (message_id, place) DO UPDATE SET document = excluded.document",
    )
