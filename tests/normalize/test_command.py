"""`deskstream normalize`: a line per file, whatever the files are (normalize/commands.py)."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bus.errors import Invalid
from normalize.commands import normalize_files
from normalize.outcome import Ignored
from tests.normalize.letters import letter


def lines(channel: str, *paths: Path) -> list[dict[str, Any]]:
    out = io.StringIO()
    normalize_files(channel, "acc", paths, out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_message_a_line(tmp_path: Path) -> None:
    good, missing = tmp_path / "good.eml", tmp_path / "missing.eml"
    good.write_text(letter("Où êtes-vous ?", "Content-Type: text/plain; charset=utf-8"), "utf-8")
    first, second = lines("email", good, missing)
    assert first["file"] == str(good)
    (message,) = first["messages"]
    assert (message["text"], message["account"], message["raw"], message["received_at"]) == (
        "Où êtes-vous ?",
        "acc",
        None,
        None,
    )
    assert first["ignored"] == []
    assert second == {"file": str(missing), "error": "cannot read the file: No such file or directory"}


def test_long_texts_are_shown_in_full(tmp_path: Path) -> None:
    path = tmp_path / "long.eml"
    path.write_text(letter("x" * 200_000), "utf-8")
    assert lines("email", path)[0]["messages"][0]["text"] == "x" * 200_000


def test_an_unknown_channel_is_an_error_a_line(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"{}")
    assert lines("fax", path, path)[1]["error"].startswith("unknown channel")


def test_the_provider_is_told_by_the_payload(tmp_path: Path) -> None:
    path = tmp_path / "sms"
    path.write_bytes(b"MessageSid=SM1&AccountSid=AC1&From=%2B4930901820&Body=Hello")
    (message,) = lines("chat", path)[0]["messages"]
    assert (message["text"], message["sent_at"], message["received_at"]) == ("Hello", None, None)


def test_ignored_and_failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"x")
    answers: Iterator[list[Ignored] | Exception] = iter(
        [[Ignored("a heartbeat")], Invalid("bad"), RuntimeError("secret words")]
    )

    def normalize(*_: object) -> list[Ignored]:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("normalize.commands.NORMALIZERS", {"email": normalize})
    assert lines("email", path, path, path) == [
        {"file": str(path), "messages": [], "ignored": [{"reason": "a heartbeat"}]},
        {"file": str(path), "error": "bad"},
        {"file": str(path), "error": "unexpected: RuntimeError"},
    ]


def test_explain_says_what_was_decided_and_why(tmp_path: Path) -> None:
    path = tmp_path / "away.eml"
    path.write_text(letter("Back on Monday.", "Auto-Submitted: auto-replied"), "utf-8")
    out = io.StringIO()
    normalize_files("email", "acc", [path], out, explain=True)
    line = json.loads(out.getvalue())
    (decisions,) = line["explanations"]
    assert len(line["messages"]) == 1
    assert {"about": "source_id", "decided": "m1@customer.example", "because": "field:message-id"} in decisions
    assert {"about": "author", "decided": "anna@customer.example", "because": "field:from"} in decisions
    assert {"about": "text", "decided": "15 characters", "because": "text/plain"} in decisions
    assert {"about": "automation", "decided": "auto_reply", "because": "auto-submitted:auto-replied"} in decisions
