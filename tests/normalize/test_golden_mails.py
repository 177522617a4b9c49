"""Every mail in tests/golden/mail gives what the JSON beside it says. A new case is two files and no code.

A mail without JSON, or one that differs, fails and leaves `<name>.actual.json` for a look; when that is right it
becomes `<name>.json`.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.normalize.letters import read

FOLDER = Path(__file__).parent.parent / "golden" / "mail"
MAILS = sorted(FOLDER.glob("*.eml"))


def plain(mail: bytes) -> dict[str, Any]:
    message = read(mail).model_copy(update={"received_at": None})
    facts: dict[str, Any] = json.loads(message.to_json())
    for attachment in facts["attachments"]:
        assert attachment.pop("source") is None  # a mail holds its files
    assert [facts.pop(name) for name in ("call", "fields", "chosen")] == [None] * 3  # other channels have these
    return facts


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_golden_mail(path: Path) -> None:
    actual = plain(path.read_bytes())
    beside = path.with_suffix(".json")
    expected = json.loads(beside.read_text("utf-8")) if beside.exists() else None
    if actual != expected:
        text = json.dumps(actual, ensure_ascii=False, indent=1) + "\n"
        path.with_suffix(".actual.json").write_text(text, "utf-8")
    assert actual == expected


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_line_ends_make_no_difference(path: Path) -> None:
    unix = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    dos = unix.replace(b"\n", b"\r\n")
    about = {"message_id", "source_id", "attachments"}  # these cover the bytes themselves
    lf, crlf = plain(unix), plain(dos)
    assert {k: v for k, v in lf.items() if k not in about} == {k: v for k, v in crlf.items() if k not in about}
    assert [(a["name"], a["media_type"], a["inline"]) for a in lf["attachments"]] == [
        (a["name"], a["media_type"], a["inline"]) for a in crlf["attachments"]
    ]


def test_there_are_golden_mails() -> None:
    assert len(MAILS) >= 20
