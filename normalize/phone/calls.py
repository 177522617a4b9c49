"""What one event says of a call → the message, as a revision of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from bus.calls import automation_of, worded
from bus.message import Call
from bus.raw import RawMessage
from normalize.outcome import Ignored, Understood
from normalize.payload.item import Item, understood
from normalize.payload.media import Remote
from normalize.phone.name import NORMALIZER
from normalize.phone.numbers import canonical_number

Direction: TypeAlias = Literal["in", "out"] | None
State: TypeAlias = Literal["ringing", "answered", "ended"]

_PLACES: dict[State, int] = {"ringing": 0, "answered": 10, "ended": 20}
MAILBOX = 25
"""That a mailbox took the call is told when it answers, and counts for more than how the line was hung up after it."""
RECORDING = 30
TRANSCRIPT = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """An event, in the words all telephone systems share; empty and None: it does not say.

    `caller` and `callee` as given. `place`: where in a call it stands, if not by its state.
    """

    call_id: str
    state: State | None
    direction: Direction = None
    caller: str = ""
    callee: str = ""
    caller_name: str = ""
    queue: str = ""
    answered_by: str = ""
    at: datetime | None = None
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    duration: int | None = None
    missed: bool | None = None
    voicemail: bool | None = None
    blocked: bool = False
    cause: str = ""
    transcript: str = ""
    recordings: Sequence[Remote] = ()
    place: int | None = None
    because: str = ""


def call_message(record: RawMessage, event: CallEvent, region: str | None) -> Understood | Ignored:
    """The message of the call as this event knows it. `region`: of national numbers, unless the record says one."""
    if not event.call_id:
        return Ignored("an event of a call without the call's id")
    region = record.region or region
    caller, callee = canonical_number(event.caller, region), canonical_number(event.callee, region)
    direction = event.direction or _direction(record, caller, callee, region)
    at = event.at or _heard_at(record)
    call = Call(
        direction=direction,
        state=event.state,
        caller=caller or None,
        callee=callee or None,
        queue=event.queue or None,
        answered_by=event.answered_by or None,
        started_at=event.started_at or (at if event.state == "ringing" else None),
        answered_at=event.answered_at or (at if event.state == "answered" else None),
        ended_at=event.ended_at or (at if event.state == "ended" else None),
        duration=event.duration,
        missed=event.missed,
        voicemail=event.voicemail,
        cause=event.cause or None,
        withheld=True if event.caller and not caller else None,
        blocked=True if event.blocked else None,
        transcript=event.transcript or None,
    )
    place = event.place if event.place is not None else _PLACES.get(event.state or "ringing", 0)
    return understood(
        record,
        NORMALIZER,
        Item(
            source_id=event.call_id,
            author_kind="phone",
            author=callee if direction == "out" else caller,
            author_name="" if direction == "out" else event.caller_name,
            verified=False,
            text=worded(call),
            reply=event.transcript,
            ours=True,
            sent_at=event.started_at or event.at or event.ended_at,
            thread=event.call_id,
            media=event.recordings,
            revision=place,
            change="edited" if place else "created",
            automation=automation_of(call),
            call=call,
            because=event.because,
        ),
    )


def _heard_at(record: RawMessage) -> datetime | None:
    """Systems that give no times tell of an event as it happens. A file that is tried out was never received."""
    return record.received_at if record.received_at.year > 1970 else None


def _direction(record: RawMessage, caller: str, callee: str, region: str | None) -> Direction:
    """By our own numbers, when the event itself does not say."""
    own = {canonical_number(each, region) for each in record.own_addresses} - {""}
    if caller in own:
        return "out"
    return "in" if callee in own else None
