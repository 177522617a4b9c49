"""What commands print: JSON, one document per line, or a table for people."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

Document = TypeVar("Document", bound=BaseModel | Mapping[str, Any])
Columns = Mapping[str, Callable[[Document], object]]
"""Heading → what stands under it."""

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def safe(value: object) -> str:
    """A value as text for a terminal: what a stranger wrote must not move its cursor or turn its letters round."""
    return "" if value is None else _UNSAFE.sub("�", str(value))


def to_line(document: BaseModel | Mapping[str, Any]) -> str:
    """One JSON object on one line, with no escapes for what UTF-8 can carry."""
    if isinstance(document, BaseModel):
        return document.model_dump_json()
    return json.dumps(document, ensure_ascii=False, default=_plain)


def print_rows(
    rows: Iterable[Document], columns: "Columns[Document]", *, as_json: bool, nothing: str = "Nothing."
) -> int:
    """Print a list and return how long it was. Under `as_json` each document whole, as it comes."""
    count = 0
    if as_json:
        for row in rows:
            _line(to_line(row))
            count += 1
        return count
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(safe(show(row))) for show in columns.values()))
        count += 1
    console().print(table if count else Text(nothing))
    return count


def print_one(document: BaseModel | Mapping[str, Any], *, as_json: bool, title: str | None = None) -> None:
    """Print one document: its JSON, or its fields one below the other."""
    if as_json:
        _line(to_line(document))
        return
    fields = document.model_dump(mode="json") if isinstance(document, BaseModel) else document
    table = Table(title=None if title is None else safe(title), title_justify="left", show_header=False, box=None)
    for name, value in fields.items():
        shown = to_line(value) if isinstance(value, Mapping) else value
        table.add_row(Text(name, style="bold"), Text(safe(shown)))
    console().print(table)


def console() -> Console:
    """The terminal; lines into a pipe or a file are not broken."""
    wide = None if sys.stdout.isatty() else 10_000
    return Console(file=sys.stdout, width=wide, highlight=False, markup=False)


def _line(text: str) -> None:
    sys.stdout.write(text + "\n")


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
