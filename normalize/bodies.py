"""Which parts of a mail are what was written, and which came along (RFC 2046 §5.1, RFC 2387, RFC 2183)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from normalize.charsets import decode, decode_header_bytes
from normalize.files import LooseFile, media_type_of
from normalize.flowed import unflow
from normalize.html_charset import meta_charset
from normalize.html_text import html_to_text
from normalize.limits import HTML_CHARACTERS
from normalize.reply_html import text_without_quotes
from normalize.rtf import read_rtf
from normalize.structure import Part
from normalize.tnef import Unpacked
from normalize.transfer import decode_transfer, uuencoded_files

_UU_FILES = 50
_BODIES = frozenset({"text/plain", "text/html"})
_ENRICHED = frozenset({"text/enriched", "text/richtext"})
_OWN_CHARSET = frozenset({"text/rtf", "application/rtf"})
READABLE = frozenset(
    {
        "text/markdown",
        "text/x-markdown",
        "text/x-amp-html",
        "text/watch-html",
        "text/x-plain",
        "text/x-web-markdown",
        *_ENRICHED,
        "text/rtf",
    }
)
"""Texts that are read when there is no better one; beside a better one they are the same once more."""
_TAG = re.compile(r"<[^<>]{0,80}+>")
_LONGEST_PREAMBLE = 64 * 1024
_STOCK_PREAMBLE = re.compile(rb"MIME|multi-?part", re.IGNORECASE)


@dataclass(slots=True)
class Passage:
    """A stretch of what was written: as plain text, as HTML, or as both alternatives, each in one or more parts."""

    plain: list[Part] = field(default_factory=list)
    html: list[Part] = field(default_factory=list)


@dataclass(slots=True)
class Bodies:
    """What was written, in order, and everything else."""

    passages: list[Passage] = field(default_factory=list)
    attached: list[Part] = field(default_factory=list)
    preamble: tuple[int, int] | None = None
    """Where words may stand before the first part, which only old mail programs were meant to show."""


@dataclass(slots=True)
class Written:
    """The decoded words. `fresh`: without what the structure of the HTML marks as history, if that is known."""

    text: str
    html: str | None
    fresh: str | None
    files: list[LooseFile]


def choose_bodies(root: Part) -> Bodies:
    """Sort the parts of a mail. Not recursive; depth is limited where the structure was read."""
    bodies = Bodies()
    _sort(root, bodies, within=None, lone=True)
    if not bodies.passages:
        _make_do(root, bodies)
    return bodies


def _make_do(root: Part, bodies: Bodies) -> None:
    """A mail without plain text and HTML: another text that a person can read, or what stands before the parts."""
    for part in bodies.attached:
        if part.type in READABLE and (part is root or _is_body(part)):
            bodies.attached.remove(part)
            bodies.passages.append(Passage(plain=[part]))
            return
    for part in bodies.attached:
        if part.type in _BODIES and not _is_declared_file(part):  # a name alone makes no file of the only words
            part.resource = True
            bodies.passages.append(Passage(html=[part]) if part.type == "text/html" else Passage(plain=[part]))
            return
    if root.parts:
        bodies.preamble = root.begin, root.parts[0].whole


def _sort(part: Part, bodies: Bodies, within: Passage | None, *, lone: bool = False) -> None:
    """`within`: the passage whose alternatives are being read. Parts are at most 20 deep."""
    if part.type == "multipart/alternative" and part.parts:
        passage = within if within is not None else Passage()
        for child in part.parts:
            _sort(child, bodies, passage)
        if within is None and (passage.plain or passage.html):
            bodies.passages.append(passage)
    elif part.parts:
        for position, child in enumerate(part.parts):
            resource = part.type == "multipart/related" and position > 0 and not child.parts
            child.resource = resource
            if resource and (bodies.passages or (within is not None and (within.plain or within.html))):
                bodies.attached.append(child)
            else:
                _sort(child, bodies, within)
    elif part.type in _BODIES and (lone or _is_body(part) or (within is not None and not _is_declared_file(part))):
        passage = within if within is not None else Passage()
        (passage.html if part.type == "text/html" else passage.plain).append(part)
        if within is None:
            bodies.passages.append(passage)
        if lone and _is_declared_file(part) and part.disposition.parameters.get("filename"):
            bodies.attached.append(part)  # a mail that is nothing but a file, which a person can read at once
    elif not part.type.startswith("multipart/"):
        part.resource = part.resource or (within is not None and part.type in READABLE)
        bodies.attached.append(part)


def _is_declared_file(part: Part) -> bool:
    return part.disposition.value == "attachment"


def _is_body(part: Part) -> bool:
    if _is_declared_file(part):
        return False
    return not (part.disposition.parameters.get("filename") or part.content_type.parameters.get("name"))


def read_bodies(data: bytes, bodies: Bodies, warnings: list[str]) -> Written:
    """Decode what was written. Plain text is preferred; HTML becomes text where there is none."""
    texts: list[str] = []
    fresh: list[str] = []
    htmls: list[str] = []
    uuencoded: list[LooseFile] = []
    marked = False
    for passage in bodies.passages:
        sources = [_decoded(data, part, warnings, None) for part in passage.html]
        text = "\n".join(_decoded(data, part, warnings, uuencoded) for part in passage.plain)
        bare: str | None = None
        if sources:
            source = "\n".join(sources)
            htmls.append(source)
            if len(source) > HTML_CHARACTERS:
                warnings.append("html:truncated")
            if not text.strip():
                text = html_to_text(source)
                bare = text_without_quotes(source)
                marked = marked or bare is not None
        texts.append(text)
        fresh.append(text if bare is None else bare)
    if bodies.preamble is not None and (words := _preamble(data, bodies.preamble)):
        warnings.append("structure:preamble")
        return Written(words, None, None, uuencoded)
    if len(texts) == 1:
        return Written(texts[0], htmls[0] if htmls else None, fresh[0] if marked else None, uuencoded)
    return Written(
        "\n".join(text for text in texts if text),
        "\n".join(htmls) if htmls else None,
        "\n".join(text for text in fresh if text) if marked else None,
        uuencoded,
    )


def where_text_is(bodies: Bodies, packed: Iterable[Unpacked]) -> str:
    """For a person: which parts the text was taken from, in order."""
    found = [part.type for passage in bodies.passages for part in [*passage.plain, *passage.html]]
    found += ["winmail.dat" for each in packed if each.text or each.html]
    if bodies.preamble is not None:
        found.append("the words before the first part")
    return ", ".join(found) or "there is no part with text"


def _preamble(data: bytes, where: tuple[int, int]) -> str:
    """What was written before the first boundary, unless it only says that this is MIME."""
    octets = data[where[0] : where[1]][:_LONGEST_PREAMBLE]
    octets = octets[: max(0, octets.rfind(b"\n--"))]
    if not octets.strip() or _STOCK_PREAMBLE.search(octets):
        return ""
    return decode(octets, None).text.replace("\r\n", "\n").strip()


def with_packed(written: Written, packed: Iterable[Unpacked]) -> Written:
    """`written`, with the body that was packed into a `winmail.dat` in place of what is missing."""
    for each in packed:
        html = each.html.replace("\r\n", "\n") or None
        if written.text.strip():
            written = Written(written.text, written.html or html, written.fresh, written.files)
            continue
        text = each.text.replace("\r\n", "\n").replace("\r", "\n") or (html_to_text(html) if html else "")
        fresh = text_without_quotes(html) if html and not each.text else None
        written = Written(text, written.html or html, fresh, written.files)
    return written


def _decoded(data: bytes, part: Part, warnings: list[str], uuencoded: list[LooseFile] | None) -> str:
    octets, damage = decode_transfer(data[part.begin : part.end], part.encoding)
    if damage:
        warnings.append(damage)
    if uuencoded is not None and b"\nend" in octets and b"begin " in octets:
        octets = _without_uuencoded(octets, uuencoded)
    charset = part.content_type.parameters.get("charset")
    if charset is None and part.type == "text/html":
        charset = meta_charset(octets)
    if part.type in _OWN_CHARSET:
        return read_rtf(octets).text.strip()
    if b"\r\n" in octets and not (charset or "").lower().startswith(("utf-16", "utf16", "utf-32", "utf32", "ucs")):
        octets = octets.replace(b"\r\n", b"\n")  # before a damaged character can swallow half a line end
    text, guessed = decode(octets, charset)
    if guessed:
        warnings.append(guessed)
    if "\r" in text:
        for _ in range(2 if "\r\r\n" in text else 0):  # a line end that was encoded, and another that was not
            text = text.replace("\r\r\n", "\r\n")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if part.type in _ENRICHED:
        return _TAG.sub("", text.replace("<<", "&lt;")).replace("&lt;", "<")
    if part.type == "text/plain" and part.content_type.parameters.get("format", "").lower() == "flowed":
        text = unflow(text, delete_space=part.content_type.parameters.get("delsp", "").lower() == "yes")
    return text.removeprefix("\ufeff")


def _without_uuencoded(octets: bytes, found: list[LooseFile]) -> bytes:
    files = uuencoded_files(octets, _UU_FILES)
    for each in files:
        name = decode_header_bytes(each.name)
        found.append(LooseFile(name, each.data, media_type_of(name)))
    pieces: list[bytes] = []
    at = 0
    for each in files:
        pieces.append(octets[at : each.start])
        at = each.end
    pieces.append(octets[at:])
    return b"".join(pieces)
