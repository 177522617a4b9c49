"""Which of X's payloads it is."""

from collections.abc import Sequence

from bus.errors import Invalid
from bus.raw import RawMessage
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields, objects_of
from normalize.payload.request import read_request
from normalize.x.direct_messages import dm_event_v1, dm_event_v2, dm_object_v1
from normalize.x.posts_streams import post_streams
from normalize.x.posts_v1 import is_post_v1, post_v1
from normalize.x.posts_v2 import post_v2
from normalize.x.removals import removed_post
from normalize.x.webhooks import Outcomes, account_activity, is_account_activity, is_x_activity, x_activity

_ANSWERS_WITHOUT_MESSAGES = {
    "meta", "errors", "error", "error_message", "friends", "limit", "warning", "disconnect", "relationship",
    "media_id", "crc_token", "ids", "next_cursor", "screen_name", "expanded_url", "query", "info",
}  # fmt: skip


def normalize_x(record: RawMessage, payload: bytes) -> Sequence[Understood | Ignored]:
    """The posts and direct messages of a webhook, a stream's item or an API's answer. Raises Invalid when it is none.

    Posts are public (of protected accounts private), direct messages private. Our own account is the one a webhook
    is for, and the ids and user names among `own_addresses`.
    """
    value = read_request(record, payload).value
    if isinstance(value, list):
        return _many(record, objects_of(value))
    return _one(record, Fields(value))


def _many(record: RawMessage, items: list[Fields]) -> Outcomes:
    """A page, or a stream's lines: what is not known of it does not hold up the rest."""
    found: Outcomes = []
    unknown: Invalid | None = None
    for item in items:
        try:
            found += _one(record, item)
        except Invalid as error:
            unknown = error
            found.append(Ignored("an item of X that is not known here"))
    if unknown is not None and len(found) == len(items) and not any(isinstance(each, Understood) for each in found):
        raise unknown
    return found or [Ignored("an answer of X without anything in it")]


def _one(record: RawMessage, body: Fields) -> Outcomes:
    if is_account_activity(body):
        return account_activity(record, body)
    if "data" in body:
        return _answer_v2(record, body)
    if is_post_v1(body):
        return [post_v1(record, body)]
    if "verb" in body and "actor" in body:
        return [post_streams(record, body)]
    if body.id("sender_id", "sender_id_str") and "text" in body:
        return [dm_object_v1(record, body)]
    return _notice_v1(record, body) if "delete" in body else _list_v1(record, body)


def _notice_v1(record: RawMessage, body: Fields) -> Outcomes:
    """A stream's notice that a post was deleted."""
    gone = body.object("delete")
    status = gone.object("status")
    return [removed_post(record, status.id("id_str", "id"), status.id("user_id_str", "user_id"), gone)]


def _list_v1(record: RawMessage, body: Fields) -> Outcomes:
    for name in ("statuses", "results", "events"):
        if isinstance(body.raw(name), list):
            found = [outcome for each in body.objects(name) for outcome in _item_of_list(record, each)]
            return found or [Ignored("an answer of X without anything in it")]
    if "event" in body:
        return _item_of_list(record, body.object("event"))
    known = _ANSWERS_WITHOUT_MESSAGES.intersection(body)
    if known or "id" in body or "id_str" in body or "indices" in body:
        return [Ignored("an answer of X without a message")]
    raise Invalid("not a payload of X that is known here")


def _item_of_list(record: RawMessage, item: Fields) -> Outcomes:
    if "message_create" in item:
        return [dm_event_v1(record, item, lambda _: Fields())]
    if is_post_v1(item):
        return [post_v1(record, item)]
    if "verb" in item and "actor" in item:
        return [post_streams(record, item)]
    return [Ignored("an item of X without a message")]


def _answer_v2(record: RawMessage, body: Fields) -> Outcomes:
    data, includes = body.object("data"), body.object("includes")
    if is_x_activity(data):
        return x_activity(record, data)
    for name in ("delete", "tweet_delete", "post_delete"):
        gone = data.object(name)
        if gone:
            post = gone.object("tweet", "post") or gone
            return [removed_post(record, post.id("id"), post.id("author_id"), gone)]
    found: Outcomes = []
    for item in [data] if data else body.objects("data"):
        if item.line("event_type") and ("sender_id" in item or "dm_conversation_id" in item):
            found.append(dm_event_v2(record, item, includes))
        elif "text" in item:
            found.append(post_v2(record, item, includes))
        else:
            found.append(Ignored("an item of X without a message"))
    return found or [Ignored("an answer of X without anything in it")]
