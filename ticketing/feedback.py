"""Feedback that wants no answer: told of its contact, in no ticket unless an agent makes it one. Pure."""

from datetime import datetime

from bus.contact_event import ContactEvent, FeedbackReceived
from bus.ticket_event import Actor, event_id
from ticketing.incoming import Incoming
from ticketing.outbox import Told


def feedback_received(contact_id: str, version: int, message: Incoming, now: datetime) -> Told[ContactEvent]:
    """What the world is told of it."""
    event = ContactEvent(
        event_id=event_id(contact_id, f"{message.id}/feedback", 0),
        contact_id=contact_id,
        version=version,
        type="contact.feedback_received",
        occurred_at=message.occurred_at,
        recorded_at=now,
        actor=Actor(kind="customer", id=contact_id),
        data=FeedbackReceived(message_id=message.id, channel=message.channel).model_dump(),
    )
    return Told(event, message.traceparent)
