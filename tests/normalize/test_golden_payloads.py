"""Every payload in tests/golden/<channel> gives what the JSON beside it says. A new case is two files and no code.

`<name>.in.json` (or `.in.txt`, `.in.multipart`) is the body, or an envelope of the request; `<name>.json` what is made
of it. A payload without JSON, or one that differs, fails and leaves `<name>.actual.json` for a look; when that is right
it becomes `<name>.json`.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from bus.errors import Invalid
from bus.message import Channel
from normalize.outcome import Ignored
from normalize.table import NORMALIZERS
from tests.normalize.payload_cases import CASES, CHANNELS, record_of


def made_of(channel: Channel, path: Path) -> dict[str, Any]:
    """The messages without what is empty or at its default, and the reasons of what was ignored."""
    try:
        outcomes = NORMALIZERS[channel](record_of(channel, path), path.read_bytes())
    except Invalid as error:
        return {"error": str(error)}
    messages = [
        each.message.model_dump(mode="json", exclude_defaults=True, exclude={"channel", "account", "received_at"})
        for each in outcomes
        if not isinstance(each, Ignored)
    ]
    ignored = [each.reason for each in outcomes if isinstance(each, Ignored)]
    return {"messages": messages, "ignored": ignored}


@pytest.mark.parametrize(("channel", "path"), CASES, ids=[f"{channel}-{path.name}" for channel, path in CASES])
def test_golden_payload(channel: Channel, path: Path) -> None:
    actual = made_of(channel, path)
    name = path.name.partition(".in.")[0]
    beside = path.with_name(f"{name}.json")
    expected = json.loads(beside.read_text("utf-8")) if beside.exists() else None
    if actual != expected:
        text = json.dumps(actual, ensure_ascii=False, indent=1) + "\n"
        path.with_name(f"{name}.actual.json").write_text(text, "utf-8")
    assert actual == expected


def test_every_channel_has_cases() -> None:
    assert {channel for channel, _ in CASES} == set(CHANNELS)
    assert len(CASES) >= 90
