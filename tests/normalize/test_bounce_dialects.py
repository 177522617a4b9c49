"""Bounces in servers' own words (normalize/bounces.toml). A new example is a table in bounce_examples.toml."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from normalize import bounce_words
from tests.normalize.letters import letter, read

EXAMPLES: dict[str, dict[str, Any]] = tomllib.loads((Path(__file__).parent / "bounce_examples.toml").read_text("utf-8"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_bounce_in_a_servers_words(name: str) -> None:
    example = EXAMPLES[name]
    mail = letter(
        example["text"].lstrip("\n"),
        "Content-Type: text/plain; charset=utf-8",
        *example.get("fields", ()),
        subject=example["subject"],
    ).replace("Anna Bell <anna@customer.example>", example["from"], 1)
    automation = read(mail).automation
    assert automation.kind == "bounce", automation
    assert automation.bounce is not None
    found = automation.bounce
    assert found.recipient == example.get("recipient", found.recipient)
    status = example.get("status", "")
    assert found.status is not None
    assert found.status == status or (len(status) < 5 and found.status.startswith(status))
    assert found.permanent is found.status.startswith("5")
    assert found.original_message_id == example.get("original")


def test_a_phrase_allows_for_alternatives_and_what_varies() -> None:
    assert bounce_words.FAILURE.search(bounce_words.flat("it could not\n  be delivered"))
    full = dict(bounce_words.REASONS)["5.2.2"]
    assert full.search("the mailbox for anna is full")
    assert full.search("exceeded the maximum storage quota")
    assert not full.search("the mailbox is yellow")
