"""Whether a submission answers what its form asks. Pure."""

import re
from collections.abc import Mapping

from ingest.forms.definition import LENGTHS, STANDARD, Field, FileLimits, Form
from normalize.addresses import canonical
from normalize.forms.attachments import files_in_json
from normalize.forms.submission import answer
from normalize.payload.multipart import File
from normalize.payload.request import Request
from normalize.phone.numbers import canonical_number

_ADDRESS = re.compile(r"[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+")
_NEVER = re.compile(r"[\s\x00-\x1f<>,;:\"()\[\]\\]")
Problems = Mapping[str, str]
"""A field's name → the code of what is wrong with it (`[errors]` of the words)."""


def problems_of(form: Form, request: Request, *, identified: bool = False, region: str | None = None) -> Problems:
    """What is wrong; nothing when it can be taken. `identified`: the author is known without an address."""
    found: dict[str, str] = {}
    for field in form.fields:
        if field.kind == "files":
            problem = _files(field, _files_of(request), form.limits)
        else:
            problem = _value(field, answer(request.fields, field.name), identified=identified, region=region)
        if problem is not None:
            found[field.name] = problem
    asked = {field.name for field in form.fields}
    if "attachments" not in asked and _files_of(request):
        found["attachments"] = "too_many_files"
    if not found and not _says_something(form, request):
        found["text" if "text" in asked else form.fields[0].name] = "nothing"
    return found


def _value(field: Field, value: str, *, identified: bool, region: str | None) -> str | None:
    said = value.strip()
    if not said:
        return "required" if field.required and not (identified and field.name == "email") else None
    if len(value) > LENGTHS[field.kind]:
        return "too_long"
    if field.kind == "email" and not _is_address(said):
        return "email"
    if field.kind == "phone" and not canonical_number(said, region) and not any(c.isdigit() for c in said):
        return "phone"
    if field.kind == "choice" and said not in _values(field):
        return "choice"
    return None


def _values(field: Field) -> set[str]:
    return {option.value for option in field.options}


def _is_address(text: str) -> bool:
    return _ADDRESS.fullmatch(canonical(text)) is not None and not _NEVER.search(text)


def _files_of(request: Request) -> list[File]:
    return [*request.files, *files_in_json(request.fields.objects("attachments"), [])]


def _files(field: Field, files: list[File], limits: FileLimits) -> str | None:
    if field.required and not files:
        return "required"
    if len(files) > limits.files:
        return "too_many_files"
    if any(len(file.data) > limits.each for file in files):
        return "file_too_large"
    if sum(len(file.data) for file in files) > limits.all:
        return "files_too_large"
    return None


def _says_something(form: Form, request: Request) -> bool:
    fields = request.fields
    return bool(fields.text("text", "message").strip() or fields.line("subject") or _files_of(request)) or any(
        field.name not in STANDARD and answer(fields, field.name).strip() for field in form.fields
    )
