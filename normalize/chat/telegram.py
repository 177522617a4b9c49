"""Updates of Telegram's Bot API, by webhook or getUpdates."""

from bus.raw import RawMessage
from normalize.chat.name import BOT, NORMALIZER
from normalize.chat.telegram_content import files_of, text_of
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.instants import instant
from normalize.payload.item import HUMAN, Item, understood
from normalize.payload.own import is_own
from normalize.payload.revision import CREATED, LAST, revision_at

_MESSAGES = ("message", "channel_post", "business_message")
_EDITED = ("edited_message", "edited_channel_post", "edited_business_message")
_OTHERS = {
    "callback_query": "a button was pressed", "message_reaction": "a reaction",
    "message_reaction_count": "a count of reactions", "inline_query": "an inline query",
    "chosen_inline_result": "a choice of an inline result", "shipping_query": "a question for shipping",
    "pre_checkout_query": "a checkout", "purchased_paid_media": "a purchase", "poll": "a state of a poll",
    "poll_answer": "a vote", "my_chat_member": "a change of the bot's membership",
    "chat_member": "a change of a membership", "chat_join_request": "a request to join", "chat_boost": "a boost",
    "removed_chat_boost": "a boost", "business_connection": "a connection of a business",
}  # fmt: skip
_COMMANDS = {"/start", "/stop"}


def is_telegram(fields: Fields) -> bool:
    """Every update has its number."""
    return "update_id" in fields


def telegram(record: RawMessage, update: Fields) -> list[Understood | Ignored]:
    """The message of an update; of `deleted_business_messages` the removal of each."""
    for name in _MESSAGES:
        if name in update:
            return [_message(record, update.object(name), name)]
    for name in _EDITED:
        if name in update:
            return [_message(record, update.object(name), name, edited=True)]
    deleted = update.object("deleted_business_messages")
    if deleted:
        return _deleted(record, deleted)
    what = next((what for name, what in _OTHERS.items() if name in update), "an update of another kind")
    return [Ignored(f"{what} on Telegram")]


def _message(record: RawMessage, message: Fields, kind: str, *, edited: bool = False) -> Understood | Ignored:
    chat, sender = message.object("chat"), message.object("from") or message.object("sender_chat")
    chat_id, id_ = chat.id("id"), message.id("message_id")
    if not chat_id or not id_:
        return Ignored("a message of Telegram without its chat or id")
    sender = sender or chat
    author = sender.id("id")
    is_ours = "sender_business_bot" in message or ("business" in kind and author != chat_id)
    if is_ours or is_own(record, author, sender.line("username")):
        return Ignored("a message of our own account")
    text, files = text_of(message), files_of(message)
    if not text and not files:
        return Ignored("a notice of Telegram without words or files")
    if text.split()[:1] and text.split()[0].partition("@")[0] in _COMMANDS and not files:
        return Ignored("a command to the bot, not a message")
    answered = message.object("reply_to_message").id("message_id")
    topic = message.id("message_thread_id") if message.flag("is_topic_message") else ""
    return understood(
        record,
        NORMALIZER,
        Item(
            source_id=f"{chat_id}:{id_}",
            author_kind="chat",
            author=author,
            author_name=_name(sender),
            text=text,
            sent_at=instant(message, "date"),
            public=bool(chat.line("username")) and chat.line("type") in {"channel", "supergroup"},
            thread=f"{chat_id}:{topic}" if topic else chat_id,
            in_reply_to=[f"{chat_id}:{answered}"] if answered else [],
            url=_url(chat, chat_id, id_),
            declared_language=sender.line("language_code"),
            media=files,
            revision=revision_at(instant(message, "edit_date")) if edited else CREATED,
            change="edited" if edited else "created",
            automation=BOT if sender.flag("is_bot") else HUMAN,
            because=f"Telegram: {kind}",
        ),
    )


def _deleted(record: RawMessage, deleted: Fields) -> list[Understood | Ignored]:
    chat = deleted.object("chat")
    ids = deleted.raw("message_ids")
    numbers = [str(each) for each in ids if isinstance(each, int)] if isinstance(ids, list) else []
    return [
        understood(
            record,
            NORMALIZER,
            Item(
                source_id=f"{chat.id('id')}:{number}",
                author_kind="chat",
                author=chat.id("id"),
                author_name=_name(chat),
                thread=chat.id("id"),
                revision=LAST,
                change="removed",
                because="Telegram: deleted_business_messages",
            ),
        )
        for number in numbers[:1000]
    ] or [Ignored("a deletion on Telegram without messages")]


def _name(who: Fields) -> str:
    full = f"{who.line('first_name')} {who.line('last_name')}".strip()
    return full or who.line("title", "username")


def _url(chat: Fields, chat_id: str, id_: str) -> str:
    """Only messages of channels and large groups have an address."""
    if chat.line("type") not in {"channel", "supergroup"}:
        return ""
    username = chat.line("username")
    if username:
        return f"https://t.me/{username}/{id_}"
    return f"https://t.me/c/{chat_id.removeprefix('-100')}/{id_}" if chat_id.startswith("-100") else ""
