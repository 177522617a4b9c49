"""Every kind of event that the providers document is a message, a revision or has a reason (their reference pages)."""

import json
from urllib.parse import urlencode

import pytest

from bus.message import Channel
from normalize.outcome import Understood
from normalize.table import NORMALIZERS
from tests.normalize.payload_cases import record

Body = dict[str, object]


def kinds(channel: Channel, body: Body | str) -> list[str]:
    """`created`, `edited` or `removed` for each message, `-` for each that was ignored."""
    payload = body if isinstance(body, str) else json.dumps(body)
    sent = record(channel, headers={":method": "POST", ":session": "s"})
    found = NORMALIZERS[channel](sent, payload.encode())
    return [each.message.change if isinstance(each, Understood) else "-" for each in found]


CHAT = {"id": 7, "type": "private", "first_name": "Lea"}
TELEGRAM = {"message_id": 1, "date": 1772615730, "chat": CHAT, "from": {"id": 7, "first_name": "Lea"}}
FILE = {"file_id": "f"}


@pytest.mark.parametrize(
    ("update", "kind"),
    [
        ({"message": TELEGRAM | {"text": "hi"}}, "created"),
        ({"edited_message": TELEGRAM | {"text": "hi", "edit_date": 1772615731}}, "edited"),
        ({"channel_post": TELEGRAM | {"text": "hi"}}, "created"),
        ({"edited_channel_post": TELEGRAM | {"text": "hi"}}, "edited"),
        ({"business_message": TELEGRAM | {"text": "hi"}}, "created"),
        ({"business_message": TELEGRAM | {"text": "hi", "from": {"id": 1}}}, "-"),
        ({"edited_business_message": TELEGRAM | {"text": "hi"}}, "edited"),
        ({"deleted_business_messages": {"chat": CHAT, "message_ids": [1]}}, "removed"),
        *(
            ({"message": TELEGRAM | {name: value}}, "created")
            for name, value in {
                "photo": [FILE], "document": FILE, "video": FILE, "animation": FILE, "audio": FILE, "voice": FILE,
                "video_note": FILE, "sticker": FILE, "contact": {"first_name": "A"}, "poll": {"question": "?"},
                "location": {"latitude": 1, "longitude": 2}, "dice": {"emoji": "🎲", "value": 3},
                "venue": {"title": "T", "location": {"latitude": 1, "longitude": 2}}, "game": {"title": "G"},
            }.items()
        ),
        *(
            ({"message": TELEGRAM | {name: value}}, "-")
            for name, value in {
                "new_chat_members": [{}], "left_chat_member": {}, "new_chat_title": "t", "pinned_message": {},
                "group_chat_created": True, "migrate_to_chat_id": 1, "video_chat_started": {}, "text": "/start",
            }.items()
        ),
        *(
            ({name: {}}, "-")
            for name in (
                "callback_query", "message_reaction", "message_reaction_count", "inline_query", "poll", "poll_answer",
                "chosen_inline_result", "shipping_query", "pre_checkout_query", "my_chat_member", "chat_member",
                "chat_join_request", "chat_boost", "removed_chat_boost", "business_connection", "purchased_paid_media",
                "of_next_year",
            )
        ),
    ],
)  # fmt: skip
def test_telegram(update: Body, kind: str) -> None:
    assert kinds("chat", {"update_id": 1} | update) == [kind]


POST = {"id": "1", "author_id": "5", "text": "hi"}


@pytest.mark.parametrize(
    ("event", "payload", "kind"),
    [
        *((f"post.{what}.create", POST, "created") for what in ("mention", "reply", "quote")),
        ("post.create", POST, "created"),
        ("post.create", POST | {"author_id": "900"}, "-"),
        ("post.repost.create", POST, "-"),
        ("post.delete", {"id": "1", "author_id": "5"}, "removed"),
        ("chat.received", {"id": "1", "sender_id": "5"}, "created"),
        ("chat.sent", {"id": "1", "sender_id": "900"}, "-"),
        *(
            (event, {"id": "1"}, "-")
            for event in (
                "like.create", "follow.follow", "follow.unfollow", "mute.mute", "block.block", "dm.read",
                "dm.indicate_typing", "profile.update.bio", "spaces.start", "spaces.end", "news.new", "oauth.revoke",
                "chat.conversation_join", "of.next.year",
            )
        ),
    ],
)  # fmt: skip
def test_x_activity(event: str, payload: Body, kind: str) -> None:
    data = {"event_uuid": "u", "event_type": event, "filter": {"user_id": "900"}, "payload": payload}
    assert kinds("x", {"data": data}) == [kind]


