"""Rich text that Outlook sends in place of a body: unpacked (MS-OXRTFCP), read as HTML or words (MS-OXRTFEX)."""

import re
import struct
from typing import NamedTuple

from normalize.charsets import decode
from normalize.limits import RTF_BYTES

_PRESET = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans Serif"
    rb"SymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0" + b"\r\n" + rb"\par "
    rb"\pard\plain\f0\fs20\b\i\u\tab\tx"
)
_PACKED, _PLAIN = 0x75465A4C, 0x414C454D
_WINDOW = 4096
_DEEPEST = 1000
_UTF8 = 65001
_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z'])|([{}])|[\r\n]+|([^\\{}\r\n]+)|\\", re.DOTALL
)
_UNSEEN = frozenset({
    b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"header", b"footer", b"generator",
    b"listtable", b"listoverridetable", b"themedata", b"datastore", b"xmlnstbl", b"latentstyles", b"rsidtbl",
    b"mmathPr", b"fldinst",
})  # fmt: skip
_SIGNS = {
    b"par": "\n", b"line": "\n", b"tab": "\t", b"cell": "\t", b"row": "\n", b"lquote": "‘", b"rquote": "’",
    b"ldblquote": "“", b"rdblquote": "”", b"bullet": "•", b"endash": "–", b"emdash": "—",
}  # fmt: skip
_SYMBOLS = {b"~": "\xa0", b"_": "-", b"\\": "\\", b"{": "{", b"}": "}", b"\n": "\n", b"\r": "\n"}


def unpack_rtf(packed: bytes) -> bytes:
    """The RTF in a PR_RTF_COMPRESSED value; what there is of it when it is cut off; at most `limits.RTF_BYTES`."""
    if len(packed) < 16:
        return b""
    _, size, kind = struct.unpack_from("<III", packed)
    if kind == _PLAIN:
        return packed[16 : 16 + min(size, RTF_BYTES)]
    return _inflated(packed, min(size, RTF_BYTES)) if kind == _PACKED else b""


def _inflated(packed: bytes, size: int) -> bytes:
    out = bytearray(_PRESET)
    start = len(out)  # the dictionary is a window over what was written, the preset included
    at = 16
    while at < len(packed) and len(out) - start < size:
        flags = packed[at]
        at += 1
        for bit in range(8):
            if at >= len(packed) or len(out) - start >= size:
                break
            if not flags >> bit & 1:
                out.append(packed[at])
                at += 1
                continue
            if at + 1 >= len(packed):
                return bytes(out[start:])
            reference = packed[at] << 8 | packed[at + 1]
            at += 2
            offset, length = reference >> 4, (reference & 15) + 2
            back = (len(out) - offset) % _WINDOW
            if back == 0 or back > len(out):
                return bytes(out[start:])
            for _ in range(length):
                out.append(out[-back])
    return bytes(out[start : start + size])


class RichText(NamedTuple):
    """What an RTF says: the HTML that it was made from, if it was, or its plain text."""

    text: str
    html: str | None


class _Group(NamedTuple):
    """What holds until the closing brace. `skip`: characters after a Unicode one that repeat it for old readers."""

    hidden: bool = False
    tag: bool = False
    skip: int = 1


def read_rtf(rtf: bytes) -> RichText:
    """The words of an RTF. Linear, not recursive."""
    reading = _Reading(from_html=b"\\fromhtml1" in rtf[:1024])
    for match in _TOKEN.finditer(rtf[:RTF_BYTES]):
        reading.take(match)
    words = reading.words()
    return RichText("", words) if reading.from_html else RichText(words, None)


class _Reading:
    """The words so far. Of RTF made from HTML, tags stand in `htmltag` groups; what `htmlrtf` encloses is RTF's own."""

    def __init__(self, *, from_html: bool) -> None:
        self.from_html = from_html
        self.out: list[str] = []
        self.octets = bytearray()
        self.charset = "cp1252"
        self.groups: list[_Group] = []
        self.now = _Group()
        self.only_rtf = False
        self.pending = 0

    def words(self) -> str:
        self.flush()
        text = "".join(self.out)
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd")

    def shown(self) -> bool:
        return not self.now.hidden and not (self.from_html and self.only_rtf and not self.now.tag)

    def flush(self) -> None:
        if self.octets:
            self.out.append(decode(bytes(self.octets), self.charset).text)
            self.octets.clear()

    def take(self, match: re.Match[bytes]) -> None:
        word, number, code, symbol, brace, run = match.groups()
        if code is not None or run is not None:
            self.octet_run(bytes([int(code, 16)]) if code is not None else run)
            return
        self.flush()
        if brace is not None:
            self.brace(brace)
        elif symbol == b"*":
            self.now = self.now._replace(hidden=True)
        elif symbol is not None:
            if self.shown():
                self.out.append(_SYMBOLS.get(symbol, ""))
        elif word is not None:
            self.word(word, int(number) if number else None)

    def octet_run(self, given: bytes) -> None:
        skipped = min(self.pending, len(given))
        self.pending -= skipped
        if self.shown():
            self.octets += given[skipped:]

    def brace(self, brace: bytes) -> None:
        self.pending = 0
        if brace == b"{":
            if len(self.groups) < _DEEPEST:
                self.groups.append(self.now)
        elif self.groups:
            self.now = self.groups.pop()

    def word(self, word: bytes, number: int | None) -> None:
        if word == b"htmltag":
            self.now = self.now._replace(hidden=False, tag=True)
        elif word == b"htmlrtf":
            self.only_rtf = number != 0
        elif word == b"ansicpg" and number:
            self.charset = "utf-8" if number == _UTF8 else f"cp{number}"
        elif word in _UNSEEN:
            self.now = self.now._replace(hidden=True)
        elif word == b"uc" and number is not None:
            self.now = self.now._replace(skip=min(max(number, 0), 8))
        elif word == b"u" and number is not None:
            self.pending = self.now.skip
            if self.shown():
                self.out.append(chr(number & 0xFFFF))
        elif self.shown():
            self.out.append(_SIGNS.get(word, ""))
