"""What a telephone call says as a message: the same for one event of it, and for all that filing has put together."""

from bus.message import Automation, Call


def worded(call: Call) -> str:
    """The call in a sentence (`Missed call from +49 … to +49 …`), and its transcript below. Never empty."""
    caller = call.caller or ("a withheld number" if call.withheld else "")
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
    return f"{sentence}\n\n{call.transcript}" if call.transcript else sentence


def _joined(*parties: tuple[str, str | None]) -> str:
    return " ".join(f"{word} {number}" for word, number in parties if number)


def automation_of(call: Call) -> Automation:
    """Who has to do something: nobody, when we called or the call was taken (docs/adr/0012)."""
    if call.direction == "out":
        return Automation(kind="system", reason="call:outgoing")
    if call.blocked:
        return Automation(kind="system", reason="call:blocked")
    if call.voicemail or call.missed:
        return Automation()
    if call.state == "answered" or call.missed is False:
        return Automation(kind="system", reason="call:answered")
    return Automation()


def waits_for_us(call: Call) -> bool:
    """Whether somebody called in vain. One that rings, was taken, or that we made, waits for nobody."""
    return bool(call.missed or call.voicemail) and automation_of(call).kind == "human"