@pytest.mark.parametrize(
    "name",
    [
        "favorite_events", "follow_events", "unfollow_events", "block_events", "unblock_events", "mute_events",
        "unmute_events", "direct_message_indicate_typing_events", "direct_message_mark_read_events", "user_event",
        "of_next_year_events",
    ],
)  # fmt: skip
def test_account_activity_that_is_no_message(name: str) -> None:
    assert kinds("x", {"for_user_id": "900", name: [{"id": "1"}]}) == ["-"]


@pytest.mark.parametrize("item", ["comment", "post", "status", "photo", "video", "share"])
@pytest.mark.parametrize(
    ("verb", "kind"),
    [
        ("add", "created"), ("edit", "edited"), ("edited", "edited"), ("update", "edited"), ("hide", "edited"),
        ("unhide", "edited"), ("remove", "removed"), ("delete", "removed"), ("block", "-"), ("follow", "-"),
    ],
)  # fmt: skip
def test_facebook_feed(item: str, verb: str, kind: str) -> None:
    value = {"item": item, "verb": verb, "from": {"id": "5"}, "post_id": "3_1", "comment_id": "1_2", "message": "hi"}
    entry = {"id": "3", "time": 1772615730, "changes": [{"field": "feed", "value": value}]}
    assert kinds("facebook", {"object": "page", "entry": [entry]}) == [kind]


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"message": {"mid": "m", "text": "hi"}}, "created"),
        ({"message": {"mid": "m", "attachments": [{"type": "template", "title": "t"}]}}, "created"),
        ({"message": {"mid": "m", "text": "hi", "quick_reply": {"payload": "p"}}}, "created"),
        ({"message": {"mid": "m", "is_unsupported": True}}, "created"),
        ({"message": {"mid": "m", "is_deleted": True}}, "removed"),
        ({"message": {"mid": "m", "is_echo": True, "text": "hi"}}, "-"),
        ({"message_edit": {"mid": "m", "text": "ho", "num_edit": 1}}, "edited"),
        ({"postback": {"title": "t", "payload": "p"}}, "created"),
        *(
            ({name: {"mid": "m"}}, "-")
            for name in (
                "delivery", "read", "reaction", "optin", "referral", "account_linking", "pass_thread_control",
                "take_thread_control", "request_thread_control", "app_roles", "policy_enforcement",
                "response_feedback", "game_play", "payment", "of_next_year",
            )
        ),
    ],
)  # fmt: skip
def test_messenger(event: Body, kind: str) -> None:
    event = {"sender": {"id": "5"}, "recipient": {"id": "3"}, "timestamp": 1772615730123} | event
    assert kinds("facebook", {"object": "page", "entry": [{"id": "3", "messaging": [event]}]}) == [kind]


@pytest.mark.parametrize("object_", ["user", "permissions", "instagram", "whatsapp_business_account"])
def test_other_webhooks_of_facebook(object_: str) -> None:
    assert kinds("facebook", {"object": object_, "entry": [{"id": "3"}]}) == ["-"]


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("post_created", "created"), ("post_edited", "edited"), ("post_destroyed", "removed"),
        ("post_recovered", "edited"), ("like_created", "-"), ("post_liked", "-"),
    ],
)  # fmt: skip
def test_discourse_posts(event: str, kind: str) -> None:
    sent = record("forum", headers={":method": "POST", "x-discourse-event": event})
    body = json.dumps({"post": {"id": 1, "user_id": 5, "topic_id": 2, "raw": "hi", "post_number": 1}})
    (found,) = NORMALIZERS["forum"](sent, body.encode())
    assert (found.message.change if isinstance(found, Understood) else "-") == kind


@pytest.mark.parametrize("what", ["topic", "user", "group", "category", "tag", "reviewable", "notification", "ping"])
def test_discourse_events_without_a_text(what: str) -> None:
    for event in ("created", "edited", "destroyed"):
        sent = record("forum", headers={":method": "POST", "x-discourse-event": f"{what}_{event}"})
        (found,) = NORMALIZERS["forum"](sent, json.dumps({what: {"id": 1}}).encode())
        assert not isinstance(found, Understood)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("received", "created"),
        *((each, "-") for each in ("queued", "sent", "delivered", "undelivered", "failed", "read")),
    ],
)
def test_twilio_messages(status: str, kind: str) -> None:
    assert kinds("chat", f"MessageSid=SM1&AccountSid=AC1&From=%2B491701112233&Body=hi&MessageStatus={status}") == [kind]


BUTTON = {"type": "block_actions", "team_id": "T1", "trigger_id": "1"}


@pytest.mark.parametrize(
    "body", ["command=%2Fhelp&team_id=T1&text=x&trigger_id=1", urlencode({"payload": json.dumps(BUTTON)})]
)
def test_slack_commands_and_buttons(body: str) -> None:
    assert kinds("chat", body) == ["-"]
