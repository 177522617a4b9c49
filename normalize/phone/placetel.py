"""Placetel's Call Control and Notify API: IncomingCall, OutgoingCall, CallAccepted, HungUp."""

from bus.raw import RawMessage
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.phone.calls import MAILBOX, CallEvent, Direction, State, call_message

_STATES: dict[str, State] = {
    "IncomingCall": "ringing", "OutgoingCall": "ringing", "CallAccepted": "answered", "HungUp": "ended",
}  # fmt: skip
_MISSED = {"missed", "voicemail", "rejected", "busy", "canceled", "unavailable", "congestion"}
_REGION = "DE"


def is_placetel(fields: Fields) -> bool:
    """The names of its events are its own."""
    return fields.line("event") in _STATES


def placetel(record: RawMessage, fields: Fields) -> Understood | Ignored:
    """The call of one event. A mailbox answers as the user `voicemail`."""
    event, cause = fields.line("event"), fields.line("type")
    given = fields.line("direction")
    direction: Direction = "out" if event == "OutgoingCall" or given == "out" else None
    if event == "IncomingCall" or given == "in":
        direction = "in"
    state = _STATES[event]
    who = fields.line("user", "peer")
    mailbox = cause == "voicemail" or (state == "answered" and who.lower() == "voicemail")
    missed = cause in _MISSED if state == "ended" and cause else True if mailbox else None
    return call_message(
        record,
        CallEvent(
            call_id=fields.id("call_id"),
            state=state,
            direction=direction,
            caller=fields.line("from"),
            callee=fields.line("to"),
            answered_by=who if state == "answered" else "",
            duration=fields.whole("duration"),
            missed=missed,
            voicemail=True if mailbox else None,
            place=MAILBOX if mailbox else None,
            blocked=cause == "blocked",
            cause=cause,
            because=f"Placetel: {event} {cause}".rstrip(),
        ),
        _REGION,
    )
