"""A submission → its message. The same for the website's ticket form and for embedded forms."""

import hashlib
from collections.abc import Mapping, Sequence

from bus.errors import Invalid
from bus.message import AuthorKind, Identity
from bus.raw import RawMessage
from normalize.addresses import canonical
from normalize.forms.attachments import files_in_json, stored
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.instants import instant
from normalize.payload.item import Item, understood
from normalize.payload.request import Request, read_request
from normalize.phone.numbers import canonical_number

NORMALIZER = "form/2"
_KNOWN = {
    "name", "email", "phone", "subject", "text", "message", "feedback", "feedback_only", "id", "attachments",
    "fields", "submitted_at", "language",
}  # fmt: skip
_FIELDS = 100
_FIELD_CHARACTERS = 4_000


def normalize_form(record: RawMessage, payload: bytes) -> Sequence[Understood | Ignored]:
    """The one message of a submission. Raises Invalid for one without words and files.

    Its `source_id` is the idempotency key, else the form's nonce, and a digest of who wrote what: repeated it is the
    same message, and another with the same key is another.
    """
    request = read_request(record, payload)
    fields = request.fields
    warnings: list[str] = []
    blobs: dict[str, bytes] = {}
    files = [*request.files, *files_in_json(fields.objects("attachments"), warnings)]
    attachments = stored(files, blobs)
    subject = fields.line("subject")
    text = fields.text("text", "message")
    if not text.strip():
        text = subject
    if not text and not attachments:
        raise Invalid("a submission without words or files")
    kind, author, verified = _author(record, request, warnings)
    digest = hashlib.sha256("\0".join([author, subject, text, *(each.sha256 for each in attachments)]).encode())
    key = request.header("idempotency-key")[:200] or fields.id("id")
    item = Item(
        source_id=f"{key}/{digest.hexdigest()[:16]}" if key else f"sha256:{digest.hexdigest()}",
        author_kind=kind,
        author=author,
        author_name=fields.line("name")[:200],
        verified=verified,
        text=text,
        subject=subject,
        sent_at=instant(fields, "submitted_at"),
        attachments=attachments,
        blobs=blobs,
        also=_typed_number(record, fields) if kind == "email" else (),
        declared_language=fields.line("language"),
        direct=True,
        feedback_only=fields.flag("feedback_only") or fields.flag("feedback"),
        fields=_more(fields),
        warnings=warnings,
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
