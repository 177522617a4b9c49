"""A submission → its message. The same for the website's ticket form and for embedded forms."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bus.errors import Invalid
from bus.message import AuthorKind, Chosen, Identity, Priority
from bus.raw import RawMessage
from normalize.addresses import canonical
from normalize.forms.attachments import files_in_json, stored
from normalize.legible import one_line
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.instants import instant
from normalize.payload.item import Item, understood
from normalize.payload.multipart import File
from normalize.payload.request import Request, read_request
from normalize.phone.numbers import canonical_number

NORMALIZER = "form/3"
_KNOWN = {
    "name", "email", "phone", "subject", "text", "message", "feedback", "feedback_only", "id", "attachments",
    "fields", "submitted_at", "language",
}  # fmt: skip
CHOICES = ("priority", "category")
PRIORITIES: tuple[Priority, ...] = ("low", "normal", "high", "urgent")
LONGEST_CATEGORY = 64
_FIELDS = 100
_FIELD_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class Submission:
    """Who submitted what. `source_id`: the idempotency key, else the form's nonce, and a digest of who wrote what:
    repeated it is the same submission, and another with the same key is another. `digests`: sha256 of each file.
    """

    source_id: str
    kind: AuthorKind
    author: str
    verified: bool
    subject: str
    text: str
    files: Sequence[File]
    digests: Sequence[str]
    warnings: Sequence[str]


def read_submission(record: RawMessage, request: Request) -> Submission:
    """The submission that a request is. Raises Invalid for one without words and files."""
    fields = request.fields
    warnings: list[str] = []
    files = [*request.files, *files_in_json(fields.objects("attachments"), warnings)]
    digests = [hashlib.sha256(file.data).hexdigest() for file in files]
    subject = fields.line("subject")
    text = fields.text("text", "message")
    if not text.strip():
        text = subject
    if not text and not files:
        raise Invalid("a submission without words or files")
    kind, author, verified = _author(record, request, warnings)
    digest = hashlib.sha256("\0".join([author, subject, text, *digests]).encode()).hexdigest()
    key = request.header("idempotency-key")[:200] or fields.id("id")
    source_id = one_line(f"{key}/{digest[:16]}" if key else f"sha256:{digest}")
    return Submission(source_id, kind, author, verified, subject, text, files, digests, warnings)


def normalize_form(record: RawMessage, payload: bytes) -> Sequence[Understood | Ignored]:
    """The one message of a submission. Raises Invalid for one without words and files."""
    request = read_request(record, payload)
    fields = request.fields
    submission = read_submission(record, request)
    blobs: dict[str, bytes] = {}
    item = Item(
        source_id=submission.source_id,
        author_kind=submission.kind,
        author=submission.author,
        author_name=fields.line("name")[:200],
        verified=submission.verified,
        text=submission.text,
        subject=submission.subject,
        sent_at=instant(fields, "submitted_at"),
        attachments=stored(submission.files, submission.digests, blobs),
        blobs=blobs,
        also=_typed_number(record, fields) if submission.kind == "email" else (),
        declared_language=fields.line("language"),
        direct=True,
        feedback_only=fields.flag("feedback_only") or fields.flag("feedback") or request.header(":feedback") == "only",
        fields=_more(fields),
        chosen=_chosen(fields, request.header(":asks")),
        warnings=submission.warnings,
        because="a submission",
    )
    return [understood(record, NORMALIZER, item)]


def _author(record: RawMessage, request: Request, warnings: list[str]) -> tuple[AuthorKind, str, bool]:
    """A checked identity, else the address that was typed, else the telephone number, else nobody known."""
    identity = canonical(request.header(":identity"))
    if "@" in identity:
        return "email", identity, True
    typed = canonical(request.fields.line("email")[:320])
    local, _, domain = typed.rpartition("@")
    if local and domain and " " not in typed:
        return "email", typed, False
    if typed:
        warnings.append("from:no-address")
    number = canonical_number(request.fields.line("phone"), record.region)
    return ("phone", number, False) if number else ("chat", "", False)


def _typed_number(record: RawMessage, fields: Fields) -> list[Identity]:
    number = canonical_number(fields.line("phone"), record.region)
    return [Identity(kind="phone", address=number)] if number.startswith("+") else []


def _chosen(fields: Fields, asks: str) -> Chosen | None:
    """What was answered of what the receiver says it asks, and has checked."""
    found = {name: answer(fields, name).strip() for name in CHOICES if name in asks.split(",")}
    priority = next((each for each in PRIORITIES if each == found.get("priority")), None)
    category = one_line(found.get("category", ""))[:LONGEST_CATEGORY] or None
    return Chosen(priority=priority, category=category) if priority or category else None


def answer(fields: Fields, name: str) -> str:
    """What was answered; a field of the form's own may also stand in `fields`, `text` also in `message`."""
    if name == "text":
        return fields.text("text", "message")
    return fields.text(name) or fields.object("fields").text(name)


def _more(fields: Fields) -> Mapping[str, str]:
    found: dict[str, str] = {}
    own = fields.object("fields")
    for source in (fields, own):
        for name in source:
            text = source.text(name) if source is own or name not in _KNOWN else ""
            if text and not name.startswith("_") and len(found) < _FIELDS:
                found.setdefault(_one_line(name)[:100], text[:_FIELD_CHARACTERS])
    phone = fields.line("phone")
    if phone:
        found.setdefault("phone", phone[:100])
    return found


def _one_line(name: str) -> str:
    return Fields({"name": name}).line("name")
