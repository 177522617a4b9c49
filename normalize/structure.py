"""The tree of a mail's parts (RFC 2046), cut out of the bytes without copying, under limits."""

import re
from dataclasses import dataclass, field

from normalize.headers import Headers, charset_of_mail, read_headers
from normalize.limits import BOUNDARY_LIKE_LINES, DEPTH, PARTS, LimitExceeded
from normalize.parameters import NOTHING, Value, parse_parameters
from normalize.transfer import decode_transfer

_FEW = 10
_HALF_TYPES = {"text": "text/plain", "html": "text/html", "multipart": "multipart/mixed"}
_HEAD_AFTER_BLANK = re.compile(rb"Content-(?:Type|Disposition|Transfer-Encoding):", re.IGNORECASE)
_GUESSED_BOUNDARY = re.compile(rb"^--(\S[^\r\n]{0,99}?)[ \t]*\r?\n[Cc][Oo][Nn][Tt][Ee][Nn][Tt]-", re.MULTILINE)


@dataclass(slots=True)
class Part:
    """One part: `data[begin:end]` is its body, still transfer-encoded. `parts` of a multipart."""

    headers: Headers
    begin: int
    end: int
    type: str
    content_type: Value
    disposition: Value
    encoding: str
    parts: list["Part"] = field(default_factory=list)
    whole: int = 0
    resource: bool = False
    """Another rendering of the text, or what it shows: no file that its author attached."""


@dataclass(slots=True)
class _Walk:
    data: bytes
    warnings: list[str]
    parts: int = 0
    lookalikes: int = 0
    longer: int = 0
    hint: str | None = None

    def charset_hint(self) -> str | None:
        """What the mail most likely means where a part's head has bytes beyond ASCII."""
        if self.hint is None:
            self.hint = charset_of_mail(self.data, 0) or ""
        return self.hint or None


def read_structure(data: bytes, headers: Headers, begin: int, end: int, warnings: list[str]) -> Part:
    """The tree of a mail whose body is `data[begin:end]`. Raises LimitExceeded. Linear in size × depth."""
    walk = _Walk(data, warnings)
    root = _part(headers, begin, end, "text/plain")
    todo = [(root, 1)]
    while todo:
        part, depth = todo.pop()
        if not part.type.startswith("multipart/"):
            continue
        if depth > DEPTH:
            raise LimitExceeded("depth")
        part.parts = _children(walk, part)
        todo.extend((child, depth + 1) for child in part.parts)
    return root


def _part(headers: Headers, begin: int, end: int, default: str) -> Part:
    raw = _content_type(headers) if b"content-type" in headers else ""
    content_type = parse_parameters(raw)
    kind = content_type.value
    if "/" not in kind or kind.startswith("/") or kind.endswith("/"):
        kind = _HALF_TYPES.get(kind.strip("/<> "), default)
    where = (
        parse_parameters(headers.undecoded(b"content-disposition")) if b"content-disposition" in headers else NOTHING
    )
    encoding = headers.raw(b"content-transfer-encoding")
    label = (
        encoding.split(b";")[0].split(b"(")[0].strip(b" \t\"'").lower().decode("ascii", "replace") if encoding else ""
    )
    return Part(headers, begin, end, kind.split()[0], content_type, where, label)


def _content_type(headers: Headers) -> str:
    """The field that counts: of several the one that speaks of parts, else the first."""
    first = headers.undecoded(b"content-type")
    if not headers.repeats(b"content-type") or "boundary" in first.lower():
        return first
    others = headers.all_undecoded(b"content-type")
    return next((other for other in others if "boundary" in other.lower()), first)


def unwrapped(data: bytes, headers: Headers, begin: int) -> bytes:
    """`data`, its body decoded when a whole multipart was transfer-encoded, which RFC 2045 §6.4 forbids."""
    label = headers.raw(b"content-transfer-encoding").strip().lower().decode("ascii", "replace")
    if label not in {"base64", "quoted-printable"}:
        return data
    content_type = parse_parameters(_content_type(headers))
    boundary = b"--" + content_type.parameters.get("boundary", "").rstrip().encode("utf-8", "replace")
    if not content_type.value.startswith("multipart/") or data.find(boundary, begin) >= 0:
        return data
    decoded = decode_transfer(data[begin:], label).data
    return data[:begin] + decoded if boundary in decoded else data


