"""A call in a sentence, for those who read the ticket."""

from bus.message import Call


def worded(call: Call, *, withheld: bool, transcript: str = "") -> str:
    """What is known of the call: `Missed call from +49 … to +49 …`. Never empty."""
    caller = call.caller or ("a withheld number" if withheld else "")
    if call.direction == "out":
        parties = _joined(("to", call.callee), ("from", caller))
    else:
        parties = _joined(("from", caller), ("to", call.callee))
    what = "Voicemail" if call.voicemail else "Missed call" if call.missed and call.direction != "out" else "Call"
    more = []
    if call.queue:
        more.append(f"queue {call.queue}")
    if call.answered_by and not call.voicemail:
        more.append(f"answered by {call.answered_by}")
    elif call.state == "answered" and not call.voicemail:
        more.append("answered")
    if call.duration:
        more.append(f"{call.duration} s")
    if call.cause:
        more.append(call.cause)
    sentence = f"{what} {parties}".strip() + (f" ({', '.join(more)})" if more else "")
    return f"{sentence}\n\n{transcript}" if transcript else sentence


def _joined(*parties: tuple[str, str | None]) -> str:
    return " ".join(f"{word} {number}" for word, number in parties if number)
