"""The header block of a mail or of a part (RFC 5322 §2.2): where it ends, and its fields."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from normalize.charsets import decode_header_bytes
from normalize.encoded_words import decode_words
from normalize.limits import HEADER_BLOCK_BYTES, HEADERS

_FIELDS = re.compile(rb"^([!-9;-~]++[ \t]*+):(.*(?:\n[ \t].*)*+)(?:\n|\Z)", re.MULTILINE)
_FIELD_START = re.compile(rb"[!-9;-~]+[ \t]*:")
_WELL_KNOWN = re.compile(
    rb"^(?:From|To|Subject|Date|Message-ID|MIME-Version|Content-Type|Received)[ \t]*:", re.MULTILINE | re.IGNORECASE
)
_CHARSET = re.compile(rb"charset[ \t]{0,4}=[ \t]{0,4}[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_PARAMETER = re.compile(rb"[\w*-]{1,40}[ \t]*=")
_ESCAPE = b"\x1b"
_WESTERN = frozenset({"us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252", "utf-8"})


class Headers:
    """Fields in their order; names lower-case, values unfolded but not decoded."""

    __slots__ = ("_fields", "_first", "charset_hint")

    def __init__(self, fields: Sequence[tuple[bytes, bytes]]) -> None:
        self._fields = fields
        self._first: dict[bytes, bytes] = dict(reversed(fields))
        self.charset_hint: str | None = None

    def __len__(self) -> int:
        return len(self._fields)

    def __contains__(self, name: bytes) -> bool:
        return name in self._first

    def any_of(self, names: frozenset[bytes]) -> bool:
        """Whether a field of any of these names is there."""
        return not names.isdisjoint(self._first)

    def repeats(self, name: bytes) -> bool:
        """Whether there are several fields of that name."""
        return len(self._first) != len(self._fields) and [each for each, _ in self._fields].count(name) > 1

    def names(self) -> Sequence[bytes]:
        """The lower-case names, in order, repetitions included."""
        return [name for name, _ in self._fields]

    def raw(self, name: bytes) -> bytes:
        """The first field of that lower-case name, unfolded; empty when there is none."""
        value = self._first.get(name)
        if value is None:
            return b""
        return value.replace(b"\n", b"").strip() if b"\n" in value else value.strip()

    def raw_all(self, name: bytes) -> list[bytes]:
        """All fields of that name, unfolded, in order."""
        if name not in self._first:
            return []
        if len(self._first) == len(self._fields):
            return [self.raw(name)]
        return [value.replace(b"\n", b"").strip() for n, value in self._fields if n == name]

    def joined(self, name: bytes) -> str:
        """All fields of that name as one list, undecoded: for address fields, which may stand there more than once."""
        if len(self._first) == len(self._fields):
            return self.undecoded(name) if name in self._first else ""
        return ", ".join(self.all_undecoded(name))

    def all_undecoded(self, name: bytes) -> list[str]:
        """All fields of that name as text, encoded words still encoded."""
        return [decode_header_bytes(value, self.charset_hint) for value in self.raw_all(name)]

    def undecoded(self, name: bytes) -> str:
        """The first field as text, its encoded words still encoded: for what has to be split first."""
        raw = self.raw(name)
        if raw.isascii() and _ESCAPE not in raw:
            return raw.decode("ascii")
        return decode_header_bytes(raw, self.charset_hint)

    def text(self, name: bytes) -> str:
        """The first field, decoded."""
        return decode_words(self.undecoded(name))


class Block(NamedTuple):
    """A header block that was read: its fields, where the body begins, and the limit it broke, if any."""

    headers: Headers
    body: int
    limit: str | None


def read_headers(data: bytes, start: int, end: int) -> Block:
    """The header block at `start` of `data[:end]`. Reads no more than the limit. Linear."""
    stop, body = _end_of_block(data, start, min(end, start + HEADER_BLOCK_BYTES + 4))
    limit = None
    if stop < 0:
        stop = min(end, start + HEADER_BLOCK_BYTES)
        body = end
        if end - start > HEADER_BLOCK_BYTES:
            limit = "header_bytes"
    block = data[start:stop]
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n").replace(b"\r", b" ")
    if b"\0" in block:
        block = block.replace(b"\0", b"\xef\xbf\xbd")
    found: list[tuple[bytes, bytes]] = _FIELDS.findall(block)
    if sum([len(name) + len(value) + 2 for name, value in found]) - len(block) in {0, 1}:  # nothing but fields
        fields = [(name.rstrip().lower(), value) for name, value in found]
        if len(fields) > HEADERS:
            limit = limit or "headers"
        return Block(Headers(fields[: HEADERS + 1]), body, limit)
    fields, broken_off = _fields_among_dirt(block)
    if not fields and block.strip():  # words without a head: a person will want to read them all
        return Block(Headers([]), start, None)
    if broken_off >= 0:
        body, limit = _same_place(data, start, block, broken_off), None
    if len(fields) > HEADERS:
        limit = limit or "headers"
    return Block(Headers(fields), body, limit)


def _fields_among_dirt(block: bytes) -> tuple[list[tuple[bytes, bytes]], int]:
    """The fields of a block with lines that are none; where the body begins although no empty line says so, or -1."""
    fields: list[tuple[bytes, bytes]] = []
    last_known = max((known.start() for known in _WELL_KNOWN.finditer(block)), default=0)
    at = 0
    while at < len(block) and len(fields) <= HEADERS:
        field = _FIELDS.match(block, at)
        if field is not None:
            fields.append((field[1].rstrip(b" \t").lower(), field[2]))
            at = field.end()
            continue
        following = block.find(b"\n", at) + 1 or len(block)
        if fields and fields[-1][1].rstrip().endswith(b";") and _PARAMETER.match(block, at):  # folded without a blank
            fields[-1] = (fields[-1][0], b"%s %s" % (fields[-1][1], block[at:following].strip()))
            at = following
            continue
        if at > last_known and not _header_follows(block, at, following):
            return fields, at
        at = following
    return fields, -1


def charset_of_mail(data: bytes, start: int) -> str | None:
    """The charset that a mail most likely means where it forgot to say so: the first that is not Western."""
    names = [found[1].decode() for found in _CHARSET.finditer(data, start, start + HEADER_BLOCK_BYTES)]
    return next((name for name in names if name.lower() not in _WESTERN), names[0] if names else None)


def _end_of_block(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Where the fields stop and the body begins; -1 when no empty line was found."""
    first = data[start : start + 2]
    if first[:1] == b"\n":
        return start, start + 1
    if first == b"\r\n":
        return start, start + 2
    # the kind of line end that the first line has is searched first, so that the body is not searched for the other
    line_end = data.find(b"\n", start, end)
    if line_end < 0:
        return -1, -1
    if data[line_end - 1 : line_end] == b"\r":
        dos = data.find(b"\n\r\n", start, end)
        unix = data.find(b"\n\n", start, end if dos < 0 else dos)
    else:
        unix = data.find(b"\n\n", start, end)
        dos = data.find(b"\n\r\n", start, end if unix < 0 else unix)
    if unix >= 0 and (dos < 0 or unix < dos):
        return unix, unix + 2
    return (dos, dos + 3) if dos >= 0 else (-1, -1)


def _header_follows(block: bytes, line: int, following: int) -> bool:
    """Whether a line without a colon is only dirt between fields: a field, or nothing, comes after it."""
    if following >= len(block):
        return line > 0 and not block[line:following].strip()
    if block[line : line + 5] in {b"From ", b">From"}:
        return True
    return _FIELD_START.match(block, following) is not None or not block[line:following].strip()


def _same_place(data: bytes, start: int, block: bytes, at: int) -> int:
    """The offset in `data` of the line that begins at `at` of the cleaned block."""
    place = start
    for _ in range(block.count(b"\n", 0, at)):
        place = data.find(b"\n", place) + 1
    return place
