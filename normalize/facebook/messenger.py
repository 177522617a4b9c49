"""Messenger: entries of `messaging` and `standby` (Messenger Platform, webhook events)."""

from bus.raw import RawMessage
from normalize.facebook.name import NORMALIZER
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.instants import instant
from normalize.payload.item import Item, understood
from normalize.payload.media import Remote
from normalize.payload.own import is_own
from normalize.payload.revision import LAST

_FILES = {"image": "image/jpeg", "video": "video/mp4", "audio": "audio/mp4", "file": "", "sticker": "image/png"}
_NOT_MESSAGES = {
    "delivery": "a delivery receipt", "read": "a read receipt", "reaction": "a reaction", "optin": "an opt-in",
    "referral": "a referral", "account_linking": "an account link", "pass_thread_control": "a handover",
    "take_thread_control": "a handover", "request_thread_control": "a handover", "app_roles": "a change of roles",
    "policy_enforcement": "a notice of policy", "policy-enforcement": "a notice of policy",
    "response_feedback": "a mark for an answer", "game_play": "a game", "payment": "a payment",
    "checkout_update": "a checkout", "pre_checkout": "a checkout", "typing": "typing",
}  # fmt: skip


def conversation(page: str, person: str) -> str:
    """The thread of a page and a person, of which there is one only."""
    return f"t:{page}:{person}"


def messaging_event(record: RawMessage, entry: Fields, event: Fields) -> Understood | Ignored:
    """The message of one event, or why there is none."""
    page, person = entry.id("id"), event.object("sender").id("id", "user_ref")
    message, postback, edit = event.object("message"), event.object("postback"), event.object("message_edit")
    if message.flag("is_echo") or (person and (person == page or is_own(record, person))):
        return Ignored("a message of our own page")
    if not (message or postback or edit):
        what = next((name for key, name in _NOT_MESSAGES.items() if key in event), "an event without a message")
        return Ignored(f"{what} in Messenger")
    recipient = event.object("recipient").id("id") or page
    sent_at = instant(event, "timestamp") or instant(entry, "time")
    mid = message.id("mid") or edit.id("mid") or postback.id("mid")
    if not mid and postback and sent_at is not None:
        mid = f"postback:{person}:{int(sent_at.timestamp() * 1000)}"
    if not mid:
        return Ignored("a message of Messenger without an id")
    text, media = _content(message)
    revision = edit.whole("num_edit") or 1
    removed = message.flag("is_deleted")
    return understood(
        record,
        NORMALIZER,
        Item(
            source_id=mid,
            author_kind="facebook",
            author=person,
            text="" if removed else text or edit.text("text") or postback.text("title", "payload"),
            sent_at=None if edit else sent_at,
            thread=conversation(recipient, person),
            in_reply_to=[message.object("reply_to").id("mid")],
            media=[] if removed else media,
            revision=LAST if removed else min(revision, LAST - 1) if edit else 0,
            change="removed" if removed else "edited" if edit else "created",
            because="messaging[]: " + ("message" if message else "postback" if postback else "message_edit"),
        ),
    )


def _content(message: Fields) -> tuple[str, list[Remote]]:
    """The text, with what attachments say in words, and the files."""
    lines = [message.text("text")]
    media: list[Remote] = []
    for attachment in message.objects("attachments")[:50]:
        kind, payload = attachment.line("type"), attachment.object("payload")
        url = payload.line("url") or attachment.line("url")
        if kind in _FILES and url:
            media.append(Remote(url, payload.line("title"), _FILES[kind], kind=kind))
        elif kind == "location":
            at = payload.object("coordinates")
            lines.append(f"{attachment.line('title') or 'Location'}: {at.line('lat')}, {at.line('long')}")
        else:
            lines.append(" ".join(filter(None, (attachment.line("title") or payload.line("title"), url))))
    if message.flag("is_unsupported") and not any(lines):
        lines.append("A message of a kind that Messenger does not pass on.")
    return "\n".join(filter(None, lines)), media
