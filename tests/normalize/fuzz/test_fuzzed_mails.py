"""What holds for every mail whatever: a message that can be published, the same one each time (reliability.md §3).

`make test` tries FEW seeds; `make long` goes on from where its last run ended, up to MANY.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from bus.errors import Invalid
from bus.message import NormalizedMessage
from normalize.mail import normalize_mail
from normalize.outcome import Understood
from tests.normalize.fuzz.mail_trees import mail_of
from tests.normalize.letters import record

FEW, MANY, AT_ONCE = 10_000, 1_000_000, 10_000
PROGRESS = Path("build/fuzz/mails.json")
RECORD = record()
NOT_OF_THE_WORDS = {"message_id", "source_id", "attachments"}
"""These cover the bytes themselves, line ends included."""


def understood(mail: bytes) -> NormalizedMessage | None:
    """The message, or None when there was `Invalid`, the only exception that may leave."""
    try:
        (outcome,) = normalize_mail(RECORD, mail)
    except Invalid:
        return None
    assert isinstance(outcome, Understood)
    return outcome.message


def plain(message: NormalizedMessage | None) -> dict[str, Any] | None:
    if message is None:
        return None
    facts = {name: value for name, value in message.__dict__.items() if name not in NOT_OF_THE_WORDS}
    return facts | {"names": [(each.name, each.media_type, each.inline) for each in message.attachments]}


def hold(seed: int) -> None:
    """Every property, for the mail of one seed."""
    mail = mail_of(seed)
    message = understood(mail)
    if message is not None:
        value = message.to_json()
        assert "unparseable" not in message.warnings, "our own code failed"
        assert b"\\u0000" not in value
        assert NormalizedMessage.from_json(value) == message, "what validation gives is not what was built"
        assert isinstance(json.loads(value.decode()), dict)
        if isinstance(message.text, str) and isinstance(message.reply_text, str) and message.text.strip():
            assert message.reply_text.strip(), "an empty reply"
    assert understood(mail) == message, "another answer the second time"
    assert plain(understood(mail.replace(b"\n", b"\r\n"))) == plain(message), "line ends make a difference"


def try_all(first: int, last: int) -> None:
    for seed in range(first, last):
        try:
            hold(seed)
        except BaseException as error:
            error.add_note(f"seed {seed}: tests.normalize.fuzz.mail_trees.mail_of({seed})")
            raise


def test_properties_hold() -> None:
    try_all(0, FEW)


@pytest.mark.long
def test_properties_hold_a_million_times() -> None:
    done = json.loads(PROGRESS.read_text())["next"] if PROGRESS.exists() else FEW
    PROGRESS.parent.mkdir(parents=True, exist_ok=True)
    for first in range(done, MANY, AT_ONCE):
        try_all(first, first + AT_ONCE)
        PROGRESS.write_text(json.dumps({"next": first + AT_ONCE}))
