"""HTML to legible text: lists, links and table rows kept, what a reader would not see left out."""

import re
from html import unescape
from typing import Protocol

from selectolax.lexbor import LexborHTMLParser, LexborNode

from normalize.html_depth import nested_too_deep
from normalize.legible import legible
from normalize.limits import HTML_CHARACTERS, HTML_NODES

_UNSEEN = frozenset({
    "script", "style", "head", "title", "template", "noscript", "object", "svg", "iframe",
    "-comment", "meta",
})  # fmt: skip
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre", "dl"})
_BLOCKS = _PARAGRAPHS | {
    "address", "article", "aside", "body", "center", "dd", "div", "dt", "fieldset", "figcaption", "figure", "footer",
    "form", "header", "hr", "html", "li", "main", "nav", "section", "tr",
}  # fmt: skip
_OPENS = frozenset({"br", "hr", "li", "ul", "ol", "td", "th", "blockquote", "pre", "img"})
_CLOSES = _BLOCKS | {"a"}
_HIDDEN = re.compile(
    r"display\s*+:\s*+none|visibility\s*+:\s*+(?:hidden|collapse)|mso-hide\s*+:\s*+all|font-size\s*+:\s*+0(?![.\d])"
    r"|(?<![\w-])opacity\s*+:\s*+0(?:\.0*+)?(?![.\d])|max-height\s*+:\s*+0(?![.\d])",
    re.IGNORECASE,
)
_HIDING = ("none", "hid", "collapse", "font-size", "opacity", "max-height")
_BLANK = " \t\n\r\f\xa0"
_BLANKS = re.compile(r"[ \t\n\r\f\xa0]+")
_TRAILING = re.compile(r"[ \t]\n")
_DEEPEST_QUOTE = 8
_LONGEST_TARGET = 500
_ANY_TAG = re.compile(r"<[^<>]*+>")


class Skips(Protocol):
    """Tells whether an element, and all in it, is to be left out."""

    def __call__(self, node: LexborNode) -> bool: ...


def html_to_text(source: str, skips: Skips | None = None) -> str:
    """The visible text. Elements for which `skips` holds are left out too. Linear, never recursive."""
    source = source[:HTML_CHARACTERS]
    if nested_too_deep(source):
        return legible(unescape(_ANY_TAG.sub(" ", source)))
    root = LexborHTMLParser(source).root
    return legible(_Writing(skips).walk(root)) if root is not None else ""


