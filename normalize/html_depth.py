"""HTML that would cost a parser the square of its length: recognised before it is parsed, in linear time."""

import re

from normalize.limits import HTML_ATTRIBUTES

_LONG = 32 * 1024
_MANY_TAGS = 700
_ATTRIBUTES = re.compile(r"<[a-zA-Z][^\s>/]*+((?:[^\"'>]++|\"[^\"]*+\"|'[^']*+')*+)")
_ATTRIBUTE = re.compile(r"[^\s\"'=/]++")
_MUCH_WORK = 5_000_000
_MANY_COPIES = 300_000
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*+)")
_CLOSED_BY_ITSELF = frozenset([
    "p", "li", "td", "th", "tr", "br", "hr", "img", "meta", "link", "input", "col", "dd", "dt", "option", "base",
    "area", "wbr", "source", "embed", "param", "thead", "tbody", "tfoot",
])  # fmt: skip
_REOPENED = frozenset(["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"])
"""Elements that an HTML parser opens again, copied, in every following paragraph while they are not closed."""


def _too_many_attributes(source: str) -> bool:
    return any(
        len(attributes) > HTML_ATTRIBUTES and len(_ATTRIBUTE.findall(attributes)) > HTML_ATTRIBUTES
        for attributes in _ATTRIBUTES.findall(source)
    )


def nested_too_deep(source: str) -> bool:
    """Whether elements lie so deep in one another, so often, that a parser's work grows with the square of it."""
    if len(source) > _LONG and _too_many_attributes(source):
        return True
    tags = source.count("<")
    if tags <= _MANY_TAGS:
        return False
    if (tags - source.count("</")) * tags <= _MANY_COPIES:  # even if none of the rest were closed
        return False
    opened: dict[str, int] = {}
    depth = formats = work = copies = 0
    for closing, name in _TAG.findall(source):
        work += depth
        copies += formats
        tag = name.lower()
        if tag in _CLOSED_BY_ITSELF:
            continue
        if not closing:
            opened[tag] = opened.get(tag, 0) + 1
            depth += 1
            formats += tag in _REOPENED
        elif opened.get(tag):
            opened[tag] -= 1
            depth -= 1
            formats -= tag in _REOPENED
        if work > _MUCH_WORK or copies > _MANY_COPIES:
            return True
    return False