def _children(walk: _Walk, part: Part) -> list[Part]:
    """The parts of a multipart. One whose boundary never appears becomes a text with a warning."""
    boundary = part.content_type.parameters.get("boundary", "").rstrip()
    spans = _spans(walk, part, boundary.encode("utf-8", "replace")) if boundary else []
    if not spans:
        guess = _GUESSED_BOUNDARY.search(walk.data, part.begin, min(part.end, part.begin + 65536))
        spans = _spans(walk, part, guess[1]) if guess else []
        walk.warnings.append("structure:boundary-guessed" if spans else "structure:boundary-missing")
    if not spans:
        part.type = "text/plain"
        return []
    default = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
    children = []
    for begin, end in spans:
        walk.parts += 1
        if walk.parts > PARTS:
            raise LimitExceeded("parts")
        block = read_headers(walk.data, begin, end)
        if not len(block.headers) and default == "text/plain" and _HEAD_AFTER_BLANK.match(walk.data, block.body, end):
            block = read_headers(walk.data, block.body, end)
        if block.limit:
            raise LimitExceeded(block.limit)
        if not walk.data[begin : block.body].isascii():
            block.headers.charset_hint = walk.charset_hint()
        child = _part(block.headers, min(block.body, end), end, default)
        child.whole = begin
        children.append(child)
    return children


def _spans(walk: _Walk, part: Part, boundary: bytes) -> list[tuple[int, int]]:
    """(begin, end) of what stands between boundary lines; an unclosed last part goes to the end."""
    data = walk.data
    delimiter = b"--" + boundary
    spans: list[tuple[int, int]] = []
    opened = -1
    at = part.begin
    while (found := data.find(delimiter, at, part.end)) >= 0:
        at = found + len(delimiter)
        after = data[at : at + 2]
        if found != part.begin and data[found - 1] not in b"\n\r":
            walk.lookalikes += 1
        elif not after.strip(b"\r\n\t ") or after[:1] in b"\r\n" or (after == b"--" and _closes(walk, at, part.end)):
            if opened >= 0:
                spans.append((opened, max(opened, _before_break(data, found))))
                if len(spans) + walk.parts > PARTS:
                    raise LimitExceeded("parts")
            elif after == b"--":
                walk.lookalikes += 1
            # parts after the closing line are no good mail, but someone's files
            opened = -1 if after == b"--" else (data.find(b"\n", at, part.end) + 1 or part.end)
            at = max(at, opened)
        else:
            walk.lookalikes += 1
        if walk.lookalikes > BOUNDARY_LIKE_LINES:
            raise LimitExceeded("boundaries")
    if opened >= 0:
        walk.warnings.append("structure:unclosed")
        spans.append((opened, part.end))
    return spans


def _closes(walk: _Walk, at: int, end: int) -> bool:
    """Whether `--` behind a boundary closes it, and is not part of a longer boundary that begins with this one."""
    data = walk.data
    more = data[at + 2 : at + 102]
    if not more[:1].strip() or walk.longer > _FEW:
        return True
    stop = data.find(b"\n", at, end)
    begin = data.rfind(b"\n", 0, at) + 3
    name = data[begin : min(stop if stop >= 0 else end, begin + 200)].rstrip(b"\r\t -")
    walk.longer += 1  # each look is one at the whole mail
    return not (b'"' + name in data or b"boundary=" + name in data)


def _before_break(data: bytes, at: int) -> int:
    """The line break in front of a boundary belongs to the boundary."""
    if data[at - 1 : at] == b"\n":
        return at - 2 if data[at - 2 : at - 1] == b"\r" else at - 1
    return at - 1 if data[at - 1 : at] == b"\r" else at
