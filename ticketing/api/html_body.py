"""HTML that somebody sent, made harmless to show. The original stays as it is; this happens at every look. Pure.

Nothing runs, nothing is fetched: scripts, styles, forms and frames are gone, images of the message itself point to its
attachments, those elsewhere are off (they tell the sender who reads when). Sanitizing is ammonia's (nh3).
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import unquote

import nh3

LONGEST: Final = 1 << 20
"""Characters. What is longer is shown as its text."""
DEEPEST: Final = 400
"""Elements one in the other. The sanitizer's time grows with the square of it; no real mail comes near."""

_OPENS_OR_CLOSES: Final = re.compile(r"<(/?)([a-zA-Z][^\s/>]{0,30})")
# these hold nothing, or are closed by what follows them: they can only be nested by others, which are counted
_FLAT: Final = frozenset({
    "area", "base", "body", "br", "col", "colgroup", "dd", "dt", "embed", "head", "hr", "html", "img", "input", "li",
    "link", "meta", "optgroup", "option", "p", "param", "rb", "rp", "rt", "rtc", "source", "tbody", "td", "tfoot", "th",
    "thead", "tr", "track", "wbr",
})  # fmt: skip

_TAGS: Final = (nh3.ALLOWED_TAGS | {"font", "u", "big", "center"}) - {"map", "area"}
_ATTRIBUTES: Final = {
    "*": {"style", "dir", "lang", "title", "align", "valign", "width", "height", "bgcolor", "color"},
    "a": {"href"},
    "img": {"src", "alt"},
    "font": {"size", "face"},
    "table": {"border", "cellpadding", "cellspacing", "summary"},
    "td": {"colspan", "rowspan", "nowrap"},
    "th": {"colspan", "rowspan", "nowrap", "scope"},
    "ol": {"start", "type"},
    "blockquote": {"type"},
}
# none of these takes a url()
_STYLES: Final = {
    *("color", "background-color", "font-family", "font-size", "font-style", "font-weight", "text-align"),
    *("text-decoration", "line-height", "white-space", "vertical-align", "width", "height", "max-width"),
    *(f"{edge}{side}" for edge in ("margin", "padding") for side in ("", "-top", "-right", "-bottom", "-left")),
    *("border-collapse", "border-spacing", "border-width", "border-style", "border-color"),
}
_LINKS: Final = ("http:", "https:", "mailto:", "tel:")
_PICTURES: Final = ("data:image/png;", "data:image/jpeg;", "data:image/gif;", "data:image/webp;")


class Shown(NamedTuple):
    """`remote_images`: how many are off."""

    html: str
    remote_images: int


def showable(html: str) -> bool:
    """Whether it can be made harmless in reasonable time."""
    if len(html) > LONGEST:
        return False
    unclosed: Counter[str] = Counter()
    depth = 0
    for tag in _OPENS_OR_CLOSES.finditer(html):
        name = tag[2].lower()
        if name in _FLAT:
            continue
        if not tag[1]:
            unclosed[name] += 1
            depth += 1
        elif unclosed[name]:
            unclosed[name] -= 1
            depth -= 1
        if depth > DEEPEST:
            return False
    return True


def shown(html: str, inline: Mapping[str, str]) -> Shown:
    """The body, which is `showable`, as it may be put into a page.

    `inline`: Content-ID → URL of an attachment of the same message.
    """
    remote = 0

    def attribute(tag: str, name: str, value: str) -> str | None:
        nonlocal remote
        given = value.strip()
        if (tag, name) == ("a", "href"):
            return value if given.lower().startswith(_LINKS) else None
        if (tag, name) != ("img", "src"):
            return value
        if given[:4].lower() == "cid:":
            return inline.get(unquote(given[4:]).strip("<> "))
        if given.lower().startswith(_PICTURES):
            return value
        remote += 1
        return None

    cleaned = nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags={"script", "style", "title", "template", "noscript", "iframe", "object"} - _TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=attribute,
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        filter_style_properties=_STYLES,
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
    return Shown(cleaned, remote)
