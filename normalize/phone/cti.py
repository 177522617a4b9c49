"""newCall, answer, hangup: sipgate.io (camel case, `user[]`) and the generic interface modelled on it (`call_id`)."""

from bus.raw import RawMessage
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.instants import instant
from normalize.payload.quoted import quoted
from normalize.phone.calls import MAILBOX, CallEvent, Direction, State, call_message

_STATES: dict[str, State] = {"newcall": "ringing", "answer": "answered", "hangup": "ended"}
_OTHERS = {"dtmf", "data", "ondata", "hold", "resume"}
_MISSED = {"cancel", "noanswer", "busy", "congestion", "notfound"}
_ANSWERED = {"normalclearing", "forwarded"}
_DIRECTIONS: dict[str, Direction] = {
    "in": "in", "inbound": "in", "incoming": "in", "out": "out", "outbound": "out", "outgoing": "out",
}  # fmt: skip


def is_cti(fields: Fields) -> bool:
    """It names an event and a call."""
    event = fields.line("event").lower()
    return event in _STATES or (event in _OTHERS and bool(_call_id(fields)))


def cti(record: RawMessage, fields: Fields) -> Understood | Ignored:
    """The call of one event. When sipgate passes a call on to its mailbox, that is a new call with the first one's id
    in `origCallId`; here both are one."""
    event = fields.line("event").lower()
    state = _STATES.get(event)
    if state is None:
        return Ignored(f"an event of a call that does not change it: {quoted(event)}")
    is_sipgate = "callId" in fields
    users = _users(fields)
    cause = fields.line("cause")
    mailbox = state == "answered" and users.lower() == "voicemail"
    missed: bool | None = True if mailbox else None
    if state == "ended":
        missed = _missed(fields, cause.lower())
    return call_message(
        record,
        CallEvent(
            call_id=_call_id(fields),
            state=state,
            direction=_DIRECTIONS.get(fields.line("direction").lower()),
            caller=fields.line("from"),
            callee=fields.line("to"),
            caller_name=fields.line("caller_name", "fromName"),
            queue=fields.line("queue"),
            answered_by=users or fields.line("answeringNumber", "answering_number") if state == "answered" else "",
            at=instant(fields, "timestamp", "time"),
            duration=fields.whole("duration"),
            missed=missed,
            voicemail=True if mailbox else None,
            place=MAILBOX if mailbox else None,
            cause=cause if state == "ended" else "",
            because=f"{'sipgate' if is_sipgate else 'CTI'}: {event} {cause}".rstrip(),
        ),
        "DE" if is_sipgate else None,
    )


def _missed(fields: Fields, cause: str) -> bool | None:
    """Whether nobody answered. Of a call that was passed on, a mailbox may have been the one that did."""
    if cause in _MISSED:
        return True
    return False if cause in _ANSWERED and not _passed_on(fields) else None


def _passed_on(fields: Fields) -> bool:
    first = fields.id("origCallId", "orig_call_id", "originalCallId")
    return bool(first) and first != fields.id("callId", "call_id")


def is_simquadrat(fields: Fields) -> bool:
    """The oldest push has nothing but the two numbers."""
    return set(fields) <= {"from", "to", "direction"} and bool(fields.line("from") and fields.line("to"))


def _call_id(fields: Fields) -> str:
    return fields.id("origCallId", "orig_call_id", "originalCallId", "callId", "call_id", "xcid")


def _users(fields: Fields) -> str:
    names = fields.texts("user[]") or fields.texts("user") or fields.texts("users")
    return ", ".join(dict.fromkeys(part.strip() for name in names[:20] for part in name.split(",") if part.strip()))
