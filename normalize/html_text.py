"""HTML to legible text: lists, links and table rows kept, what a reader would not see left out."""

import re
from html import unescape
from typing import Protocol

from selectolax.lexbor import LexborHTMLParser, LexborNode

from normalize.legible import legible
from normalize.limits import HTML_CHARACTERS, HTML_NODES

_UNSEEN = frozenset({"script", "style", "head", "title", "template", "noscript", "object", "svg", "-comment", "meta"})
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre", "dl"})
_BLOCKS = _PARAGRAPHS | {
    "address", "article", "aside", "body", "center", "dd", "div", "dt", "fieldset", "figcaption", "figure", "footer",
    "form", "header", "hr", "html", "li", "main", "nav", "section", "tr",
}  # fmt: skip
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|font-size\s*:\s*0(?![.\d])", re.IGNORECASE
)
_BLANKS = re.compile(r"[ \t\n\r\f\xa0]+")
_MANY_LINES = re.compile(r"\n{3,}")
_TRAILING = re.compile(r"[ \t]++\n")
_DEEPEST_QUOTE = 8
_MANY_TAGS = 700
_MUCH_WORK = 5_000_000
_MANY_COPIES = 300_000
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*+)")
_ANY_TAG = re.compile(r"<[^<>]*+>")
_CLOSED_BY_ITSELF = frozenset(
    [
        "p",
        "li",
        "td",
        "th",
        "tr",
        "br",
        "hr",
        "img",
        "meta",
        "link",
        "input",
        "col",
        "dd",
        "dt",
        "option",
        "base",
        "area",
        "wbr",
        "source",
        "embed",
        "param",
        "thead",
        "tbody",
        "tfoot",
    ]
)
_REOPENED = frozenset(["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"])
"""Elements that an HTML parser opens again, copied, in every following paragraph while they are not closed."""


class Skips(Protocol):
    """Tells whether an element, and all in it, is to be left out."""

    def __call__(self, node: LexborNode) -> bool: ...


def html_to_text(source: str, skips: Skips | None = None) -> str:
    """The visible text. Elements for which `skips` holds are left out too. Linear, never recursive."""
    source = source[:HTML_CHARACTERS]
    if source.count("<") > _MANY_TAGS and nested_too_deep(source):
        return legible(unescape(_ANY_TAG.sub(" ", source)))
    root = LexborHTMLParser(source).root
    return legible(_Writing(skips).walk(root)) if root is not None else ""


def nested_too_deep(source: str) -> bool:
    """Whether elements lie so deep in one another, so often, that a parser's work grows with the square of it."""
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


class _Writing:
    """The text so far, and where in the tree we are."""

    def __init__(self, skips: Skips | None) -> None:
        self.skips = skips
        self.out: list[str] = []
        self.blank = True
        self.quotes = 0
        self.pre = 0
        self.lists: list[int] = []

    def walk(self, root: LexborNode) -> str:
        node: LexborNode | None = root
        for _ in range(HTML_NODES):
            if node is None:
                break
            inside = self.enter(node)
            child = node.child if inside else None
            if child is not None:
                node = child
                continue
            if inside:
                self.leave(node)
            while node is not None and node.next is None:
                node = node.parent
                if node is None or node.mem_id == root.mem_id:
                    node = None
                    break
                self.leave(node)
            node = node.next if node is not None and node.mem_id != root.mem_id else None
        text = _TRAILING.sub("\n", "".join(self.out))
        return _MANY_LINES.sub("\n\n", text).strip()

    def enter(self, node: LexborNode) -> bool:
        """Write what begins an element, or a text; False when its children are not to be read."""
        tag = node.tag or ""
        if tag == "-text":
            self.text(node.text_content or "")
            return False
        if tag in _UNSEEN or _unseen(node) or (self.skips is not None and self.skips(node)):
            return False
        if tag in _BLOCKS:
            self.line(2 if tag in _PARAGRAPHS and not self.lists else 1)
        if tag == "br":
            self.out.append("\n" + "> " * min(self.quotes, _DEEPEST_QUOTE))
            self.blank = True
        elif tag == "hr":
            self.put("________________________________")
            self.line(1)
        elif tag == "li":
            self.item()
        elif tag in {"ul", "ol"}:
            self.lists.append(0 if tag == "ul" else 1)
        elif tag in {"td", "th"} and not self.blank:
            self.put("\t")
        elif tag == "blockquote":
            self.quotes += 1
            self.out.append("> ")
        elif tag == "pre":
            self.pre += 1
        elif tag == "img" and (alt := _attribute(node, "alt")):
            self.text(alt)
        return True

    def leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag == "a":
            self.link(node)
        elif tag in {"ul", "ol"} and self.lists:
            self.lists.pop()
        elif tag == "blockquote":
            self.quotes -= 1
        elif tag == "pre":
            self.pre -= 1
        if tag in _BLOCKS:
            self.line(2 if tag in _PARAGRAPHS and not self.lists else 1)

    def text(self, raw: str) -> None:
        if self.pre:
            self.put(raw.replace("\n", "\n" + "> " * min(self.quotes, _DEEPEST_QUOTE)) if self.quotes else raw)
            return
        text = _BLANKS.sub(" ", raw)
        if self.blank:
            text = text.lstrip(" ")
        if text:
            self.put(text)
            self.blank = text.endswith(" ")

    def put(self, text: str) -> None:
        self.out.append(text)
        self.blank = False

    def line(self, breaks: int) -> None:
        """At least so many line breaks before what follows."""
        if not self.out:
            return
        mark = "> " * min(self.quotes, _DEEPEST_QUOTE)
        have = 0
        for piece in reversed(self.out):
            bare = piece.strip(" >") if mark else piece.strip(" ")
            if bare.strip("\n"):
                have += len(bare) - len(bare.rstrip("\n"))
                break
            have += bare.count("\n")
            if have >= breaks:
                break
        if have < breaks:
            self.out.append(("\n" + mark) * (breaks - have))
        self.blank = True

    def item(self) -> None:
        if self.lists and self.lists[-1]:
            self.out.append(f"{self.lists[-1]}. ")
            self.lists[-1] += 1
        else:
            self.out.append("- ")
        self.blank = True

    def link(self, node: LexborNode) -> None:
        """The address of a link, unless its words say it already."""
        target = _attribute(node, "href").strip()
        if not target.lower().startswith(("http://", "https://", "ftp://")) or len(target) > 500:
            return
        words = (node.text(deep=True) or "").strip()
        bare = target.split("://", 1)[1].rstrip("/")
        if words and bare not in words:
            self.put(f" <{target}>")


def _attribute(node: LexborNode, name: str) -> str:
    return node.attributes.get(name) or ""


def _unseen(node: LexborNode) -> bool:
    attributes = node.attributes
    if not attributes:
        return False
    return "hidden" in attributes or bool((style := attributes.get("style")) and _HIDDEN.search(style))