class _Writing:
    """The text so far, and where in the tree we are.

    `breaks`: line breaks that are due before the next words. `blank`: a blank that follows now would be one too many.
    `marked`: a list's mark was just written. `quoted`: how deep the last words were quoted.
    """

    __slots__ = ("blank", "breaks", "lists", "marked", "out", "pre", "quoted", "quotes", "skips")

    def __init__(self, skips: Skips | None) -> None:
        self.skips = skips
        self.out: list[str] = []
        self.blank = True
        self.breaks = 0
        self.marked = False
        self.quotes = 0
        self.quoted = 0
        self.pre = 0
        self.lists: list[int] = []

    def walk(self, root: LexborNode) -> str:
        node: LexborNode | None = root
        depth = 0  # of `node` below the root
        for _ in range(HTML_NODES):
            if node is None:
                break
            tag = node.tag or ""
            if tag == "-text":
                self.text(node.text_content or "")
            elif self.enter(node, tag):
                child = node.child
                if child is not None:
                    node = child
                    depth += 1
                    continue
                if tag in _CLOSES:
                    self.leave(node, tag)
            following = node.next if depth else None
            while following is None and depth and node is not None:
                node = node.parent
                depth -= 1
                if node is None:
                    break
                tag = node.tag or ""
                if tag in _CLOSES:
                    self.leave(node, tag)
                following = node.next if depth else None
            node = following
        text = "".join(self.out).strip()
        return "\n".join([line.rstrip(" \t") for line in text.split("\n")]) if _TRAILING.search(text) else text

    def enter(self, node: LexborNode, tag: str) -> bool:
        """Write what begins an element; False when its children are not to be read."""
        if tag in _UNSEEN or _unseen(node) or (self.skips is not None and self.skips(node)):
            return False
        if tag in _BLOCKS:
            self.line(2 if tag in _PARAGRAPHS and not self.lists else 1)
        if tag in _OPENS:
            self.open(node, tag)
        return True

    def open(self, node: LexborNode, tag: str) -> None:
        if tag == "br":
            self.breaks += 1
            self.blank = True
        elif tag == "hr":
            self.put("________________________________")
            self.line(1)
        elif tag == "li":
            self.item()
        elif tag in {"ul", "ol"}:
            self.lists.append(0 if tag == "ul" else _first_number(node))
        elif tag in {"td", "th"}:
            if not self.blank:
                self.put("\t")
        elif tag == "blockquote":
            self.quotes += 1
        elif tag == "pre":
            self.pre += 1
        elif alt := node.attributes.get("alt"):
            self.text(alt)

    def leave(self, node: LexborNode, tag: str) -> None:
        if tag == "a":
            self.link(node)
            return
        if tag in {"ul", "ol"} and self.lists:
            self.lists.pop()
        elif tag == "blockquote":
            self.quotes -= 1
        elif tag == "pre":
            self.pre -= 1
        self.line(2 if tag in _PARAGRAPHS and not self.lists else 1)

    def text(self, raw: str) -> None:
        if self.pre:
            mark = "\n" + "> " * min(self.quotes, _DEEPEST_QUOTE)
            bare = raw.rstrip("\n")
            if bare:
                self.put(bare.replace("\n", mark) if self.quotes else bare)
            self.breaks += len(raw) - len(bare)
            return
        bare = raw.strip(_BLANK)
        if not bare:
            if raw and not self.blank:
                self.out.append(" ")
                self.blank = True
            return
        text = _BLANKS.sub(" ", raw)
        if self.blank and text[0] == " ":
            text = text[1:]
        self.put(text)
        self.blank = text[-1] == " "

    def put(self, text: str) -> None:
        if self.breaks or (self.quotes and not self.out):
            self.begin_line()
        self.out.append(text)
        self.blank = False
        self.marked = False

    def begin_line(self) -> None:
        """Write the line breaks that are due, at most two, with the quote marks that belong there."""
        if self.out:
            empty = ">" * min(self.quotes, self.quoted, _DEEPEST_QUOTE)
            self.out.append("\n" if self.breaks == 1 else f"\n{empty}\n")
        self.out.append("> " * min(self.quotes, _DEEPEST_QUOTE))
        self.quoted = self.quotes
        self.breaks = 0

    def line(self, breaks: int) -> None:
        """At least so many line breaks before what follows; none between a list's mark and its words."""
        if not self.marked:
            self.blank = True
            self.breaks = max(self.breaks, breaks)

    def item(self) -> None:
        indent = "  " * (min(len(self.lists), _DEEPEST_QUOTE) - 1)
        if self.lists and self.lists[-1]:
            self.put(f"{indent}{self.lists[-1]}. ")
            self.lists[-1] += 1
        else:
            self.put(f"{indent}- ")
        self.blank = True
        self.marked = True

    def link(self, node: LexborNode) -> None:
        """The address of a link, unless its words say it already."""
        target = (node.attributes.get("href") or "").strip()
        kind, _, bare = target.partition(":")
        if kind.lower() not in {"http", "https", "ftp", "mailto"} or len(target) > _LONGEST_TARGET:
            return
        words = (node.text(deep=True) or "").strip()
        bare = bare.strip("/")
        if kind.lower() == "mailto":
            target = bare = bare.partition("?")[0]
        if words and bare and bare not in words:
            self.put(f" <{target}>")


def _first_number(node: LexborNode) -> int:
    start = node.attributes.get("start") or ""
    return int(start) if start.isascii() and start.isdigit() and len(start) < 6 else 1


def _unseen(node: LexborNode) -> bool:
    attributes = node.attributes
    if not attributes:
        return False
    if "hidden" in attributes:
        return True
    style = attributes.get("style")
    if not style:
        return False
    lower = style.lower()
    return any(word in lower for word in _HIDING) and _HIDDEN.search(lower) is not None
