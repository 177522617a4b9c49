"""What a Telegram message holds: words, and files, of which there is only the id that the API fetches them by."""

from normalize.payload.fields import Fields
from normalize.payload.media import Remote

_FILES = {
    "animation": "video/mp4", "document": "", "video": "video/mp4", "audio": "audio/mpeg", "voice": "audio/ogg",
    "video_note": "video/mp4",
}  # fmt: skip


def text_of(message: Fields) -> str:
    """The text or caption, hidden links spelled out; of a place, a contact, a poll what they say."""
    for words, marks in (("text", "entities"), ("caption", "caption_entities")):
        text = message.text(words)
        if text:
            return _with_links(text, message.objects(marks))
    sticker = message.object("sticker")
    if sticker:
        return sticker.text("emoji")
    return _in_words(message)


def _in_words(message: Fields) -> str:
    contact, place, poll = message.object("contact"), message.object("venue"), message.object("poll")
    if contact:
        return " ".join(
            filter(None, ("Contact:", *(contact.line(name) for name in ("first_name", "last_name", "phone_number"))))
        )
    at = place.object("location") or message.object("location")
    if at:
        where = f"{at.line('latitude')}, {at.line('longitude')}"
        return "\n".join(filter(None, (place.line("title"), place.line("address"), f"Location: {where}")))
    if poll:
        return "\n".join([poll.text("question"), *(f"- {each.text('text')}" for each in poll.objects("options")[:20])])
    dice = message.object("dice")
    return f"{dice.text('emoji')} {dice.text('value')}".strip() or message.object("game").text("title")


def _with_links(text: str, entities: list[Fields]) -> str:
    """Entities count UTF-16 units."""
    links = [(each.whole("offset") or 0, each.whole("length") or 0, each.line("url")) for each in entities[:200]
             if each.line("type") == "text_link" and each.line("url")]  # fmt: skip
    if not links:
        return text
    units = text.encode("utf-16-le")
    for offset, length, url in sorted(links, reverse=True):
        end = min((offset + length) * 2, len(units))
        units = units[:end] + f" ({url})".encode("utf-16-le", "replace") + units[end:]
    return units.decode("utf-16-le", "replace")


def files_of(message: Fields) -> list[Remote]:
    """The files; of a picture the largest size, of a moving picture not the document it is as well."""
    found = []
    sizes = message.objects("photo")
    if sizes:
        largest = max(sizes, key=lambda each: (each.number("file_size") or 0, each.number("width") or 0))
        found.append(_remote(largest, "photo", "image/jpeg"))
    for kind, media_type in _FILES.items():
        if kind in message and not (kind == "document" and "animation" in message):
            found.append(_remote(message.object(kind), kind, media_type))
    sticker = message.object("sticker")
    if sticker:
        moves = "application/x-tgsticker" if sticker.flag("is_animated") else ""
        media_type = moves or ("video/webm" if sticker.flag("is_video") else "image/webp")
        found.append(_remote(sticker, "sticker", media_type))
    return [each for each in found if each is not None]


def _remote(file: Fields, kind: str, media_type: str) -> Remote | None:
    id_ = file.line("file_id")
    if not id_:
        return None
    given = file.line("mime_type") or media_type
    return Remote(f"telegram:{id_}", file.line("file_name"), given, file.whole("file_size") or 0, kind)
