"""What commands print."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from bus.model import Wire
from bus.output import print_one, print_rows, safe


class Row(Wire):
    name: str


COLUMNS: Mapping[str, Any] = {"NAME": lambda row: row.name}


def test_lists_are_one_document_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_rows([Row(name="é\n"), Row(name="b")], COLUMNS, as_json=True) == 2
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["é\n", "b"]
    assert "é" in lines[0]


def test_tables_show_what_a_stranger_wrote_harmlessly(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([Row(name="[bold]a[/] \x1b[2J\u202eb\x9b")], COLUMNS, as_json=False)
    assert "[bold]a[/] �[2J�b�" in capsys.readouterr().out
    assert safe(None) == ""


def test_an_empty_list_says_so_to_people_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_rows([], COLUMNS, as_json=False, nothing="No tickets.") == 0
    assert capsys.readouterr().out.strip() == "No tickets."
    assert print_rows([], COLUMNS, as_json=True) == 0
    assert capsys.readouterr().out == ""


def test_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    document = {"at": datetime(2026, 1, 1, tzinfo=UTC), "inner": Row(name="x"), "none": None}
    print_one(document, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert shown == {"at": "2026-01-01T00:00:00+00:00", "inner": {"name": "x"}, "none": None}
    print_one(document, as_json=False, title="It")
    out = capsys.readouterr().out
    assert "It" in out
    assert "2026-01-01" in out
