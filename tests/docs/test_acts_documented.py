"""docs/acts.md names every act, what it takes, and what it tells."""

import re
from pathlib import Path

from bus.ticket_event_data import DATA_MODELS
from ticketing.acts.table import ACTS, OPENING

TEXT = (Path(__file__).parents[2] / "docs" / "acts.md").read_text()
ROWS = {
    name: (takes, tells)
    for names, takes, tells in re.findall(r"^\| (`[a-z].*?) \| (.*?) ?\| (.*?) \|$", TEXT, re.MULTILINE)
    for name in re.findall(r"`([a-z-]+)`", names)
}


def test_every_act_has_a_row_and_every_row_an_act() -> None:
    assert ROWS.keys() == {kind.name for kinds in (ACTS, OPENING) for kind in kinds}


def test_what_an_act_takes_is_named() -> None:
    for kind in ACTS:
        takes, _ = ROWS[kind.name]
        assert set(re.findall(r"`([a-z_]+)`", takes)) == set(kind.input.model_fields), kind.name


def test_what_is_told_are_events_there_are() -> None:
    types = DATA_MODELS.keys() | {"ticket.spam_marked", "ticket.spam_unmarked"}
    for _, tells in ROWS.values():
        assert set(re.findall(r"`(ticket\.[a-z_]+)`", tells)) <= types
