"""A raw record and its payload as the request it was (see the package)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from bus.errors import Invalid
from bus.raw import RawMessage
from normalize.legible import legible
from normalize.payload.fields import Fields, Json, objects_of
from normalize.payload.json_body import BODY_BYTES, read_json, read_json_lines
from normalize.payload.multipart import File, read_multipart

_FORM_FIELDS = 2_000
_LOOKS_LIKE_A_FORM = re.compile(rb"[\w.%+*\[\]-]{1,200}=[^\s\x00-\x1f]*\s*\Z")


@dataclass(frozen=True, slots=True)
class Request:
    """`value`: the body's JSON, or a form's fields as an object whose repeated names have lists."""

    headers: Mapping[str, str]
    method: str
    path: str
    value: Json
    files: tuple[File, ...] = ()

    @property
    def fields(self) -> Fields:
        """The body, if it is an object."""
        return Fields(self.value)

    @property
    def items(self) -> list[Fields]:
        """The objects of a body that is a list, else the body itself if it is an object."""
        return objects_of(self.value) or ([self.fields] if self.fields else [])

    def header(self, name: str) -> str:
        """A header's value by its lower-case name; empty when it is not there."""
        return self.headers.get(name, "")


def read_request(record: RawMessage, payload: bytes) -> Request:
    """The request. Raises Invalid when the body is neither JSON nor a form."""
    headers = {name.lower(): legible(value) for name, value in record.headers.items()}
    method, path = headers.get(":method", ""), headers.get(":path", "")
    content_type = headers.get("content-type") or record.media_type
    if len(payload) > BODY_BYTES:
        raise Invalid(f"a body of {len(payload)} bytes; at most {BODY_BYTES} are read")
    if content_type.lower().startswith("multipart/"):
        form = read_multipart(content_type, payload)
        return Request(headers, method, path, gathered(form.values), tuple(form.files))
    value = _value(payload, path)
    if not record.headers and _is_envelope(value):
        return _enveloped(Fields(value))
    return Request(headers, method, path, value)


def _value(payload: bytes, path: str = "") -> Json:
    body = payload.strip()
    if not body:
        query = urlsplit(path).query if path else ""
        if not query:
            raise Invalid("an empty body")
        return form_fields(query)
    if body[:1] not in b"{[\xef" and _LOOKS_LIKE_A_FORM.match(body):
        return form_fields(body.decode("utf-8", "replace"))
    try:
        return read_json(body)
    except Invalid:
        if b"\n" in body and body[:1] == b"{":  # a stream's lines
            return read_json_lines(body)
        raise


def form_fields(encoded: str) -> Mapping[str, Json]:
    """The fields of application/x-www-form-urlencoded. Raises Invalid when they are too many."""
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, max_num_fields=_FORM_FIELDS)
    except ValueError:
        raise Invalid(f"a form of more than {_FORM_FIELDS} fields") from None
    return gathered([(legible(name), legible(value)) for name, value in pairs])


def gathered(pairs: list[tuple[str, str]]) -> Mapping[str, Json]:
    """Values by name; those of a name that comes again in a list."""
    found: dict[str, Json] = {}
    for name, value in pairs:
        before = found.get(name)
        if before is None:
            found[name] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            found[name] = [before, value]
    return found


def _is_envelope(value: Json) -> bool:
    return (
        isinstance(value, Mapping)
        and isinstance(value.get("headers"), Mapping)
        and "body" in value
        and set(value) <= {"method", "path", "headers", "body"}
    )


def _enveloped(envelope: Fields) -> Request:
    named = envelope.object("headers")
    headers = {name.lower(): named.text(name) for name in named if not name.startswith(":")}
    body = envelope.raw("body")
    path = envelope.text("path")
    value = _value(body.encode("utf-8", "replace"), path) if isinstance(body, str) else body
    return Request(headers, envelope.text("method"), path, value)
