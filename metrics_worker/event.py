"""Events as the figures need them: the fields they read, and no others."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import AwareDatetime, ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import NotRequired, TypedDict  # noqa: UP035  # pydantic wants these before Python 3.12

from bus.calendars import EPOCH, micros
from bus.errors import Invalid
from bus.record import Received


class _Actor(TypedDict):
    kind: str
    id: NotRequired[str | None]


class EventData(TypedDict, total=False):
    """What the figures read of a ticket event's `data`; each field belongs to the types that contracts.md names."""

    channel: str | None
    automation: str | None
    manual: bool
    message_id: str | None
    direction: str | None
    message_ids: list[str] | None
    occurred_at: AwareDatetime | None
    into: str | None
    new: str | None
    by: str | None
    owner_id: str | None
    team_id: str | None
    reply_id: str | None
    agent_id: str | None
    visibility: str | None
    state: str | None
    which: str | None
    due_at: AwareDatetime | None
    calendar: str | None
    calendar_version: int | None
    fields: dict[str, Any]
    rating: str | None
    has_words: bool


class ContactEventData(TypedDict, total=False):
    """What the figures read of a contact event's `data`."""

    into: str | None
    account_id: str | None
    to: str | None
    channel: str | None
    message_id: str | None


class _Happening(TypedDict):
    event_id: str
    version: int
    type: str
    occurred_at: AwareDatetime
    recorded_at: AwareDatetime


@with_config(ConfigDict(extra="ignore"))
class _TicketEvent(_Happening):
    ticket_id: str
    number: int
    actor: _Actor
    contact_id: NotRequired[str | None]
    account_id: NotRequired[str | None]
    data: NotRequired[EventData]


@with_config(ConfigDict(extra="ignore"))
class _ContactEvent(_Happening):
    contact_id: str
    data: NotRequired[ContactEventData]


class Event(NamedTuple):
    """One event of a ticket (bus.ticket_event.TicketEvent), of a type known here or not.

    `at` and `recorded`: when it happened and when the desk recorded it, in microseconds since 1970.
    """

    event_id: str
    ticket_id: str
    number: int
    version: int
    type: str
    at: int
    recorded: int
    recorded_at: datetime
    actor: str
    actor_id: str | None
    contact_id: str | None
    account_id: str | None
    data: EventData


class ContactChange(NamedTuple):
    """One event of a contact (bus.contact_event.ContactEvent); times as in `Event`."""

    event_id: str
    contact_id: str
    version: int
    type: str
    at: int
    recorded: int
    recorded_at: datetime
    data: ContactEventData


# as dictionaries they cost a quarter of what they would as models
_TICKET = TypeAdapter(_TicketEvent).validator
_CONTACT = TypeAdapter(_ContactEvent).validator


def time_of(at: int) -> datetime:
    """The instant of a fact's `at`."""
    return EPOCH + timedelta(microseconds=at)


def decode(record: Received) -> Event:
    """The event on a record of `tickets.events`. Raises Invalid when there is none."""
    found = _decoded(_TICKET, record, "a ticket event")
    actor = found["actor"]
    return Event(
        found["event_id"],
        found["ticket_id"],
        found["number"],
        found["version"],
        found["type"],
        micros(found["occurred_at"]),
        micros(found["recorded_at"]),
        found["recorded_at"],
        actor["kind"],
        actor.get("id"),
        found.get("contact_id"),
        found.get("account_id"),
        found.get("data") or EventData(),
    )


def decode_contact(record: Received) -> ContactChange:
    """The event on a record of `contacts.events`. Raises Invalid when there is none."""
    found = _decoded(_CONTACT, record, "a contact event")
    return ContactChange(
        found["event_id"],
        found["contact_id"],
        found["version"],
        found["type"],
        micros(found["occurred_at"]),
        micros(found["recorded_at"]),
        found["recorded_at"],
        found.get("data") or ContactEventData(),
    )


def _decoded(validator: Any, record: Received, name: str) -> Mapping[str, Any]:  # noqa: ANN401  # pydantic's own
    if record.value is None:
        raise Invalid(f"{name} cannot be a tombstone")
    try:
        found: Mapping[str, Any] = validator.validate_json(record.value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Invalid(f"not {name}: {where}: {first['msg']}") from None
    return found
