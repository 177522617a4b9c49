"""`type/subtype; name=value` fields (RFC 2045 §5.1, RFC 2183) with RFC 2231 values and their imitations."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from normalize.charsets import decode
from normalize.encoded_words import decode_words
from normalize.legible import legible

_PLAIN = re.compile(
    r"([\w.+-]++/[\w.+-]++|[\w-]++)\s*+(?:;\s*+([\w-]++)\s*+=\s*+(?:\"([^\"\\]*+)\"|([^\s;\"'*%]++))\s*+)?;?"
)
_PARAMETER = re.compile(
    r"([^\s;=\"]{1,80}+)\s*+=(?:=(?!\?))*+\s*+(?:\"((?:[^\"\\]|\\.)*)(?:\"|\Z)|([^;\"\r\n]*))", re.DOTALL
)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
"""RFC 5322 §3.2.1: a path of Windows whose separators its sender did not quote loses them."""
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_SECTION = re.compile(r"(.+?)\*(?:(\d{1,3})(\*?))?")
_MISSING_SEMICOLON = re.compile(r"\s+(?=[A-Za-z][\w-]*\*?(?:\d\*?)?=)")
_SLASH = re.compile(r"\s*+/\s*+")
_LONGEST = 16 * 1024
_SHORT = 48


class Value(NamedTuple):
    """The value in front, lower-case, and the decoded parameters by lower-case name."""

    value: str
    parameters: Mapping[str, str]


NOTHING = Value("", {})


def parse_parameters(field: str) -> Value:
    """A Content-Type or Content-Disposition field. Never fails; at most 16 KiB of it are read."""
    return _read_again(field) if len(field) <= _SHORT else _read(field[:_LONGEST])


def _read(field: str) -> Value:
    field = field.strip()
    if not field:
        return NOTHING
    plain = _PLAIN.fullmatch(field)
    if plain is not None and "=?" not in field:
        name = plain[2]
        found = {} if name is None else {name.lower(): plain[3] if plain[3] is not None else plain[4]}
        return Value(plain[1].lower(), found)
    head, _, rest = field.partition(";")
    if "=" in head:  # the value in front is missing, or its semicolon is
        parts = head.split(None, 1)
        head, rest = (parts[0], f"{parts[1]};{rest}") if "=" not in parts[0] and len(parts) == 2 else ("", field)
    return Value(_SLASH.sub("/", head.strip().strip("\"', ")).lower(), _collect(rest))


_read_again = lru_cache(maxsize=1024)(_read)
"""Most mails have the same few: `text/plain; charset=utf-8`."""


def _collect(rest: str) -> dict[str, str]:
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    for match in _PARAMETER.finditer(rest):
        name = match[1].lower()
        quoted = match[2]
        raw = _QUOTED_PAIR.sub(r"\1", quoted) if quoted is not None and "\\" in quoted else quoted
        values = [(name, raw)] if raw is not None else _unquoted(name, match[3])
        for key, value in values:
            section = _SECTION.fullmatch(key)
            if section is None:
                plain.setdefault(key, decode_words(value))
            else:
                number = int(section[2]) if section[2] else 0
                encoded = section[2] is None or bool(section[3])
                sections.setdefault(section[1], {}).setdefault(number, (value, encoded))
    for name, pieces in sections.items():
        plain[name] = _joined(pieces)
    return plain


def _unquoted(name: str, raw: str) -> list[tuple[str, str]]:
    """An unquoted value, which may hold blanks, or further parameters whose semicolon is missing."""
    first, *more = _MISSING_SEMICOLON.split(raw.strip()[:2048])
    found = [(name, first.strip().rstrip(",").strip("'") if not name.endswith("*") else first.strip())]
    for item in more:
        key, _, value = item.partition("=")
        found.append((key.lower(), value.strip()))
    return found


def _joined(pieces: Mapping[int, tuple[str, bool]]) -> str:
    """RFC 2231 sections in the order of their numbers; characters may be torn between two of them."""
    charset: str | None = None
    octets = b""
    for position, (_, (given, encoded)) in enumerate(sorted(pieces.items())):
        value = given
        if encoded and position == 0 and given.count("'") >= 2:
            charset, _, value = given.split("'", 2)
        raw = value.encode("utf-8", "replace")
        octets += _PERCENT.sub(lambda m: bytes([int(m[1], 16)]), raw) if encoded else raw
    return decode_words(legible(decode(octets, charset or "utf-8").text))
