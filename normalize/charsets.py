"""Bytes to text, whatever the charset label says (RFC 2046 §4.1.2, WHATWG labels)."""

import codecs
import re
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from normalize.iso2022 import decode_iso2022_jp
from normalize.legible import legible
from normalize.undeclared import guess_charset

_ESCAPING = frozenset(
    {
        "iso2022_jp",
        "iso2022_kr",
        "hz",
        "utf_7",
        "utf-7",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "utf-32",
        "utf-32-le",
        "utf-32-be",
    }
)
_BETTER = {  # what senders mean by the label: the superset that WHATWG or the vendor uses for it
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "big5": "big5hkscs",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "unicode-1-1-utf-7": "utf-7",
    "utf8": "utf-8",
    "utf-8mb4": "utf-8",
    "cp-850": "cp850",
    "unicode": "utf-16",
}
_WIDE = frozenset({"utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"})
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF8 = frozenset({"utf-8", "utf_8", "utf_8_sig", "utf-8-sig"})
_UNICODE = _UTF8 | _ESCAPING
_BEYOND = re.compile(r"[^\x00-\x7f]")
_C1 = re.compile(r"[\x80-\x9f]")
_ENOUGH = 3
_LABEL_END = re.compile(r"[*\s;,(\"']")  # a language (RFC 2231), a comment, the next parameter
_SAYING_LITTLE = frozenset({None, "ascii", "utf-8", "utf_8", "cp1252"})
"""Charsets that a mail names by habit: they say nothing of bytes that are no UTF-8."""
_WESTERN = "".join(bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(256))


class Decoded(NamedTuple):
    """A text and, when it had to be guessed, the warning that says so."""

    text: str
    warning: str | None


def decode(data: bytes, label: str | None) -> Decoded:
    """`data` as text. `label` is the declared charset, if there was one; a wrong one is noticed and warned of."""
    codec = _codec(label) if label else None
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
    codec = _codec(hint) if hint else None
    if codec in _SAYING_LITTLE:
        codec = guess_charset(data)
    if codec:
        try:
            return legible(data.decode(codec))
        except (UnicodeError, ValueError, LookupError):
            pass
    return _western(data)


@lru_cache(maxsize=256)
def _codec(label: str) -> str | None:
    """Python's name for a label, or None when it has none that makes text of bytes."""
    name = _LABEL_END.split(label.strip("'\" \t;,("), maxsplit=1)[0].lower()[:60]
    name = _BETTER.get(name, name)
    if "\0" in name or not name.isascii():
        return None
    if name.startswith("iso-2022-jp") or name in {"csiso2022jp", "iso2022jp", "cp50220", "cp50221"}:
        return "iso2022_jp"
    for candidate in (name, name.replace("windows-", "cp").replace("x-cp", "cp"), name.removeprefix("x-")):
        try:
            found = codecs.lookup(candidate)
            if isinstance(b"".decode(candidate), str):
                better = _BETTER.get(found.name, found.name)
                return "cp1252" if better == "latin_1" else better
        except (LookupError, ValueError, UnicodeError, TypeError):
            continue
    return None


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
