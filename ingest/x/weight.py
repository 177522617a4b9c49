"""How long a text is to X, and how one that is too long becomes a thread. Pure.

Source: twitter-text, configuration v3 (`maxWeightedTweetLength` 280, `scale` 100, `defaultWeight` 200, four ranges of
weight 100, `transformedURLLength` 23, `emojiParsingEnabled`). Where we cannot know what X takes for a link (it has a
list of all top-level domains), the greater length counts: a text may be cut too early and is never refused.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

LIMIT = 280
_LINK_WEIGHT = 2_300
_DEFAULT = 200
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
_SCALE = 100

_PICTURE = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u27bf\u2934-\u2b55\u3030\u303d"
    "\u3297\u3299\U0001f000-\U0001faff]"
)
_MODIFIED = rf"{_PICTURE}[\ufe0f\U0001f3fb-\U0001f3ff]*"
_EMOJI = rf"(?:[\U0001f1e6-\U0001f1ff]{{2}}|[#*0-9]\ufe0f?\u20e3|{_MODIFIED}(?:\u200d{_MODIFIED})*)"
_TAIL = r"(?:/[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%\[\]]*[A-Za-z0-9\-_~/#=&+%])?/?"
_LINK = rf"https?://[^\s/?#<>\"]*[^\s/?#<>\".,:;!'\])](?:[?#][\w=&%-]*)?{_TAIL}"
_BARE = rf"(?<![\w@.\-/])(?:[A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{{2,24}}(?![\w@]){_TAIL}"
_UNIT = re.compile(rf"(?P<link>{_LINK})|(?P<bare>{_BARE})|(?P<emoji>{_EMOJI})|.", re.DOTALL | re.IGNORECASE)
_HOST = re.compile(r"https?://([^\s/?#:]+)", re.IGNORECASE)
_NO_DOMAIN = frozenset({"local", "localhost", "internal", "lan", "home", "corp", "test", "example", "invalid", "arpa"})
_SENTENCE = re.compile(r"[.!?…][\"'»”)\]]*\s|[。！？][」』）]?")


def weight(text: str) -> int:
    """In X's characters, of which a post has LIMIT."""
    return sum(heavy for _, heavy in _units(unicodedata.normalize("NFC", text))) // _SCALE


def has_link(text: str) -> bool:
    """Whether X may take something in it for a link."""
    return any(found.lastgroup in ("link", "bare") for found in _UNIT.finditer(text))


def thread(text: str) -> Sequence[str]:
    """The text in posts that X takes, in order: cut between paragraphs or sentences, else words, else anywhere."""
    rest = unicodedata.normalize("NFC", text).strip()
    posts = []
    while rest:
        end = _fitting(rest)
        if end < len(rest):
            end = _break(rest, end)
        posts.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return posts


def _units(text: str) -> Iterator[tuple[int, int]]:
    """Where each unit ends, and what it weighs."""
    for found in _UNIT.finditer(text):
        kind, unit = found.lastgroup, found[0]
        if kind == "link":
            heavy = _LINK_WEIGHT if _is_domain(unit) else max(_LINK_WEIGHT, _raw(unit))
        elif kind == "bare":
            heavy = max(_LINK_WEIGHT, _raw(unit))
        else:
            heavy = _DEFAULT if kind == "emoji" else _raw(unit)
        yield found.end(), heavy


def _is_domain(link: str) -> bool:
    host = _HOST.match(link)
    labels = host[1].lower().split(".") if host else []
    return len(labels) > 1 and labels[-1].isascii() and labels[-1].isalpha() and labels[-1] not in _NO_DOMAIN


def _raw(text: str) -> int:
    return sum(100 if any(low <= ord(c) <= high for low, high in _LIGHT) else _DEFAULT for c in text)


def _fitting(text: str) -> int:
    """How much of it one post takes; at least one unit."""
    total, fits = 0, 0
    for end, heavy in _units(text):
        total += heavy
        if total > LIMIT * _SCALE and fits:
            return fits
        fits = end
        if total > LIMIT * _SCALE:
            return min(fits, LIMIT // 2)  # one link that is no link to X: it has to be cut
    return fits


def _break(text: str, end: int) -> int:
    """The best place to cut at or before `end`."""
    head = text[:end]
    paragraph = head.rfind("\n\n")
    if paragraph > end // 2:
        return paragraph
    sentences = [found.end() for found in _SENTENCE.finditer(head)]
    if sentences and sentences[-1] > end // 2:
        return sentences[-1]
    if text[end].isspace():
        return end
    space = max((at for at, c in enumerate(head) if c.isspace()), default=0)
    return space if space > end // 4 else end
