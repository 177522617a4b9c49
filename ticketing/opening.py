"""What whoever confirms has to know of a ticket that a message has opened. Pure."""

from datetime import datetime

from ticketing.confirm import Opening
from ticketing.contacts import About
from ticketing.incoming import Incoming
from ticketing.tickets import Ticket


def opening(ticket: Ticket, message: Incoming, about: About, now: datetime) -> Opening:
    """Of the ticket, of its first message, and of what is known of the author."""
    return Opening(
        ticket_id=ticket.id,
        number=ticket.number,
        channel=message.channel,
        account=message.account,
        author=message.author,
        language=message.language,
        source_id=message.answerable or "",
        automation=message.automation,
        now=now,
        received_at=message.received_at,
        declared=message.declared,
        earlier=about.language,
        known=about.known_before(now),
        subject=message.subject,
        words=message.words,
        chain=message.chain,
        origin=message.origin,
        conversation=message.conversation,
        visibility=message.visibility,
    )
