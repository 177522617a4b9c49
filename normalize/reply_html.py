"""Where the history stands in HTML, by the structure that mail programs give it (reply_html.toml).

Quotes themselves (`blockquote`) are not left out here: they become lines with `>`, and what they are is decided beside
the text around them (`reply_text`), so that answers between them keep what they answer.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from selectolax.lexbor import LexborNode

from normalize import quote_headers
from normalize.html_text import html_to_text
from normalize.language_tables import language_table
from normalize.limits import HTML_CHARACTERS
from normalize.outcome import Decision, Decisions

_TABLE = language_table("reply_html")
_ATTRIBUTES: Final = (("id", _TABLE["ids"]), ("name", _TABLE["names"]), ("data-marker", _TABLE["markers"]))
_CLASSES = _TABLE["classes"]
_ADDED = re.compile(r"^(?:x_|m_-?\d+_?|ydp[0-9a-f]{6,10}|yiv\d+|[a-z]{1,8}\d{2,}-)+")
_NUMBERED = re.compile(r"_\d+$")
_OUTLOOK_BORDER = re.compile(
    r"border(?:-top)?\s*:[^;]*\bsolid\b[^;]*;(?:[^;]*;)?\s*padding\s*:\s*3(?:\.0)?pt 0|"
    r"border-top-color:\s*rgb\(229, 229, 229\);\s*border-top-width:\s*1px",
    re.IGNORECASE,
)
_INTRODUCTION = 500
_LONGEST_NAME = 100
_MARKS = tuple(
    sorted({
        f'name="{word}"' if table == "names" else word
        for table, rows in _TABLE.items()
        for words in rows.values()
        for word in words
    })
)  # fmt: skip
_STYLES = (
    "padding:3.0pt 0",
    "padding:3pt 0",
    "padding: 3pt 0",
    "border-top-width: 1px",
    'tabindex="-1"',
    "tabindex=-1",
)


def _kind(rows: Mapping[str, Sequence[str]], value: str) -> str | None:
    name = value[:_LONGEST_NAME].lower()
    for each in (name, _ADDED.sub("", name), _NUMBERED.sub("", _ADDED.sub("", name))):
        for kind, words in rows.items():
            if each in words:
                return kind
    return None


class _History:
    """Holds for what is history and, once a mail program's divider was seen, for all that follows."""

    def __init__(self, decisions: Decisions) -> None:
        self.over = False
        self.decisions = decisions

    def __call__(self, node: LexborNode) -> bool:
        if self.over:
            return True
        attributes = node.attributes
        if not attributes:
            return False
        found = self.found(node, attributes)
        if found is None or (found[0] == "container" and _may_hold_answers(node)):
            return False
        kind, evidence = found
        if kind == "attribution" and _says_so(node):
            return False
        if kind == "rest":
            self.over = True
            _forget_what_follows(node)
        if self.decisions is not None:
            decided = "from here on it is history" if self.over else "an element is left out"
            self.decisions.append(Decision("reply_text", decided, f"<{node.tag} {evidence}>"))
        return True

    def found(self, node: LexborNode, attributes: Mapping[str, str | None]) -> tuple[str, str] | None:
        """What the attributes of an element say it is, and which one."""
        for attribute, rows in _ATTRIBUTES:
            value = attributes.get(attribute)
            if value and (kind := _kind(rows, value)):
                return kind, f'{attribute}="{value}"'
        for value in (attributes.get("class") or "").split()[:8]:
            if kind := _kind(_CLASSES, value):
                return kind, f'class="{value}"'
        style = attributes.get("style")
        if style and node.tag == "div" and _OUTLOOK_BORDER.search(style[:300]):
            return "rest", 'style="border-top…"'
        if node.tag == "hr" and attributes.get("tabindex") == "-1":
            return "rest", 'tabindex="-1"'
        return None


def _says_so(node: LexborNode) -> bool:
    """Whether the words of an element are an attribution that `reply_text` knows."""
    return quote_headers.is_attribution(" ".join(node.text(deep=True)[:_INTRODUCTION].split()))


def _forget_what_follows(node: LexborNode) -> None:
    """Take out of the tree all that comes after an element: texts too, of which nobody asks us."""
    above: LexborNode | None = node
    while above is not None:
        while (following := above.next) is not None:
            following.decompose()
        above = above.parent


def _may_hold_answers(node: LexborNode) -> bool:
    """Whether quotes are children of a container; what introduces the first of them is then taken out of it."""
    if node.tag == "blockquote":
        return True
    introduction: list[LexborNode] = []
    length = 0
    for child in node.iter(include_text=True):
        if child.tag == "blockquote":
            if not any(_says_so(each) for each in introduction):
                for each in introduction:
                    each.decompose()
            return True
        length += len(child.text(deep=True))
        if length > _INTRODUCTION or len(introduction) > _INTRODUCTION:
            return False
        introduction.append(child)
    return False


def text_without_quotes(source: str, decisions: Decisions = None) -> str | None:
    """The text of an HTML body without what its structure marks as history; None when nothing is marked."""
    lower = source[:HTML_CHARACTERS].lower()
    if not any(mark in lower for mark in _MARKS) and not any(style in lower for style in _STYLES):
        return None
    return html_to_text(source, _History(decisions)) or None
