"""Ticket rows → the documents that stand on `tickets.state` and in lists."""

from collections.abc import Collection
from typing import Any, Final, LiteralString

from bus.ticket_state import Counts, TicketState

STATE_COLUMNS: Final[LiteralString] = """
    t.id, t.number, t.merged_into, t.subject, t.status, t.priority, t.category, t.ticket_kind, t.owner_id, t.team_id,
    t.contact_id, c.name AS contact_name, t.account_id, t.channel, t.account, t.language, t.due_at, t.tags, t.spam,
    t.messages, t.attachments, t.replies, t.opened_at, t.last_message_at, t.updated_at, t.closed_at, t.version,
    t.possible_reply_to, (SELECT f.number FROM desk.tickets f WHERE f.id = t.follows) AS follows,
    ARRAY(SELECT a.number FROM desk.tickets a WHERE a.root_id = t.id AND a.id <> t.id ORDER BY a.number) AS aliases
"""
STATE_FROM: Final[LiteralString] = "desk.tickets t LEFT JOIN desk.contacts c ON c.id = t.contact_id"
STATE_JSON: Final[LiteralString] = """
    to_jsonb(s) - ARRAY['messages', 'attachments', 'replies'] || jsonb_build_object('counts',
        jsonb_build_object('messages', s.messages, 'attachments', s.attachments, 'replies', s.replies))
"""
"""The document of a row `s` of STATE_COLUMNS, made by PostgreSQL itself."""


def ticket_state(row: Any) -> TicketState:  # noqa: ANN401  # rows of both drivers have these attributes
    """A row of STATE_COLUMNS as its document."""
    return TicketState.model_validate(state_fields(row))


def state_fields(row: Any) -> dict[str, Any]:  # noqa: ANN401  # as above
    """A row of STATE_COLUMNS, and of more columns, as fields of the document."""
    values: dict[str, Any] = row._asdict()
    counts = Counts(
        messages=values.pop("messages"), attachments=values.pop("attachments"), replies=values.pop("replies")
    )
    return {**values, "counts": counts}


def wanted_versions(touched: Collection[tuple[str, int]]) -> dict[str, int]:
    """Of `(ticket id, version)` the last version of each ticket."""
    last: dict[str, int] = {}
    for ticket_id, version in touched:
        last[ticket_id] = max(version, last.get(ticket_id, 0))
    return last
