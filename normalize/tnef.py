"""TNEF (`winmail.dat`, MS-OXTNEF): the files and the body that Outlook packed into one part."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from normalize.charsets import decode
from normalize.html_charset import meta_charset
from normalize.limits import PARTS, TNEF_ATTRIBUTES
from normalize.rtf import read_rtf, unpack_rtf

TNEF_TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_SIGNATURE = 0x223E9F78
_CODEPAGE, _BODY, _MESSAGE_PROPERTIES = 0x069007, 0x02800C, 0x069003
_NEXT_ATTACHMENT, _TITLE, _DATA, _ATTACHMENT_PROPERTIES = 0x069002, 0x018010, 0x06800F, 0x069005
_PR_BODY, _PR_HTML, _PR_RTF = 0x1000, 0x1013, 0x1009
_PR_DATA, _PR_NAME, _PR_LONG_NAME, _PR_TYPE, _PR_CONTENT_ID, _PR_DISPLAY_NAME = (
    0x3701, 0x3704, 0x3707, 0x370E, 0x3712, 0x3001,
)  # fmt: skip
_FIXED = {0x0002: 4, 0x0003: 4, 0x0004: 4, 0x0005: 8, 0x0006: 8, 0x0007: 8, 0x000A: 4, 0x000B: 4, 0x0014: 8, 0x0040: 8,
          0x0048: 16, 0x0001: 0}  # fmt: skip
_STRING8, _UNICODE, _OBJECT, _BINARY = 0x001E, 0x001F, 0x000D, 0x0102
_MULTIPLE, _NAMED = 0x1000, 0x8000
_CLSID = 16
"""An object's value begins with the id of its class."""

_Properties: TypeAlias = dict[int, tuple[int, bytes]]


@dataclass(slots=True)
class PackedFile:
    """A file in a TNEF part. `media_type` and `content_id` where Outlook gave them."""

    name: str = ""
    data: bytes = b""
    media_type: str = ""
    content_id: str = ""


@dataclass(slots=True)
class Unpacked:
    """What was in a TNEF part. `damaged`: it broke off or does not add up; what came before is here."""

    text: str = ""
    html: str = ""
    files: list[PackedFile] = field(default_factory=list)
    damaged: bool = False


def unpack_tnef(data: bytes) -> Unpacked | None:
    """The content of a TNEF stream; None when it is none. Linear; never fails."""
    if len(data) < 6 or struct.unpack_from("<I", data)[0] != _SIGNATURE:
        return None
    found = Unpacked()
    charset = "cp1252"
    body = b""
    try:
        for name, value in _attributes(data, found):
            if name == _CODEPAGE and len(value) >= 4:
                charset = _charset(struct.unpack_from("<I", value)[0])
            elif name == _BODY:
                body = value
            elif name == _MESSAGE_PROPERTIES:
                _take_body(found, _properties(value), charset)
            elif name == _NEXT_ATTACHMENT and len(found.files) < PARTS:
                found.files.append(PackedFile())
            elif found.files and name in {_TITLE, _DATA, _ATTACHMENT_PROPERTIES}:
                _take_file(found.files[-1], name, value, charset)
    except (struct.error, IndexError):
        found.damaged = True
    if body and not found.text:
        found.text = decode(body.rstrip(b"\0"), charset).text
    found.files = [file for file in found.files if file.data or file.name]
    return found


def _charset(codepage: int) -> str:
    return "utf-8" if codepage in {65001, 0} else f"cp{codepage}"


def _attributes(data: bytes, found: Unpacked) -> Iterator[tuple[int, bytes]]:
    at = 6
    for _ in range(TNEF_ATTRIBUTES):
        if at + 9 > len(data) or data[at] not in {1, 2}:
            found.damaged = at < len(data) and data[at] in {1, 2}
            return
        name, length = struct.unpack_from("<II", data, at + 1)
        begin = at + 9
        value = data[begin : begin + length]
        yield name & 0xFFFFFF, value
        if len(value) < length:
            found.damaged = True
            return
        at = begin + length + 2  # a checksum follows, which nobody keeps right


def _properties(value: bytes) -> _Properties:
    """MAPI properties by id: type and first value."""
    (count,) = struct.unpack_from("<I", value)
    at = 4
    found: _Properties = {}
    for _ in range(min(count, TNEF_ATTRIBUTES)):
        if at + 4 > len(value):
            break
        kind, name = struct.unpack_from("<HH", value, at)
        at += 4
        if name >= _NAMED:
            at = _after_name(value, at)
        values = 1
        plain = kind & ~_MULTIPLE
        if kind & _MULTIPLE or plain in {_STRING8, _UNICODE, _OBJECT, _BINARY}:
            (values,) = struct.unpack_from("<I", value, at)
            at += 4
        for index in range(min(values, TNEF_ATTRIBUTES)):
            if plain in _FIXED:
                length = _FIXED[plain]
            elif plain in {_STRING8, _UNICODE, _OBJECT, _BINARY}:
                (length,) = struct.unpack_from("<I", value, at)
                at += 4
            else:
                return found
            if at + length > len(value):
                return found
            if index == 0:
                found.setdefault(name, (plain, value[at : at + length]))
            at += (length + 3) & ~3
    return found


def _after_name(value: bytes, at: int) -> int:
    (kind,) = struct.unpack_from("<I", value, at + 16)
    if kind == 0:
        return at + 24
    length: int = struct.unpack_from("<I", value, at + 20)[0]
    return at + 24 + ((length + 3) & ~3)


def _words(properties: _Properties, name: int, charset: str) -> str:
    kind, value = properties.get(name, (0, b""))
    if kind == _UNICODE:
        return decode(value, "utf-16-le").text.rstrip("\ufffd")
    return decode(value.rstrip(b"\0"), charset).text


def _take_body(found: Unpacked, properties: _Properties, charset: str) -> None:
    found.text = found.text or _words(properties, _PR_BODY, charset)
    if not found.html and _PR_HTML in properties:
        source = properties[_PR_HTML][1]
        found.html = decode(source.rstrip(b"\0"), meta_charset(source) or charset).text
    if _PR_RTF in properties and not (found.html or found.text):
        found.text, html = read_rtf(unpack_rtf(properties[_PR_RTF][1]))
        found.html = html or ""


def _take_file(file: PackedFile, name: int, value: bytes, charset: str) -> None:
    if name == _TITLE:
        file.name = file.name or decode(value.rstrip(b"\0"), charset).text
        return
    if name == _DATA:
        file.data = value
        return
    properties = _properties(value)
    if _PR_DATA in properties and not file.data:
        kind, octets = properties[_PR_DATA]
        file.data = octets[_CLSID:] if kind == _OBJECT else octets
    long = _words(properties, _PR_LONG_NAME, charset)
    file.name = (
        long or file.name or _words(properties, _PR_NAME, charset) or _words(properties, _PR_DISPLAY_NAME, charset)
    )
    file.media_type = _words(properties, _PR_TYPE, charset)
    file.content_id = _words(properties, _PR_CONTENT_ID, charset)
