"""Twilio's voice: requests for TwiML, status, recording and transcription callbacks."""

from bus.raw import RawMessage
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.instants import instant
from normalize.payload.media import Remote
from normalize.payload.quoted import quoted
from normalize.phone.calls import RECORDING, TRANSCRIPT, CallEvent, Direction, State, call_message

_STATES: dict[str, State] = {
    "queued": "ringing", "initiated": "ringing", "ringing": "ringing", "in-progress": "answered",
    "answered": "answered", "completed": "ended", "busy": "ended", "failed": "ended", "no-answer": "ended",
    "canceled": "ended",
}  # fmt: skip
_NOT_ANSWERED = {"busy", "failed", "no-answer", "canceled"}
_RECORDERS = {"RecordVerb", ""}
"""`<Record>` takes a message; what other recorders record is a conversation."""


def is_twilio_voice(fields: Fields) -> bool:
    """A call's id, and the marks of Twilio."""
    return "CallSid" in fields and bool({"AccountSid", "CallStatus", "ApiVersion"}.intersection(fields))


def twilio_voice(record: RawMessage, fields: Fields) -> Understood | Ignored:
    """The call of one callback. A leg that was dialled on its behalf (`ParentCallSid`) is the same call."""
    recorded = fields.line("RecordingStatus")
    if recorded and recorded != "completed":
        return Ignored(f"a recording that is not there: {quoted(recorded)}")
    status, dialled = fields.line("CallStatus"), fields.line("DialCallStatus")
    is_leg = "ParentCallSid" in fields
    state = "ended" if dialled else _STATES.get(status)
    transcript = fields.text("TranscriptionText")
    url = fields.line("RecordingUrl")
    has_recording = url.startswith(("https://", "http://"))
    message = (has_recording or bool(transcript)) and _is_message(fields)
    at = instant(fields, "Timestamp")
    missed = _missed(status, dialled, is_leg=is_leg)
    return call_message(
        record,
        CallEvent(
            call_id=fields.id("ParentCallSid", "CallSid"),
            state=state,
            direction=None if is_leg else _direction(fields.line("Direction")),
            caller=fields.line("From", "Caller"),
            callee="" if is_leg else fields.line("To", "Called"),
            caller_name=fields.line("CallerName"),
            answered_by=fields.line("To") if is_leg and (state == "answered" or missed is False) else "",
            at=at,
            started_at=instant(fields, "StartTime"),
            duration=fields.whole("DialCallDuration", "CallDuration", "RecordingDuration"),
            missed=True if message else missed,
            voicemail=True if message else None,
            cause=(dialled or status) if state == "ended" else "",
            transcript=transcript,
            recordings=[Remote(url, media_type="audio/x-wav", kind="voicemail" if message else "recording")]
            if has_recording
            else [],
            place=TRANSCRIPT if transcript else RECORDING if has_recording else None,
            because=f"Twilio: {dialled or status or recorded or 'transcription'}",
        ),
        None,
    )


def _is_message(fields: Fields) -> bool:
    return fields.line("RecordingSource") in _RECORDERS and "DialCallStatus" not in fields


def _missed(status: str, dialled: str, *, is_leg: bool) -> bool | None:
    """A call that Twilio itself answered is `completed`, whether or not anybody could be reached: the dialling says.

    A leg that rang in vain is no missed call, others may have answered.
    """
    if dialled:
        return dialled in _NOT_ANSWERED
    if is_leg:
        return False if status in {"completed", "in-progress", "answered"} else None
    return True if status in _NOT_ANSWERED else None


def _direction(given: str) -> Direction:
    if given.startswith("inbound"):
        return "in"
    return "out" if given.startswith("outbound") else None
