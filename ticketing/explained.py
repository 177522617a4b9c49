"""Why a message is where it is, in words (`deskstream tickets why`). Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

_RULES: Mapping[str, str] = {
    "reply_token": "it carries a reply token that was signed for its author",
    "own_reference": "it names a message of the ticket, or is named by one",
    "provider_thread": "its provider says that it belongs to the conversation",
    "shared_reference": "it names what another message names, and the two authors have written to each other",
    "ticket_number": "its subject says the number, and its author is a verified participant",
    "new_ticket": "nothing that is believed joins it to a ticket",
    "aside_call": "a call opens a ticket when somebody called in vain",
    "aside_creation": "it changes a message that has not come",
    "aside_feedback": "feedback wants no answer",
    "aside_notification": "an agent answers what the desk told him, which nobody reads",
}
_ACTS: Mapping[str, str] = {
    "moved": "an agent moved it",
    "split": "an agent split it off",
    "wrong_ticket": "an agent said that it was in the wrong ticket",
}


def explained(why: Mapping[str, Any]) -> Iterator[str]:
    """Lines for a document of ticketing.looking.Desk.why. What strangers wrote is in it: make it safe to print."""
    match = why["match"]
    where = (
        f"ticket #{why['ticket']}" if why["ticket"] is not None else f"no ticket ({why['aside'] or why['automation']})"
    )
    via = f", filed in #{why['filed_in']}" if why["filed_in"] != why["ticket"] else ""
    yield f"message {why['message_id']} by {why['author']} is in {where}{via}"
    yield f"  rule: {match['rule']} ({match['confidence']}): {_RULES.get(match['rule'], 'an older rule')}"
    yield from (f"  evidence: {kind} {text}" for kind, text in match["evidence"])
    yield from (f"  tried before: {rule}: {reason}" for rule, reason in match.get("tried", ()))
    yield from (f"  warning: {warning}" for warning in match.get("warnings", ()))
    if why["third_party"]:
        yield "  third party: its author neither wrote nor was written what it names"
    if why["follows"] is not None:
        yield f"  its ticket takes up #{why['follows']}, which was closed longer than its reopen window"
    if why["possible_reply_to"] is not None:
        yield f"  its ticket is possibly a reply to #{why['possible_reply_to']}"
    if by_hand := match.get("by_hand"):
        yield f"  by hand: {_ACTS.get(by_hand['act'], by_hand['act'])}, from #{by_hand['from']} to #{by_hand['to']}"
