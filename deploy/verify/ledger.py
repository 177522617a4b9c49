"""A generator's ledger against what is filed: `{op, token, outcome, conversation?, kind?}`, one JSON object a line.

`outcome`: `accepted` must be filed in exactly one ticket (or the automatic list), `rejected` nowhere, `unknown`
at most once. Tokens of one conversation share a ticket, those of different ones do not.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from bus.errors import ConfigError
from deploy.verify.check import Check, check
from deploy.verify.world import World


class Entry(BaseModel):
    """One line of a ledger."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    op: str = "mail"
    token: str
    outcome: Literal["accepted", "rejected", "unknown"]
    conversation: str | int | None = None
    kind: str | None = None


def read_ledger(path: Path) -> list[Entry]:
    """The ledger's lines. Raises ConfigError naming the first that is none."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--ledger: {error}") from None
    return [_entry(path, n, line) for n, line in enumerate(lines, 1) if line.strip()]


def _entry(path: Path, n: int, line: str) -> Entry:
    try:
        return Entry.model_validate_json(line)
    except ValidationError as error:
        raise ConfigError(f"--ledger: {path}:{n}: {error.errors()[0]['msg']}") from None


def compare(world: World, ledger: Iterable[Entry]) -> list[Check]:
    """The checks that need a ledger."""
    entries = list(ledger)
    filed = _where_filed(world, {entry.token for entry in entries})
    return [
        check("every accepted token is filed once", _misfiled(entries, filed)),
        check("conversations and tickets are the same", _mixed(entries, filed)),
    ]


def _where_filed(world: World, tokens: set[str]) -> Mapping[str, list[str | None]]:
    """Each token's messages, by the surviving ticket they lie in (None: the automatic list)."""
    roots = {row.id: row.root_id for row in world.rows["tickets"]}
    lengths = sorted({len(token) for token in tokens})
    found: dict[str, list[str | None]] = defaultdict(list)
    for row in world.rows["messages"]:
        document = row.document
        for token in {document[i : i + n] for n in lengths for i in _starts(document, tokens, n)}:
            found[token].append(roots.get(row.ticket_id) if row.ticket_id else None)
    return found


def _starts(document: str, tokens: set[str], length: int) -> Iterator[int]:
    return (i for i in range(len(document) - length + 1) if document[i : i + length] in tokens)


def _misfiled(entries: list[Entry], filed: Mapping[str, list[str | None]]) -> Iterator[str]:
    outcomes: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        outcomes[entry.token].add(entry.outcome)
    for token, said in outcomes.items():
        count = len(filed.get(token, ()))
        if "accepted" in said and count != 1:
            yield f"{token}: accepted, filed {count} times"
        elif said == {"rejected"} and count:
            yield f"{token}: rejected, filed {count} times"
        elif count > 1:
            yield f"{token}: filed {count} times"


def _mixed(entries: list[Entry], filed: Mapping[str, list[str | None]]) -> Iterator[str]:
    tickets: dict[str, set[str]] = defaultdict(set)
    conversations: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        if entry.conversation is None:
            continue
        for ticket in filed.get(entry.token, ()):
            if ticket is not None:
                tickets[str(entry.conversation)].add(ticket)
                conversations[ticket].add(str(entry.conversation))
    for conversation, places in tickets.items():
        if len(places) > 1:
            yield f"conversation {conversation} lies in {len(places)} tickets"
    for ticket, topics in conversations.items():
        if len(topics) > 1:
            yield f"ticket {ticket} holds {len(topics)} conversations"
