"""Which of Discourse's payloads it is."""

from collections.abc import Sequence

from bus.errors import Invalid
from bus.raw import RawMessage
from normalize.forum.posts import forum_post
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields, objects_of
from normalize.payload.quoted import quoted
from normalize.payload.request import read_request

_OTHER_EVENTS = (
    "user", "group", "category", "tag", "reviewable", "notification", "solved", "assign", "user_badge",
    "group_user", "like", "user_promoted", "topic_voting", "chat_message", "ping",
)  # fmt: skip
_POST_EVENTS = {"post_created", "post_edited", "post_destroyed", "post_recovered"}
_TOPIC_EVENTS = {
    "topic_created": "its first post is an event of its own",
    "topic_destroyed": "its first post is an event of its own",
    "topic_recovered": "its first post is an event of its own",
}
_ANSWERS = {
    "users", "topic_list", "success", "errors", "user_badges", "badges", "admin", "notifications", "search", "posts",
    "user_id", "action", "error_type", "upload_id", "category_list", "groups", "site", "about", "name", "type",
}  # fmt: skip
_LISTS = ("posts", "latest_posts")


def normalize_forum(record: RawMessage, payload: bytes) -> Sequence[Understood | Ignored]:
    """The posts of a webhook or of an answer of the REST API. Raises Invalid when it is neither.

    Posts are public, those of personal messages private. The account that posts for us is among `own_addresses`.
    """
    request = read_request(record, payload)
    event, instance = request.header("x-discourse-event"), request.header("x-discourse-instance")
    body = request.fields
    if event or "post" in body:
        return [_event(record, body, event, instance)]
    topic = body
    posts = body.object("post_stream").objects("posts") or _listed(body) or objects_of(request.value)
    if not posts and body.id("id") and "topic_id" in body and ("cooked" in body or "raw" in body):
        posts, topic = [body], Fields()
    found = [_polled(record, post, instance, topic if "post_stream" in body else Fields()) for post in posts]
    if found:
        return found
    if _ANSWERS.intersection(body) or "post_stream" in body or request.value == [] or body.id("id"):
        return [Ignored("an answer of Discourse without a post")]
    if any(name in body for name in (*_OTHER_EVENTS, "topic")):
        return [_event(record, body, "", instance)]
    raise Invalid("not a payload of Discourse that is known here")


def _listed(body: Fields) -> list[Fields]:
    return next((found for name in _LISTS if (found := body.objects(name))), [])


def _event(record: RawMessage, body: Fields, event: str, instance: str) -> Understood | Ignored:
    post = body.object("post")
    if post:
        if event and event not in _POST_EVENTS:
            return Ignored(f"an event of Discourse, not of a post's text: {quoted(event)}")
        return forum_post(record, post, event, instance, Fields())
    if "topic" in body:
        why = _TOPIC_EVENTS.get(event, "its posts are events of their own")
        return Ignored(f"{quoted(event or 'a topic')}: {why}")
    return Ignored(f"an event of Discourse, not a post: {quoted(event or 'without a name')}")


def _polled(record: RawMessage, post: Fields, instance: str, topic: Fields) -> Understood | Ignored:
    if "topic_id" not in post or not ("cooked" in post or "raw" in post or "deleted_at" in post):
        return Ignored("an item of Discourse that is no post")
    return forum_post(record, post, "", instance, topic)
