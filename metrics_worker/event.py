"""A ticket event as the figures need it: the fields they read, and no others."""

from datetime import UTC, datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from bus.errors import Invalid
from bus.record import Received

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class EventActor(BaseModel):
    """Who did it (bus.ticket_event.Actor)."""

    kind: str


class EventData(BaseModel):
    """What the figures read of `data`; each field belongs to the types that contracts.md names for it."""

    channel: str | None = None
    automation: str | None = None
    into: str | None = None
    new: str | None = None
    owner_id: str | None = None
    team_id: str | None = None


class Event(BaseModel):
    """One event of a ticket (bus.ticket_event.TicketEvent), of a type known here or not."""

    model_config = ConfigDict(extra="ignore")

    event_id: str
    ticket_id: str
    number: int
    version: int
    type: str
    occurred_at: AwareDatetime
    recorded_at: AwareDatetime
    actor: EventActor
    contact_id: str | None = None
    account_id: str | None = None
    data: EventData = EventData()

    @property
    def at(self) -> int:
        """When it happened, in microseconds since 1970."""
        return (self.occurred_at - _EPOCH) // _MICROSECOND


def time_of(at: int) -> datetime:
    """The instant of a fact's `at`."""
    return _EPOCH + at * _MICROSECOND


def decode(record: Received) -> Event:
    """The event on a record of `tickets.events`. Raises Invalid when there is none."""
    if record.value is None:
        raise Invalid("a ticket event cannot be a tombstone")
    try:
        return Event.model_validate_json(record.value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Invalid(f"not a ticket event: {where}: {first['msg']}") from None
