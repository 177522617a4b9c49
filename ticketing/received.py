"""What the world is told of a message that has come into a ticket, and what it changes of the ticket. Pure."""

from bus.ticket_event_data import MatchSummary, MessageReceived
from ticketing.incoming import Incoming
from ticketing.match import Match
from ticketing.tickets import Ticket


def message_received(message: Incoming, match: Match, *, third_party: bool) -> MessageReceived:
    """Data of `ticket.message_received`."""
    return MessageReceived(
        message_id=message.id,
        source_id=message.source_id,
        channel=message.channel,
        account=message.account,
        author_kind=message.author.kind,
        verified=message.author.verified,
        automation=message.automation,
        sent_at=message.sent_at,
        received_at=message.received_at,
        visibility=message.visibility,
        third_party=third_party,
        match=MatchSummary(
            rule=match.rule, confidence=match.confidence, evidence=sorted({kind for kind, _ in match.evidence})
        ),
        attachments=message.attachments,
    )


def count(ticket: Ticket, message: Incoming) -> None:
    """A person's message more."""
    at = message.occurred_at
    ticket.messages += 1
    ticket.attachments += message.attachments
    ticket.opened_at = min(ticket.opened_at, at)
    ticket.last_message_at = max(ticket.last_message_at, at)
