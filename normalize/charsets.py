"""Bytes to text, whatever the charset label says (RFC 2046 §4.1.2, WHATWG labels)."""

import codecs
import re
from itertools import islice
from typing import NamedTuple

from normalize.charset_labels import codec_of
from normalize.iso2022 import decode_iso2022_jp
from normalize.legible import legible
from normalize.undeclared import guess_charset

_WIDE = frozenset({"utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"})
_ESCAPING = _WIDE | {"iso2022_jp", "iso2022_kr", "hz", "utf-7"}
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF8 = frozenset({"utf-8", "utf-8-sig"})
_UNICODE = _UTF8 | _ESCAPING
_BEYOND = re.compile(r"[^\x00-\x7f]")
_C1 = re.compile(r"[\x80-\x9f]")
_ENOUGH = 3
_SAYING_LITTLE = frozenset({None, "ascii", "utf-8", "cp1252"})
"""Charsets that a mail names by habit: they say nothing of bytes that are no UTF-8."""
_WESTERN = "".join(bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(256))


class Decoded(NamedTuple):
    """A text and, when it had to be guessed, the warning that says so."""

    text: str
    warning: str | None


def decode(data: bytes, label: str | None) -> Decoded:
    """`data` as text. `label` is the declared charset, if there was one; a wrong one is noticed and warned of."""
    codec = codec_of(label) if label else None
    if codec is None or codec == "ascii":
        if data.isascii() and b"\x1b" not in data:
            return Decoded(_plain(data), _unknown(label, codec))
        return _guess(data, label, codec)
    if codec not in _ESCAPING and data.isascii():
        return Decoded(_plain(data), None)
    return _labelled(data, codec)


def _labelled(data: bytes, codec: str) -> Decoded:
    if codec == "iso2022_jp":
        return Decoded(legible(decode_iso2022_jp(data)), None)
    if codec in _WIDE and b"\0" not in data and not data.startswith(_MARKS):
        return Decoded(_guess(data, None, None).text, "charset:wrong-label")
    if codec in _ESCAPING:
        data = data.replace(b"\r\n", b"\n")  # a relay's, between the bytes of characters or after damaged ones
    if codec not in _UNICODE and _is_really_utf8(data):
        return Decoded(legible(data.decode()), "charset:wrong-label")
    try:
        text = data.decode(codec)
    except (UnicodeError, ValueError, LookupError):
        return _mislabelled(data, codec)
    # of all codecs only UTF-7 can give half a character
    return Decoded(legible(text) if codec == "utf-7" or "\0" in text else text, None)


def _is_really_utf8(data: bytes) -> bool:
    """Whether these bytes, labelled otherwise, are UTF-8: several characters of it and nothing else, by no accident."""
    try:  # elsewhere the first accent ends it
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return sum(1 for _ in islice(_BEYOND.finditer(text), _ENOUGH)) == _ENOUGH and not _C1.search(text)


def decode_header_bytes(data: bytes, hint: str | None = None) -> str:
    """A header value with bytes beyond ASCII and no encoding: UTF-8, mostly UTF-8, `hint`, or Windows-1252."""
    if data.isascii():
        return legible(decode_iso2022_jp(data)) if b"\x1b$" in data else _plain(data)
    try:
        return legible(data.decode())
    except UnicodeDecodeError:
        pass
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    if bad * 5 <= _count_beyond(text):
        return legible(text)
    codec = codec_of(hint) if hint else None
    if codec in _SAYING_LITTLE:
        codec = guess_charset(data)
    if codec:
        try:
            return legible(data.decode(codec))
        except (UnicodeError, ValueError, LookupError):
            pass
    return _western(data)


def _plain(data: bytes) -> str:
    text = data.decode("ascii")
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _unknown(label: str | None, codec: str | None) -> str | None:
    return f"charset:unknown-label:{_short(label)}" if label and codec is None else None


def _short(label: str) -> str:
    return "".join(c for c in label.lower() if c.isascii() and (c.isalnum() or c in "-_"))[:40]


def _guess(data: bytes, label: str | None, codec: str | None) -> Decoded:
    """Text without a charset, or with one that cannot be right."""
    if data.isascii():
        if b"\x1b$" in data or b"\x1b(J" in data:
            return Decoded(legible(decode_iso2022_jp(data)), "charset:guessed-iso-2022-jp")
        return Decoded(_plain(data), _unknown(label, codec))
    if data.startswith(_MARKS):
        return Decoded(legible(data.replace(b"\r\n", b"\n").decode("utf-16", "replace")), "charset:unknown-8bit")
    try:
        return Decoded(legible(data.decode("utf-8-sig")), _unknown(label, codec) or "charset:unknown-8bit")
    except UnicodeDecodeError:
        guessed = guess_charset(data)
        text = data.decode(guessed, "replace") if guessed else _western(data)
        return Decoded(legible(text), _unknown(label, codec) or "charset:unknown-8bit")


def _mislabelled(data: bytes, codec: str) -> Decoded:
    """The label does not fit: a few bad bytes are damage, many mean that the label is wrong."""
    if codec == "cp1252":
        return Decoded(_western(data), None)
    try:
        damaged = legible(data.decode(codec, "replace"))
    except (UnicodeError, ValueError, LookupError):
        return Decoded(_western(data), "charset:wrong-label")
    bad = damaged.count("\ufffd")
    beyond = _count_beyond(damaged)
    # what is well-formed UTF-8 is so by no accident; in other charsets nearly everything is well-formed
    if bad * (2 if codec in _UTF8 else 5) <= beyond:
        return Decoded(damaged, "charset:damaged")
    try:
        return Decoded(legible(data.decode()), "charset:wrong-label")
    except UnicodeDecodeError:
        pass
    if codec in _UTF8 or bad * 2 > beyond:
        return Decoded(_western(data), "charset:wrong-label")
    return Decoded(damaged, "charset:damaged")


def _count_beyond(text: str) -> int:
    """How many characters are beyond ASCII."""
    return len(text) - len(text.encode("ascii", "ignore"))


def _western(data: bytes) -> str:
    """Windows-1252 as browsers read it: its five holes are C1 controls. Never fails."""
    return legible(codecs.charmap_decode(data, "strict", _WESTERN)[0])
