"""What a message is by all its states: the revisions of a post, the events of a call (docs/revisions.md). Pure.

States come late, twice and out of order. Their fold is the same for every order.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bus.calls import automation_of, worded
from bus.message import Call
from ticketing.incoming import Incoming

Fields = dict[str, Any]

_OF_THE_STATE = frozenset({"revision", "change", "normalizer", "replayed"})
_OF_THE_WAY = frozenset({"received_at", "raw"})
_ANONYMOUS = "anonymous:"


def folded(states: Sequence[Incoming]) -> Fields:
    """The document after all states, in the order in which this desk heard of them; at least one.

    What a higher revision says stands, what it does not say stays. Who wrote it and when is told by the lowest revision
    that knows; a removal takes nothing away but marks it. The fields of a call are put together one by one, and its
    author and words made from them.
    """
    documents: list[Fields] = [json.loads(state.document) for state in states]
    # of two events of a call with one place in it the one that was heard of first has the last word
    order = sorted(range(len(states)), key=lambda n: (states[n].revision, -states[n].received_at.timestamp(), -n))
    first, *others = (documents[n] for n in order)
    fields = dict(first)
    for later in others:
        _put(fields, later)
    first_heard = min(states, key=lambda state: state.received_at)
    fields["received_at"] = json.loads(first_heard.document).get("received_at")
    fields["raw"] = documents[0].get("raw")
    return _as_a_call(fields) if fields.get("call") and len(states) > 1 else fields


def in_place_of(document: str, later: str) -> str:
    """A state as a newer normalizer reads it: null never overwrites what was known."""
    fields = json.loads(document)
    fields.update({name: value for name, value in json.loads(later).items() if value is not None})
    return written(fields)


def written(fields: Mapping[str, Any]) -> str:
    """The document to keep."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def says_the_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two documents differ in nothing but their revision and the way they came."""
    left_out = _OF_THE_STATE | _OF_THE_WAY
    return all(one.get(name) == other.get(name) for name in (one.keys() | other.keys()) - left_out)


def _put(fields: Fields, later: Mapping[str, Any]) -> None:
    removed = later.get("change") == "removed"
    for name, value in later.items():
        known: Any = fields.get(name)
        if name in _OF_THE_STATE:
            fields[name] = value
        elif _blank(name, value):
            continue
        elif _blank(name, known):
            fields[name] = value
        elif name == "call":
            fields[name] = known | {key: said for key, said in value.items() if said is not None}
        elif name == "attachments" and fields.get("call"):
            fields[name] = _together(known, value)
        elif name == "warnings":
            fields[name] = list(dict.fromkeys([*known, *value]))
        elif not removed and name not in ("author", "sent_at"):
            fields[name] = value


def _blank(name: str, value: Any) -> bool:  # noqa: ANN401  # any field of a message
    """Whether it says nothing: a removal's empty text, an author whom the provider withholds."""
    if name == "author" and value:
        return str(value.get("address", "")).startswith(_ANONYMOUS)
    return value is None or value in ("", [], {})


def _together(known: Iterable[Fields], more: Iterable[Fields]) -> list[Fields]:
    """Files of a call's events, each once."""
    found = {each.get("source") or each.get("sha256") or each["name"]: each for each in (*known, *more)}
    return list(found.values())


def _as_a_call(fields: Fields) -> Fields:
    call = Call.model_validate(fields["call"])
    text = worded(call)
    author = dict(fields["author"])
    number = call.callee if call.direction == "out" else call.caller
    if number and number != author["address"]:
        author |= {"address": number}
    return fields | {
        "author": author,
        "text": text,
        "reply_text": call.transcript or text,
        "automation": automation_of(call).model_dump(mode="json"),
        "sent_at": next(
            (fields["call"][name] for name in ("started_at", "answered_at", "ended_at") if fields["call"].get(name)),
            fields.get("sent_at"),
        ),
    }
