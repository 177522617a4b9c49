"""Files of a post: pictures and attachments of its HTML, which has their addresses, else those of its Markdown."""

import re
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

from normalize.forum.text import uploads_in
from normalize.payload.media import Remote

_HTML = 1024 * 1024
_MOST = 100
_DECORATION = re.compile(r"\b(?:emoji|avatar|site-icon|favicon|thumbnail)\b")
_UPLOADS = re.compile(r"/uploads/|/secure-(?:media-)?uploads/")


def media_of(raw: str, cooked: str, instance: str) -> list[Remote]:
    """The pictures shown and files linked, in order; emoji and avatars are not meant."""
    found = _in_html(cooked[:_HTML], instance) if "<img" in cooked or "/uploads/" in cooked else []
    if not found:
        found = [Remote(source, _named(name, source), kind="upload") for name, source in uploads_in(raw)]
    return found


def _in_html(cooked: str, instance: str) -> list[Remote]:
    found: dict[str, Remote] = {}
    for node in LexborHTMLParser(cooked).css("img, a.attachment"):
        attributes = node.attributes
        address = (attributes.get("src") if node.tag == "img" else attributes.get("href")) or ""
        if _DECORATION.search(attributes.get("class") or "") or not _is_file(address):
            continue
        source = _absolute(address, instance)
        name = (node.text() if node.tag == "a" else attributes.get("alt")) or ""
        found.setdefault(source, Remote(source, _named(name, source), kind="picture"))
        if len(found) == _MOST:
            break
    return list(found.values())


def _is_file(address: str) -> bool:
    return (
        bool(address)
        and not address.startswith("data:")
        and (bool(_UPLOADS.search(address)) or address.startswith(("http://", "https://", "//", "/")))
    )


def _absolute(address: str, instance: str) -> str:
    try:
        return urljoin(instance, address) if instance else address
    except ValueError:
        return address


def _named(name: str, source: str) -> str:
    """A picture's alternative text has no ending; its address has."""
    name = name.strip()
    try:
        last = urlsplit(source).path.rsplit("/", 1)[-1] or source.rsplit("/", 1)[-1]
    except ValueError:
        last = ""
    ending = re.search(r"\.[A-Za-z0-9]{2,5}\Z", last)
    if name and ending and not re.search(r"\.[A-Za-z0-9]{2,5}\Z", name):
        return name + ending[0]
    return name or last
