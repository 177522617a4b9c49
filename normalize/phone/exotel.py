"""Exotel: what a Passthru or Connect applet asks with, status callbacks, and notices of its WebRTC application."""

from datetime import datetime, timedelta

from bus.raw import RawMessage
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.instants import from_text
from normalize.payload.media import Remote
from normalize.phone.calls import RECORDING, CallEvent, Direction, State, call_message

_INDIA = timedelta(hours=5, minutes=30)
"""Exotel writes the time of India, without a zone."""
_NOT_ANSWERED = {"no-answer", "busy", "failed", "canceled", "cancelled"}
_TYPES_NOT_ANSWERED = {"incomplete", "client-hangup", "call-attempt"}
_OVER = {"completed", *_NOT_ANSWERED}
_REGION = "IN"
_MARKS = {
    "CallFrom", "CallTo", "DialWhomNumber", "DialCallStatus", "ProcessStatus", "flow_id", "tenant_id", "DateUpdated",
    "ExotelAccountSid", "AppUserID",
}  # fmt: skip


def is_exotel(fields: Fields) -> bool:
    """Twilio has `CallSid` too, and never without its `AccountSid`."""
    if fields.line("event") in {"incoming_call", "outbound_call"} and "call_sid" in fields:
        return True
    return "CallSid" in fields and "AccountSid" not in fields and bool(_MARKS.intersection(fields))


def exotel(record: RawMessage, fields: Fields) -> Understood | Ignored:
    """The call of one request. Exotel writes `null` for what it does not know."""
    dialled = _line(fields, "DialCallStatus").lower()
    status = _line(fields, "Status", "CallStatus").lower()
    kind = _line(fields, "CallType").lower()
    event = _line(fields, "EventType", "event").lower()
    recording = _line(fields, "RecordingUrl", "CallRecordings")
    voicemail = kind == "voicemail"
    over = dialled in _OVER or status in _OVER or bool(kind) or event == "terminal"
    answered = event == "answered" or "in-progress" in (dialled, status)
    state: State = "ended" if over else "answered" if answered else "ringing"
    missed: bool | None = None
    if dialled in _NOT_ANSWERED or status in _NOT_ANSWERED or kind in _TYPES_NOT_ANSWERED or voicemail:
        missed = True
    elif "completed" in (dialled, kind):
        missed = False
    who = _line(fields, "AgentEmail", "DialWhomNumber", "AppUserID", "user_id")
    heard = recording.startswith(("https://", "http://"))
    return call_message(
        record,
        CallEvent(
            call_id=fields.id("CallSid", "call_sid"),
            state=state,
            direction=_direction(fields),
            caller=_line(fields, "CallFrom", "From", "FromNumber", "from"),
            callee=_line(fields, "CallTo", "To", "ToNumber", "to"),
            answered_by=who if missed is False or state == "answered" else "",
            started_at=_time(fields, "StartTime", "Created", "DateCreated", "CreatedAt", "timestamp"),
            ended_at=_time(fields, "EndTime") if over else None,
            duration=fields.whole("ConversationDuration", "DialCallDuration", "Duration", "TotalDuration") or None,
            missed=missed,
            voicemail=True if voicemail else None,
            cause=(dialled or status or kind) if over else "",
            recordings=[Remote(recording, kind="voicemail" if voicemail else "recording")] if heard else [],
            place=RECORDING if over and heard else None,
            because=f"Exotel: {dialled or status or event or kind}",
        ),
        _REGION,
    )


def _line(fields: Fields, *names: str) -> str:
    return next((found for name in names if (found := fields.line(name)) and found.lower() != "null"), "")


def _direction(fields: Fields) -> Direction:
    given = _line(fields, "Direction", "direction").lower()
    if given.startswith("in"):
        return "in"
    return "out" if given.startswith("out") else None


def _time(fields: Fields, *names: str) -> datetime | None:
    for name in names:
        text = _line(fields, name)
        when = from_text(text)
        if when is not None:
            return when if text.endswith("Z") or "+" in text else when - _INDIA
    return None
