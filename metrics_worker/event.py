"""Events as the figures need them: the fields they read, and no others."""

from datetime import datetime, timedelta
from typing import Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from bus.errors import Invalid
from bus.record import Received
from metrics_worker.calendars import EPOCH, micros


class EventActor(BaseModel):
    """Who did it (bus.ticket_event.Actor)."""

    kind: str
    id: str | None = None


class EventData(BaseModel):
    """What the figures read of a ticket event's `data`; each field belongs to the types that contracts.md names."""

    channel: str | None = None
    automation: str | None = None
    manual: bool = False
    message_id: str | None = None
    direction: str | None = None
    sent_at: AwareDatetime | None = None
    into: str | None = None
    new: str | None = None
    by: str | None = None
    owner_id: str | None = None
    team_id: str | None = None
    reply_id: str | None = None
    agent_id: str | None = None
    visibility: str | None = None
    state: str | None = None
    which: str | None = None
    due_at: AwareDatetime | None = None
    calendar: str | None = None
    calendar_version: int | None = None
    rating: str | None = None
    has_words: bool = False


class ContactEventData(BaseModel):
    """What the figures read of a contact event's `data`."""

    into: str | None = None
    account_id: str | None = None
    channel: str | None = None
    message_id: str | None = None


Data = TypeVar("Data", EventData, ContactEventData)


class _Happening(BaseModel, Generic[Data]):
    model_config = ConfigDict(extra="ignore")

    event_id: str
    version: int
    type: str
    occurred_at: AwareDatetime
    recorded_at: AwareDatetime
    data: Data

    @property
    def at(self) -> int:
        """When it happened, in microseconds since 1970."""
        return micros(self.occurred_at)


class Event(_Happening[EventData]):
    """One event of a ticket (bus.ticket_event.TicketEvent), of a type known here or not."""

    ticket_id: str
    number: int
    actor: EventActor
    contact_id: str | None = None
    account_id: str | None = None
    data: EventData = EventData()


class ContactChange(_Happening[ContactEventData]):
    """One event of a contact (bus.contact_event.ContactEvent)."""

    contact_id: str
    data: ContactEventData = ContactEventData()


def time_of(at: int) -> datetime:
    """The instant of a fact's `at`."""
    return EPOCH + timedelta(microseconds=at)


def decode(record: Received) -> Event:
    """The event on a record of `tickets.events`. Raises Invalid when there is none."""
    return _decoded(Event, record, "a ticket event")


def decode_contact(record: Received) -> ContactChange:
    """The event on a record of `contacts.events`. Raises Invalid when there is none."""
    return _decoded(ContactChange, record, "a contact event")


Decoded = TypeVar("Decoded", Event, ContactChange)


def _decoded(model: type[Decoded], record: Received, name: str) -> Decoded:
    if record.value is None:
        raise Invalid(f"{name} cannot be a tombstone")
    try:
        return model.model_validate_json(record.value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Invalid(f"not {name}: {where}: {first['msg']}") from None
