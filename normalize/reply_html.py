"""Where the history stands in HTML, by the structure that mail programs give it."""

from selectolax.lexbor import LexborNode

from normalize.html_text import html_to_text
from normalize.limits import HTML_CHARACTERS

_QUOTE_CLASSES = frozenset({
    "gmail_quote", "gmail_attr", "gmail_signature", "gmail_quote_container", "moz-cite-prefix", "moz-signature",
    "yahoo_quoted", "protonmail_quote", "protonmail_signature_block",
    "tutanota_quote", "zmail_extra", "OutlookMessageHeader",
    "WordSection1Quote", "quote_container",
    "mcnQuote", "freebirdFormviewerQuote", "ms-outlook-mobile-reference-message",
    "mail-quote-collapse", "mailru-blockquote", "js-helper", "front-blockquote", "zendesk_quote", "apple-mail-quote",
})  # fmt: skip
_QUOTE_IDS = frozenset({
    "yahoo_quoted", "mail-editor-reference-message-container", "Signature", "ms-outlook-mobile-signature",
    "AppleMailSignature", "replySplit",
})  # fmt: skip
_REST_IDS = frozenset({"divRplyFwdMsg", "stopSpelling", "appendonsend", "x_divRplyFwdMsg", "OLK_SRC_BODY_SECTION"})
_MARKS = tuple(sorted({mark.lower() for mark in _QUOTE_CLASSES | _QUOTE_IDS | _REST_IDS} | {"<blockquote"}))


class _History:
    """Holds for what is quoted and, once a mail program's divider was seen, for all that follows."""

    def __init__(self) -> None:
        self.over = False

    def __call__(self, node: LexborNode) -> bool:
        if self.over:
            return True
        attributes = node.attributes
        if not attributes:
            return False
        name = attributes.get("id") or ""
        if name in _REST_IDS:
            self.over = True
            return True
        if node.tag == "blockquote":
            return (
                attributes.get("type") == "cite"
                or "cite" in attributes
                or "gmail_quote" in (attributes.get("class") or "")
            )
        classes = attributes.get("class")
        return name in _QUOTE_IDS or bool(classes and not _QUOTE_CLASSES.isdisjoint(classes.split()))


def text_without_quotes(source: str) -> str | None:
    """The text of an HTML body without what its structure marks as history; None when nothing is marked."""
    lower = source[:HTML_CHARACTERS].lower()
    if not any(mark in lower for mark in _MARKS):
        return None
    return html_to_text(source, _History()) or None
