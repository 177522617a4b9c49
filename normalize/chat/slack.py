"""Slack: the Events API; interactions and commands are told apart from it."""

from bus.raw import RawMessage
from normalize.chat.name import BOT, NORMALIZER
from normalize.chat.slack_text import mrkdwn, text_of_blocks
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.instants import from_text
from normalize.payload.item import HUMAN, Item, understood
from normalize.payload.media import Remote
from normalize.payload.own import is_own
from normalize.payload.quoted import quoted
from normalize.payload.revision import CREATED, LAST, revision_at

_WRITTEN = {"", "file_share", "thread_broadcast", "me_message", "bot_message", "file_comment"}
_DIRECT = {"im", "mpim"}


def is_slack(fields: Fields) -> bool:
    """Bodies of the Events API name the app and the event; challenges, interactions and commands have marks too."""
    if fields.line("type") == "url_verification" or ("api_app_id" in fields and "event" in fields):
        return True
    marks = {"team_id", "event_id", "api_app_id", "minute_rate_limited", "command", "callback_id", "trigger_id"}
    return len(marks.intersection(fields)) > 1 or ("event" in fields and bool({"team_id", "token"} & set(fields)))


def slack(record: RawMessage, body: Fields) -> Understood | Ignored:
    """The message of an event, or why there is none."""
    outer = body.line("type")
    if outer != "event_callback":
        return Ignored(f"a request of Slack that is no event: {quoted(outer or 'without a type')}")
    event = body.object("event")
    kind, subtype = event.line("type"), event.line("subtype")
    if kind not in {"message", "app_mention"}:
        return Ignored(f"an event of Slack, not a message: {quoted(kind)}")
    return _of_subtype(record, body, event, subtype)


def _of_subtype(record: RawMessage, body: Fields, event: Fields, subtype: str) -> Understood | Ignored:
    if subtype == "message_changed":
        return _changed(record, body, event)
    if subtype == "message_deleted":
        return _deleted(record, event)
    if subtype not in _WRITTEN:  # message_replied too: the reply is an event of its own
        return Ignored(f"a notice of Slack: {quoted(subtype)}")
    return _message(record, body, event, event.id("channel"), event.line("channel_type"))


def _message(
    record: RawMessage, body: Fields, message: Fields, channel: str, channel_type: str, *, edited: bool = False
) -> Understood | Ignored:
    ts, user = message.id("ts"), message.id("user")
    author = user or message.id("bot_id")
    if not ts or not channel:
        return Ignored("a message of Slack without its channel or ts")
    if _is_ours(body, message, user) or is_own(record, user, message.id("bot_id")):
        return Ignored("a message of our own app")
    is_bot = bool(message.id("bot_id")) or message.line("subtype") == "bot_message"
    text = mrkdwn(message.text("text")) or text_of_blocks(message)
    root = message.id("thread_ts")
    profile = message.object("user_profile")
    return understood(
        record,
        NORMALIZER,
        Item(
            source_id=f"{channel}:{ts}",
            author_kind="chat",
            author=author,
            author_name=profile.line("real_name", "display_name", "name") or message.line("username"),
            text=text,
            sent_at=from_text(ts),
            thread=channel if channel_type in _DIRECT or channel.startswith("D") else f"{channel}:{root or ts}",
            in_reply_to=[f"{channel}:{root}"] if root and root != ts else [],
            media=_files(message),
            revision=revision_at(from_text(message.object("edited").id("ts"))) if edited else CREATED,
            change="edited" if edited else "created",
            automation=BOT if is_bot else HUMAN,
            because=f"Slack: message {message.line('subtype')}".rstrip(),
        ),
    )


def _changed(record: RawMessage, body: Fields, event: Fields) -> Understood | Ignored:
    message, before = event.object("message"), event.object("previous_message")
    channel = event.id("channel")
    if message.line("subtype") == "tombstone":
        return _removed(record, message, channel, before.id("user") or message.id("parent_user_id"))
    if "edited" not in message:
        return Ignored("a change of a Slack message that nobody made: a link's preview, a reply to it")
    return _message(record, body, message, channel, event.line("channel_type"), edited=True)


def _deleted(record: RawMessage, event: Fields) -> Understood | Ignored:
    before = event.object("previous_message")
    gone = Fields({"ts": event.raw("deleted_ts") or before.raw("ts"), "thread_ts": before.raw("thread_ts")})
    return _removed(record, gone, event.id("channel"), before.id("user", "bot_id"))


def _removed(record: RawMessage, message: Fields, channel: str, author: str) -> Understood | Ignored:
    ts = message.id("ts")
    if not ts or not channel:
        return Ignored("the deletion of a Slack message without its channel or ts")
    if is_own(record, author):
        return Ignored("the deletion of a message of our own app")
    return understood(
        record,
        NORMALIZER,
        Item(
            source_id=f"{channel}:{ts}",
            author_kind="chat",
            author=author,
            sent_at=from_text(ts),
            thread=channel if channel.startswith("D") else f"{channel}:{message.id('thread_ts') or ts}",
            revision=LAST,
            change="removed",
            because="Slack: message_deleted",
        ),
    )


def _is_ours(body: Fields, message: Fields, user: str) -> bool:
    """Our app's own messages come back as events: by its app id, or by the bot user it is installed as."""
    app = body.id("api_app_id")
    if app and app in {message.id("app_id"), message.object("bot_profile").id("app_id")}:
        return True
    bots = {each.id("user_id") for each in body.objects("authorizations") if each.flag("is_bot")}
    return bool(user) and user in bots


def _files(message: Fields) -> list[Remote]:
    return [
        Remote(
            file.line("url_private_download", "url_private") or f"slack:{file.id('id')}",
            file.line("name", "title"),
            file.line("mimetype"),
            file.whole("size") or 0,
            "file",
        )
        for file in message.objects("files")[:50]
        if file.line("mode") != "tombstone" and (file.id("id") or file.line("url_private"))
    ]
