"""multipart/form-data as browsers send it (RFC 7578)."""

import re
from typing import NamedTuple

from bus.errors import Invalid
from normalize.files import media_type_of
from normalize.legible import legible

_PARTS = 200
_HEAD_BYTES = 16 * 1024
_BOUNDARY = re.compile(r"""boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;,]{1,200}))""", re.IGNORECASE)
_PARAMETER = re.compile(r"""(?<![\w*])(name|filename)(\*?)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))""", re.IGNORECASE)


class File(NamedTuple):
    """An uploaded file."""

    field: str
    name: str
    media_type: str
    data: bytes


class Multipart(NamedTuple):
    """Text fields in order (a name may come again), and files."""

    values: list[tuple[str, str]]
    files: list[File]


def read_multipart(content_type: str, body: bytes) -> Multipart:
    """The parts. Raises Invalid without a boundary, without a part, or with more than 200."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise Invalid("multipart without a boundary")
    delimiter = b"--" + (found[1] or found[2]).encode("latin-1", "replace")
    chunks = (b"\r\n" + body).split(b"\r\n" + delimiter, _PARTS + 2)
    if len(chunks) > _PARTS + 2:
        raise Invalid(f"a form of more than {_PARTS} parts")
    values: list[tuple[str, str]] = []
    files: list[File] = []
    for chunk in chunks[1:]:
        if chunk.startswith(b"--"):
            break
        _read_part(chunk, values, files)
    if not values and not files:
        raise Invalid("multipart without a part")
    return Multipart(values, files)


def _read_part(chunk: bytes, values: list[tuple[str, str]], files: list[File]) -> None:
    end = chunk.find(b"\r\n\r\n", 0, _HEAD_BYTES)
    if end < 0:
        return
    disposition, media_type = "", ""
    for line in chunk[:end].decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            disposition = value
        elif name.strip().lower() == "content-type":
            media_type = value.strip()
    named = {kind.lower(): _unescaped(quoted or bare) for kind, _, quoted, bare in _PARAMETER.findall(disposition)}
    data = chunk[end + 4 :]
    field = named.get("name", "")
    if "filename" not in named:
        values.append((field, legible(data.decode("utf-8", "replace"))))
    elif named["filename"] or data:  # an empty file input is sent as a file without name and bytes
        name = named["filename"]
        files.append(File(field, name, media_type.split(";")[0].strip().lower() or media_type_of(name), data))


def _unescaped(value: str) -> str:
    """Browsers percent-encode what would end the quoted text, and nothing else (WHATWG, multipart/form-data)."""
    return legible(value.replace('\\"', '"').replace("%22", '"').replace("%0D", " ").replace("%0A", " "))
