"""Encoded words in headers (RFC 2047, language suffix of RFC 2231), the broken ones included."""

import binascii
import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from normalize.charsets import decode
from normalize.legible import legible
from normalize.transfer import decode_base64

_TORN_OCTET = re.compile(r"=[0-9A-Fa-f]?$")
_LAYERS = 3


@dataclass(frozen=True, slots=True)
class _Word:
    start: int
    end: int
    charset: str
    encoding: str
    payload: str


def decode_words(text: str) -> str:
    """`text` with its encoded words decoded. What only looks like one stays as it is. Linear."""
    for _ in range(_LAYERS):  # relays that do not recognise an encoded word encode it once more
        if "=?" not in text:
            break
        before, text = text, _decoded(text)
        if text == before:
            break
    return text


def _decoded(text: str) -> str:
    pieces: list[str] = []
    run: list[_Word] = []
    at = 0
    for word in _words(text):
        gap = text[run[-1].end if run else at : word.start]
        if run and gap and not gap.isspace():
            pieces.append(_join(run))
            run = []
        if not run:
            pieces.append(text[at : word.start] if at <= word.start else "")
        elif gap and not gap.isspace():
            pieces.append(gap)
        run.append(word)
        at = word.end
    if run:
        pieces.append(_join(run))
    pieces.append(text[at:])
    return legible("".join(pieces))


def _words(text: str) -> list[_Word]:
    """Every encoded word, left to right."""
    found: list[_Word] = []
    at = 0
    while (start := text.find("=?", at)) >= 0:
        at = start + 2
        mark = text.find("?", at, at + 80)
        if mark < 0 or text[mark + 2 : mark + 3] != "?" or text[mark + 1] not in "bBqQ":
            continue
        charset = text[at:mark]
        if not charset or " " in charset or "=" in charset:
            continue
        end = _end_of(text, mark + 3, text[mark + 1].lower())
        if end < 0:
            break
        found.append(_Word(start, end + 2, charset, text[mark + 1].lower(), text[mark + 3 : end]))
        at = end + 2
    return found


def _end_of(text: str, begin: int, encoding: str) -> int:
    """Where the closing `?=` is; a raw `?` before an encoded octet is not it."""
    end = text.find("?=", begin)
    if encoding == "b" or end < 0:
        return end
    for _ in range(50):
        following = text[end + 2 : end + 4]
        if len(following) < 2 or not all(c in "0123456789ABCDEFabcdef" for c in following):
            return end
        later = text.find("?=", end + 2, end + 80)
        if later < 0 or any(c in " \t=" for c in text[end + 4 : later] if c != "=") or "=?" in text[end + 2 : later]:
            return end
        end = later
    return end


def _join(run: list[_Word]) -> str:
    """Neighbouring words as one text: characters and base64 groups may be torn between them."""
    pieces: list[str] = []
    octets = b""
    pending = ""
    for index, word in enumerate(run):
        if word.encoding == "b":
            pending += word.payload
            following = run[index + 1] if index + 1 < len(run) else None
            same = following and following.encoding == "b" and following.charset.lower() == word.charset.lower()
            if same and not word.payload.rstrip().endswith("="):
                continue
            octets += decode_base64(pending.encode("ascii", "ignore")).data
            pending = ""
        else:
            payload = pending + word.payload
            pending = ""
            following = run[index + 1] if index + 1 < len(run) else None
            same = following and following.encoding == "q" and following.charset.lower() == word.charset.lower()
            if same and (torn := _TORN_OCTET.search(payload)):
                payload, pending = payload[: torn.start()], torn[0]
            octets += _quoted(payload, word.charset)
        following = run[index + 1] if index + 1 < len(run) else None
        if following is None or following.charset.lower() != word.charset.lower():
            pieces.append(decode(octets, word.charset).text)
            octets = b""
    return "".join(pieces)


def _quoted(payload: str, charset: str) -> bytes:
    """The Q encoding; characters beyond ASCII, which should have been encoded, are put back into its charset."""
    payload = payload.replace("_", " ")
    try:
        raw = payload.encode("ascii" if payload.isascii() else charset)
    except (UnicodeError, LookupError):
        raw = payload.encode("utf-8", "replace")
    if b"=" not in raw:
        return raw
    try:
        return binascii.a2b_qp(raw, header=False)
    except (binascii.Error, ValueError):  # pragma: no cover - a2b_qp is lenient, but promises nothing
        return unquote_to_bytes(raw.replace(b"=", b"%"))
