"""An agent's HTML: made safe, and as text for whoever reads no HTML. Pure."""

from html import escape
from html.parser import HTMLParser
from typing import Final

import nh3

_BLOCKS: Final = frozenset({
    "address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "figure", "footer", "h1", "h2", "h3", "h4", "h5",
    "h6", "header", "hr", "li", "ol", "p", "pre", "section", "table", "tr", "ul",
})  # fmt: skip
_APART: Final = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre"})
_SCHEMES: Final = {"http", "https", "mailto", "tel"}
_TAGS: Final = nh3.ALLOWED_TAGS - {"img", "map", "area"}


def safe(html: str) -> str:
    """Without anything that acts, loads or hides. Images are files that go along, never links to elsewhere."""
    return nh3.clean(html, tags=set(_TAGS), url_schemes=_SCHEMES, link_rel="noopener noreferrer")


def in_html(text: str) -> str:
    """A text's lines as HTML."""
    return escape(text).replace("\n", "<br>\n")


def plain(html: str) -> str:
    """Its text: paragraphs apart, items of lists marked, the addresses of links behind their words."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = [""]
        self._links: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self._break(tag)
        if tag == "li":
            self._lines[-1] += "- "
        if tag == "a":
            self._links.append((dict(attrs).get("href") or "", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._links:
            target, words = self._links.pop()
            target = target.removeprefix("mailto:")
            if target and target not in words:
                self._lines[-1] += f" ({target})"
        if tag in _BLOCKS:
            self._break(tag)

    def handle_data(self, data: str) -> None:
        words = " ".join(data.split())
        if self._links:
            target, before = self._links[-1]
            self._links[-1] = (target, before + words)
        line = self._lines[-1]
        if data[:1].isspace() and line and not line.endswith(" "):
            words = f" {words}"
        self._lines[-1] += words + (" " if words.strip() and data[-1:].isspace() else "")

    def _break(self, tag: str) -> None:
        if self._lines[-1].strip():
            self._lines.append("")
        if tag in _APART and len(self._lines) > 1 and self._lines[-2].strip():
            self._lines.append("")

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._lines).strip()
