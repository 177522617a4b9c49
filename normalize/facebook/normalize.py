"""Which of Facebook's payloads it is."""

from collections.abc import Sequence

from bus.errors import Invalid
from bus.raw import RawMessage
from normalize.facebook.feed_changes import feed_change
from normalize.facebook.graph import graph_items, is_item, removed_item
from normalize.facebook.messenger import messaging_event
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields, objects_of
from normalize.payload.quoted import quoted
from normalize.payload.request import Request, read_request

_MOST = 5_000


def normalize_facebook(record: RawMessage, payload: bytes) -> Sequence[Understood | Ignored]:
    """The posts, comments and messages of a webhook or of an answer of the Graph API. Raises Invalid when it is none.

    Posts and comments are public, Messenger is private. The page itself is the one the webhook is for, the one a
    post stands on, and whatever is among `own_addresses`.
    """
    request = read_request(record, payload)
    body = request.fields
    if "object" in body and "entry" in body:
        return _webhook(record, body)
    return _answer(record, request, body)


def _webhook(record: RawMessage, body: Fields) -> Sequence[Understood | Ignored]:
    if body.line("object") != "page":
        return [Ignored(f"a webhook of Facebook that is not about a page: {quoted(body.line('object'))}")]
    found: list[Understood | Ignored] = []
    for entry in body.objects("entry"):
        found += [feed_change(record, entry, change) for change in entry.objects("changes")]
        for name in ("messaging", "standby"):
            found += [messaging_event(record, entry, event) for event in entry.objects(name)]
        if len(found) > _MOST:
            raise Invalid(f"more than {_MOST} events in one webhook")
    return found or [Ignored("a webhook of Facebook without an event")]


def _answer(record: RawMessage, request: Request, body: Fields) -> Sequence[Understood | Ignored]:
    if record.headers.get(":change") == "removed":
        return [removed_item(record, request.path)]
    items = body.objects("data") or objects_of(request.value)
    if not items and (is_item(body) or "messages" in body):
        items = [body]
    if items:
        return list(graph_items(record, items, request.path))
    if body.raw("data") is not None or request.value == [] or "error" in body or "id" in body or "success" in body:
        return [Ignored("an answer of Facebook without a post, comment or message")]
    raise Invalid("not a payload of Facebook that is known here")
