"""What a delivery status report says (RFC 3464, RFC 3463): recipient, status, whether it is final."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bus.message import Bounce
from normalize.addresses import canonical
from normalize.charsets import decode_header_bytes
from normalize.encoded_words import decode_words
from normalize.headers import Headers, read_headers
from normalize.identity import message_id_field
from normalize.legible import one_line
from normalize.limits import LimitExceeded
from normalize.structure import Part, read_structure
from normalize.transfer import decode_transfer

STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]\d)")
SMTP_CODE = re.compile(r"(?<![\d.#/:-])([45])([0-5]\d)(?=[\s\-,;:)#]|$)")
_REPORT_TYPES = ("message/delivery-status", "message/global-delivery-status")
_ORIGINAL_TYPES = (
    "message/rfc822",
    "text/rfc822-headers",
    "message/rfc822-headers",
    "message/global",
    "message/global-headers",
)
_ADDRESS = re.compile(r"[^\s<>\"';,()]+@[^\s<>\"';,()]+")
_RECIPIENT_FIELDS = frozenset({b"final-recipient", b"original-recipient", b"action", b"status"})
_RECIPIENTS = frozenset({b"final-recipient", b"original-recipient"})
_VERDICTS = frozenset({b"action", b"status"})
_MARGIN = re.compile(r"^[ \t]{0,8}>[ \t>]{0,8}", re.MULTILINE)
_GROUPS = 200
_LONGEST = 256 * 1024


@dataclass(frozen=True, slots=True)
class Report:
    """The bounce a report tells of, and its action: `failed`, `delayed`, `delivered`, `relayed`, `expanded`."""

    bounce: Bounce
    action: str


def leaves(part: Part) -> Iterator[Part]:
    """All parts that hold something, in order."""
    todo = [part]
    while todo:
        each = todo.pop()
        if each.parts:
            todo.extend(reversed(each.parts))
        else:
            yield each


def read_report(data: bytes, root: Part) -> Report | None:
    """The first failed recipient of a report (else the first of any action); None when there is no report."""
    for part in leaves(root):
        if part.type not in _REPORT_TYPES:
            continue
        octets = decode_transfer(data[part.begin : part.end], part.encoding).data[:_LONGEST]
        chosen = _first_failed(octets)
        if chosen is not None:
            return _report(chosen, original_message_id(data, root))
    return None


def report_in_text(text: str) -> Report | None:
    """The report whose fields stand in the words of a mail, quoted or not; None when no recipient stands there."""
    chosen = _first_failed(_MARGIN.sub("", text).encode("utf-8", "replace"))
    if chosen is None or not chosen.any_of(_RECIPIENTS) or not chosen.any_of(_VERDICTS):
        return None
    return _report(chosen, None)


def _first_failed(octets: bytes) -> Headers | None:
    """Of the groups of fields about a recipient the first that failed, else the first."""
    recipients = [group for group in _groups(octets) if group.any_of(_RECIPIENT_FIELDS)]
    named = [group for group in recipients if group.any_of(_RECIPIENTS)] or recipients
    return next((group for group in named if _action(group) == "failed"), named[0] if named else None)


def report_within(data: bytes, root: Part) -> Report | None:
    """The report in a mail that is attached to this one: some gateways wrap what they got into one of their own."""
    for part in leaves(root):
        if part.type == "message/rfc822" and not part.encoding.startswith(("base64", "quoted")):
            block = read_headers(data, part.begin, part.end)
            try:
                found = read_report(data, read_structure(data, block.headers, block.body, part.end, []))
            except LimitExceeded:
                return None
            if found is not None:
                return found
    return None


def original_message_id(data: bytes, root: Part) -> str | None:
    """The Message-ID of the mail that came back, from the copy that is attached."""
    for part in leaves(root):
        if part.type in _ORIGINAL_TYPES:
            octets = decode_transfer(data[part.begin : part.end], part.encoding).data[:_LONGEST]
            ids = message_id_field(read_headers(octets, 0, len(octets)).headers, b"message-id")
            if ids:
                return ids[0]
    return None


def _groups(octets: bytes) -> Iterator[Headers]:
    for number, group in enumerate(re.split(rb"\n[ \t]*\n", octets.replace(b"\r\n", b"\n").strip())):
        if number >= _GROUPS:
            return
        yield read_headers(group.strip(b"\n"), 0, len(group)).headers


def _action(group: Headers) -> str:
    action = group.undecoded(b"action").split(" ")[0].split(";")[0].strip().lower()
    return "failed" if action.startswith("fail") else action


def _report(group: Headers, original: str | None) -> Report:
    diagnostic = " ".join(one_line(decode_words(decode_header_bytes(group.raw(b"diagnostic-code")))).split())
    kind, _, said = diagnostic.partition(";")
    said = said.strip() if said and " " not in kind.strip() else diagnostic
    action = _action(group)
    status = _status(group.undecoded(b"status"), said)
    recipient = None
    for name in (b"original-recipient", b"final-recipient", b"x-actual-recipient"):  # the first as the sender wrote it
        value = decode_header_bytes(group.raw(name)).partition(";")
        found = _ADDRESS.search(value[2] or value[0])
        if found:
            recipient = canonical(found[0])
            break
    permanent = None
    if action == "delayed":
        permanent = False
    elif status:
        permanent = status.startswith("5")
    elif action == "failed":
        permanent = True
    if status is None and action == "failed":
        status = "5.0.0"
    bounce = Bounce(
        recipient=recipient,
        status=status,
        permanent=permanent,
        diagnostic=said[:1000] or None,
        original_message_id=original,
    )
    return Report(bounce, action)


def _status(field: str, diagnostic: str) -> str | None:
    """The status field; the diagnostic's code when the field is missing or says nothing (`5.0.0`)."""
    given = STATUS.search(field)
    said = STATUS.search(diagnostic)
    if given and not (given[1].endswith(".0.0") and said and said[1][0] == given[1][0]):
        return given[1]
    if said and said[1][0] != "2":
        return said[1]
    code = SMTP_CODE.search(diagnostic) or SMTP_CODE.search(field)
    if code:
        return f"{code[1]}.0.0"
    return None
