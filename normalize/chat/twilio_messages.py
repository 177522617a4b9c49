"""Messages by Twilio: SMS, MMS, WhatsApp, and RCS (Programmable Messaging, incoming message webhook)."""

from urllib.parse import unquote

from bus.raw import RawMessage
from normalize.chat.name import NORMALIZER
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.instants import instant
from normalize.payload.item import Item, understood
from normalize.payload.media import Remote
from normalize.payload.own import is_own
from normalize.payload.quoted import quoted
from normalize.phone.numbers import canonical_number

_RECEIVED = {"received", "receiving", ""}
_NOT_NUMBERS = ("messenger:", "client:", "chat:")


def is_twilio_message(fields: Fields) -> bool:
    """A message's id, and an account's or sender's beside it."""
    has_id = bool({"MessageSid", "SmsMessageSid", "SmsSid"}.intersection(fields))
    return has_id and bool({"AccountSid", "From", "MessageStatus", "SmsStatus"}.intersection(fields))


def twilio_message(record: RawMessage, fields: Fields) -> Understood | Ignored:
    """The message, or that it only tells what became of one of ours. A sender's number can be forged."""
    status = fields.line("MessageStatus", "SmsStatus").lower()
    if status not in _RECEIVED:
        return Ignored(f"a status of a message of ours: {quoted(status)}")
    given, own = _plain(fields.line("From")), _plain(fields.line("To"))
    region = record.region or fields.line("FromCountry")[:2].upper() or None
    is_number = not given.startswith(_NOT_NUMBERS)
    sender = canonical_number(given, region) if is_number else given.partition(":")[2]
    if is_own(record, given, sender):
        return Ignored("a message of our own number")
    id_ = fields.id("MessageSid", "SmsMessageSid", "SmsSid")
    if not id_:
        return Ignored("a message of Twilio without its id")
    count = min(fields.whole("NumMedia") or 0, 50)
    place = ", ".join(filter(None, (fields.line("Label"), fields.line("Address"))))
    at = ", ".join(filter(None, (fields.line("Latitude"), fields.line("Longitude"))))
    words = [fields.text("Body", "ButtonText"), place, f"Location: {at}" if at else ""]
    network = given.partition(":")[0] if ":" in given else "sms"
    return understood(
        record,
        NORMALIZER,
        Item(
            source_id=id_,
            author_kind="phone" if is_number else "chat",
            author=sender,
            author_name=fields.line("ProfileName"),
            verified=network != "sms",
            text="\n".join(filter(None, words)),
            sent_at=instant(fields, "DateSent", "DateCreated"),
            thread=f"{network}:{canonical_number(own, region) or own}:{sender or id_}",
            in_reply_to=[fields.id("OriginalRepliedMessageSid")],
            media=[
                Remote(url, media_type=fields.line(f"MediaContentType{number}"), kind="media")
                for number in range(count)
                if (url := fields.line(f"MediaUrl{number}"))
            ],
            because=f"Twilio: a message by {network}",
        ),
    )


def _plain(address: str) -> str:
    """Some relays encode the plus sign once more."""
    return unquote(address) if "%" in address else address
