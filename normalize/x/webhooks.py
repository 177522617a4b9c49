"""Webhooks: the Account Activity API, and the X Activity API that follows it."""

from bus.raw import RawMessage
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.quoted import quoted
from normalize.x.direct_messages import dm_event_v1, encrypted_chat
from normalize.x.posts_v1 import post_v1
from normalize.x.posts_v2 import post_v2
from normalize.x.removals import removed_post

Outcomes = list[Understood | Ignored]

_NOT_MESSAGES = {
    "favorite_events": "a like",
    "follow_events": "a follow",
    "unfollow_events": "an unfollow",
    "block_events": "a block",
    "unblock_events": "an unblock",
    "mute_events": "a mute",
    "unmute_events": "an unmute",
    "direct_message_indicate_typing_events": "typing",
    "direct_message_mark_read_events": "a read receipt",
    "user_event": "a change of the subscription",
}
_POSTS = ("post.create", "post.mention.create", "post.reply.create", "post.quote.create")


def is_account_activity(fields: Fields) -> bool:
    """Its bodies name the account they are for, and have lists that are called so."""
    return "for_user_id" in fields or any(name.endswith("_events") or name == "user_event" for name in fields)


def account_activity(record: RawMessage, body: Fields) -> Outcomes:
    """One outcome for each post and direct message, and one for what is neither."""
    own_id = body.id("for_user_id")
    found: Outcomes = [post_v1(record, post, own_id) for post in body.objects("tweet_create_events")]
    users = body.object("users")
    found += [dm_event_v1(record, event, users.object, own_id) for event in body.objects("direct_message_events")]
    for event in body.objects("tweet_delete_events"):
        status = event.object("status")
        found.append(removed_post(record, status.id("id"), status.id("user_id"), event, own_id))
    found += [Ignored(f"{what} on X") for name, what in _NOT_MESSAGES.items() if name in body]
    if not found:
        others = sorted(quoted(name) for name in body if name.endswith("_events"))
        found.append(Ignored(f"no message among the events of X: {', '.join(others[:5]) or 'none'}"))
    return found


def is_x_activity(data: Fields) -> bool:
    """Its bodies name the kind of event, and have a payload."""
    return bool(data.line("event_type")) and ("payload" in data or "event_uuid" in data)


def x_activity(record: RawMessage, data: Fields) -> Outcomes:
    """The one event of a body."""
    kind, payload, includes = data.line("event_type"), data.object("payload"), data.object("includes")
    own_id = data.object("filter").id("user_id")
    if kind in _POSTS and payload.id("id"):
        return [post_v2(record, payload, includes, own_id)]
    if kind == "post.delete":
        return [removed_post(record, payload.id("id"), payload.id("author_id"), payload, own_id)]
    if kind == "chat.received":
        return [encrypted_chat(record, payload, own_id)]
    if kind.startswith("dm.") and payload.objects("direct_message_events"):
        users = payload.object("users")

        def user(id_: str) -> Fields:
            wrapped = users.object(id_)
            return wrapped.object("data") or wrapped

        return [dm_event_v1(record, event, user, own_id) for event in payload.objects("direct_message_events")]
    return [Ignored(f"an event of X, not a message: {quoted(kind)}")]
