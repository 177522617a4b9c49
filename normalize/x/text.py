"""A post's text as its reader sees it: links spelled out, escapes undone."""

import re
from collections.abc import Iterable

from normalize.payload.fields import Fields

_T_CO = re.compile(r"https?://t\.co/\w+")
_MENTIONS = re.compile(r"(?:@\w{1,50}[\s\u00a0]+)+")


def readable(text: str, entities: Iterable[Fields], media_links: Iterable[str] = ()) -> str:
    """`text` with t.co links replaced by where they lead, and those that only stand for an attached picture left out.

    X escapes `&`, `<` and `>` in texts and nothing else.
    """
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    targets = dict.fromkeys(media_links, "")
    for each in entities:
        for link in each.objects("urls"):
            short, target = link.line("url"), _target(link)
            if short and target:
                targets.setdefault(short, target)
    if not targets:
        return text
    return _T_CO.sub(lambda found: targets.get(found[0], found[0]), text).rstrip()


def _target(link: Fields) -> str:
    target = link.line("unwound_url", "expanded_url") or link.object("unwound").line("url")
    return target if target.startswith(("https://", "http://")) else ""


def without_leading_mentions(text: str, *, is_reply: bool) -> str:
    """What a reply adds: X puts the names of those it answers in front of it."""
    found = _MENTIONS.match(text) if is_reply else None
    return text[found.end() :] if found else text
