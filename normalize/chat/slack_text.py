"""Slack's markup as plain text (mrkdwn, and rich text blocks where there is no text)."""

import re

from normalize.payload.fields import Fields

_MARK = re.compile(r"<([^<>\n]{1,3000})>")
_MOST = 2_000
"""Elements of blocks that are looked at."""


def mrkdwn(text: str) -> str:
    """`text` with mentions by name, links spelled out, and Slack's three escapes undone."""
    return _MARK.sub(_plain, text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _plain(mark: re.Match[str]) -> str:
    target, _, label = mark[1].partition("|")
    if target.startswith("@"):
        return f"@{label.lstrip('@') or target[1:]}"
    if target.startswith("#"):
        return f"#{label.lstrip('#') or target[1:]}"
    if target.startswith("!"):
        return label or f"@{target[1:].partition('^')[0]}"
    bare = target.removeprefix("mailto:").removeprefix("tel:")
    return bare if not label or label in {target, bare} else f"{label} ({bare})"


def text_of_blocks(message: Fields) -> str:
    """What blocks and attachments say, in order; for messages that have no text beside them."""
    waiting = [*reversed(message.objects("attachments")), *reversed(message.objects("blocks"))]
    parts: list[str] = []
    for _ in range(_MOST):
        if not waiting:
            break
        element = waiting.pop()
        said = element.raw("text")
        text = Fields(said).text("text") if isinstance(said, dict) else element.text("text")
        text = text or element.text("fallback") or (element.text("url") if element.line("type") == "link" else "")
        parts.append(text)
        if element.line("type").startswith("rich_text_"):
            parts.append("\n")
        waiting += reversed(element.objects("elements"))
    return mrkdwn("".join(parts)).strip()
