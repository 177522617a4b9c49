"""Messages are built without validation (bus/model.py: trusted): what comes out must be what validation gives."""

from pathlib import Path

import pytest

from bus.message import NormalizedMessage
from tests.normalize.letters import letter, read

MAILS = sorted((Path(__file__).parent.parent / "golden" / "mail").glob("*.eml"))


@pytest.mark.parametrize("mail", [*MAILS, None], ids=lambda mail: mail.stem if mail else "beyond a limit")
def test_built_as_validated(mail: Path | None) -> None:
    built = read(mail.read_bytes() if mail else letter("x", *["X: y"] * 400))
    validated = NormalizedMessage(**{name: getattr(built, name) for name in NormalizedMessage.model_fields})
    assert built == validated
    assert built.to_json() == validated.to_json()  # the same bytes, in the order of the model
    assert NormalizedMessage.from_json(built.to_json()) == built
    assert built.model_copy(update={"replayed": True}).replayed
    assert hash(repr(built)) == hash(repr(validated))
