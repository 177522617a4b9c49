"""What a post says: Markdown as it was written, or what can be read of its HTML."""

import re

from normalize.html_text import html_to_text

_HTML = 1024 * 1024
_QUOTE = re.compile(r"\[(/?)quote(?:=[^\]\n]{0,300})?\]", re.IGNORECASE)
_UPLOAD = re.compile(r"!?\[([^\]\n|]{0,255})(?:\|[^\]\n]{0,80})?\]\((upload://[\w.-]{1,120})\)")


def text_of(raw: str, cooked: str) -> str:
    """The Markdown if the payload has it, else the HTML's words."""
    return raw if raw.strip() else html_to_text(cooked[:_HTML]) if cooked else ""


def without_quotes(text: str) -> str:
    """`text` without the posts it quotes (`[quote="…"]…[/quote]`, which may be nested)."""
    kept: list[str] = []
    depth, start = 0, 0
    for mark in _QUOTE.finditer(text):
        if not mark[1]:
            if depth == 0:
                kept.append(text[start : mark.start()])
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                start = mark.end()
    kept.append("" if depth else text[start:])
    found = "".join(kept).strip()
    return found or text


def uploads_in(text: str) -> list[tuple[str, str]]:
    """Name and address (`upload://…`) of the files that Markdown shows."""
    return [(found[1].removesuffix("|attachment"), found[2]) for found in _UPLOAD.finditer(text)][:100]
