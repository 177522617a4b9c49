"""Header fields of an outgoing mail: folded, encoded, and never able to begin another field.

RFC 5322 (form, line lengths), RFC 2047 (encoded words), RFC 2231 (file names), RFC 6532 (UTF-8 addresses).
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from urllib.parse import quote

from ingest.contract import Refused

LINE = 76
LONGEST_WORD = 900
_NAME_CHARS = 200
_LONGEST_ADDRESS = 254
_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_PLAIN_PHRASE = re.compile(rf"[{_ATEXT} ]+").fullmatch
_DOT_ATOM = re.compile(rf"[{_ATEXT}\u0080-\U0010ffff]+(?:\.[{_ATEXT}\u0080-\U0010ffff]+)*").fullmatch
_LOOSE_LOCAL = re.compile(rf"[{_ATEXT}.]+").fullmatch
_QUOTED_LOCAL = re.compile(r'"(?:[ !#-\[\]-~]|\\[ -~])*"').fullmatch
_DOMAIN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[A-Za-z0-9:.]+\]").fullmatch
_ID = re.compile(rf"[!-;=?-~]{{1,{LONGEST_WORD}}}").fullmatch
_CONTROL = dict.fromkeys((*range(32), *range(127, 160)), " ")


def checked(value: str, what: str) -> str:
    """The value. Raises Refused when it holds what would end a header line."""
    if "\n" in value or "\r" in value or "\0" in value:
        raise Refused(f"the reply's {what} holds a line break or NUL")
    return value


def address(value: str, what: str) -> str:
    """The address as it stands in an envelope and a header: domain in ASCII, an unusual local part quoted.

    Raises Refused when no mail can be addressed so.
    """
    local, at, domain = checked(value, what).strip().rpartition("@")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            domain = ""
    if at and _DOMAIN(domain) and len(value) <= _LONGEST_ADDRESS:
        if (_DOT_ATOM(local) and local.isprintable()) or _QUOTED_LOCAL(local):
            return f"{local}@{domain}"
        if _LOOSE_LOCAL(local):  # two dots in a row: not allowed, not rare in Japan
            return f'"{local}"@{domain}'
    raise Refused(f"the {what} cannot be written to")


def plus_address(own: str, token: str) -> str:
    """`local+TOKEN@domain`, to which the customer answers. Raises Refused for a token that is no part of one."""
    local, _, domain = own.rpartition("@")
    return address(f"{local}+{token}@{domain}", "reply token")


def mailbox(name: str, display: str | None, addr: str) -> str:
    """A field with one address, such as `From`."""
    shown = phrase(checked(display, f"{name} name")) if display else ""
    if not shown:
        return f"{name}: {addr}\r\n"
    gap = " " if len(name) + len(shown) + len(addr) + 5 <= LINE else "\r\n "
    return f"{name}: {shown}{gap}<{addr}>\r\n"


def mailboxes(name: str, people: Sequence[tuple[str | None, str]]) -> str:
    """A field with several addresses, one a line. Raises Refused as `address` does."""
    shown = []
    for display, value in people:
        addr = address(value, f"{name} address")
        words = phrase(checked(display, f"{name} name")) if display else ""
        shown.append(f"{words} <{addr}>" if words else addr)
    return f"{name}: " + ",\r\n ".join(shown) + "\r\n"


def phrase(text: str) -> str:
    """A display name: bare, quoted or encoded."""
    text = " ".join(text[:_NAME_CHARS].translate(_CONTROL).split())
    if not text.isascii() or "=?" in text:
        return encoded_words(text)
    if _PLAIN_PHRASE(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def unstructured(name: str, text: str) -> str:
    """A field of free text, such as `Subject`."""
    text = " ".join(checked(text, name.lower()).translate(_CONTROL).split())
    if not text.isascii() or "=?" in text:
        return f"{name}: {encoded_words(text)}\r\n"
    if len(name) + 2 + len(text) <= LINE:
        return f"{name}: {text}\r\n"
    lines, line = [], f"{name}:"
    for word in text.split(" "):
        if len(word) > LONGEST_WORD:
            return f"{name}: {encoded_words(text)}\r\n"
        # the first word stays beside the name: a line of blanks alone is not allowed
        if len(line) + 1 + len(word) > LINE and len(line) > len(name) + 1:
            lines.append(line)
            line = ""
        line += f" {word}"
    return "\r\n".join([*lines, line]) + "\r\n"


def encoded_words(text: str) -> str:
    """As many encoded words as it takes, none of which splits a character."""
    data, words, start = text.encode("utf-8", "replace"), [], 0
    while start < len(data):
        end = min(start + 45, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        words.append(f"=?utf-8?b?{b64encode(data[start:end]).decode('ascii')}?=")
        start = end
    return "\r\n ".join(words)


def message_id(value: str | None, what: str) -> str | None:
    """The id in angle brackets; None when it cannot be written in a header."""
    if value is None:
        return None
    value = checked(value, what)
    return f"<{value}>" if _ID(value) else None


def parameter(name: str, value: str) -> str:
    """`; name="value"`, on lines of its own in pieces when it is long or not ASCII."""
    value = checked(value, name).translate(_CONTROL).strip()
    if value.isascii() and len(value) <= 60:
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f';\r\n {name}="{escaped}"'
    pieces, piece = [], "utf-8''"
    for char in value:
        shown = quote(char, safe="", errors="replace")
        if len(piece) + len(shown) > 60:
            pieces.append(piece)
            piece = ""
        piece += shown
    pieces.append(piece)
    if len(pieces) == 1:
        return f";\r\n {name}*={pieces[0]}"
    return "".join(f";\r\n {name}*{n}*={piece}" for n, piece in enumerate(pieces))
