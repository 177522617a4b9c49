"""The language that a message says it is in: of a mail its Content-Language (RFC 3282)."""

import re

from normalize.headers import Headers

_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_SETTING_OF_THE_PROGRAM = frozenset({b"thread-index", b"accept-language", b"x-ms-has-attach"})
"""Exchange writes the language that Outlook is set to, whatever the mail is written in, and one of these beside it."""


def declared_language(headers: Headers) -> str | None:
    """The one language it declares; None for several, or for what its program has written by itself."""
    if b"content-language" not in headers or headers.any_of(_SETTING_OF_THE_PROGRAM):
        return None
    value = headers.raw(b"content-language").decode("ascii", "replace").partition("(")[0].strip()
    return language_tag(value)


def language_tag(text: str) -> str | None:
    """A language tag (BCP 47, the forms in use); None for whatever is none."""
    return text if _TAG.fullmatch(text) else None
