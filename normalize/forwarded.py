"""The mail that a mail passes on: as a part of its own, or copied into the text below the program's own line.

What is found is what the forwarder's program wrote, or the forwarder himself: the desk decides whom to believe.
"""

import re

from bus.message import Address, Forwarded
from normalize import quote_headers
from normalize.addresses import parse_addresses
from normalize.headers import read_headers
from normalize.identity import message_id_field
from normalize.legible import one_line
from normalize.structure import Part

_SUBJECT = re.compile(
    r"\s*(?:fwd?|fw|wg|tr|rv|enc|doorst|doorgestuurd|i|pd|vb|vl|ilt|转发|轉寄|転送|전달)\s?[:：]\s*", re.IGNORECASE
)
_REPLY = re.compile(r"\s*(?:re|aw|sv|antw|antwort|odp|ynt|vs|rif|r)\s?[:：]", re.IGNORECASE)
_SAYS = quote_headers.FORWARDED
_MARKS = re.compile(r"^[ \t>|*]{0,8}")
_CHARACTERS = 20_000
_FIELDS = 12
_FOLLOWING = 3


def find_forwarded(data: bytes, root: Part, subject: str, text: str) -> Forwarded | None:
    """The first mail it passes on, if it says that it does: by its subject, or by the line above the copy."""
    says = _SUBJECT.match(subject) is not None
    if says and root.parts and (found := _attached(data, root)) is not None:
        return found
    if not says and _REPLY.match(subject):
        return None  # what is passed on lies in the history
    head = text[:_CHARACTERS]
    if "@" not in head:
        return None  # the copied fields name an author by his address
    lower = head.lower()
    if says or any(words in lower for words in _SAYS):
        return _copied(head, sure=says)
    return None


def plain_subject(subject: str) -> str:
    """The subject without what says that it was forwarded."""
    while match := _SUBJECT.match(subject):
        subject = subject[match.end() :]
    return subject.strip()


def _attached(data: bytes, root: Part) -> Forwarded | None:
    """The first part that is a mail, when it lies at the top or one level below."""
    for part in (*root.parts, *(inner for outer in root.parts for inner in outer.parts)):
        if part.type != "message/rfc822" or part.encoding not in {"", "7bit", "8bit", "binary"}:
            continue
        headers = read_headers(data, part.begin, part.end).headers
        senders = [box for box in parse_addresses(headers.undecoded(b"from")) if "@" in box.address]
        if not senders:
            return None
        ids = message_id_field(headers, b"message-id")
        return Forwarded(
            author=Address(address=senders[0].address, name=senders[0].name),
            subject=one_line(headers.text(b"subject")) if b"subject" in headers else None,
            message_id=ids[0] if ids else None,
        )
    return None


def _copied(text: str, *, sure: bool) -> Forwarded | None:
    """The block of copied fields below the program's line; without such a line only when the subject is sure."""
    whole = text.split("\n")
    lines = [_MARKS.sub("", line).strip() for line in whole]
    for at, line in enumerate(lines):
        if whole[at].lstrip().startswith(">") or not any(words in line.lower() for words in _SAYS):
            continue
        if (found := _fields(lines[at + 1 :])) is not None:
            return found
    if sure:
        for at, line in enumerate(lines):
            if quote_headers.field_kind(line) == "from" and (found := _fields(lines[at:])) is not None:
                return found
    return None


def _fields(lines: list[str]) -> Forwarded | None:
    """The fields that begin within the next lines: an author with an address, and one more field at least."""
    found: dict[str, str] = {}
    blanks = 0
    for line in lines[: _FIELDS + _FOLLOWING]:
        kind = quote_headers.field_kind(line)
        if kind is None:
            if found and not line:
                break
            blanks += 1
            if not found and blanks > _FOLLOWING:
                return None
            continue
        found.setdefault(kind, line.replace("：", ":", 1).partition(":")[2].strip(" *\t"))
    senders = parse_addresses(found.get("from", "").replace("[mailto:", "<").replace("]", ">"))
    author = next((box for box in senders if "@" in box.address), None)
    if author is None or len(found) < 2:
        return None
    subject = one_line(found["subject"]) if found.get("subject") else None
    return Forwarded(author=Address(address=author.address, name=author.name), subject=subject)
