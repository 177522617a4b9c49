"""Who gets into a ticket: every kind of token, sender, verdict and copy, in both policies, on one real desk.

Each row of `matrix.tsv` is one mail to a ticket of its own. The columns before the bar are what is sent:

    policy   `default`, `strict`
    token    of the plus-address: `valid` (signed for its sender), `bad` (a letter changed), `absent`, `other_ticket`
             (signed for its sender, for another ticket of his), `other_recipient` (this ticket's, signed for somebody
             else), `expired` (signed by a key that signs no more, for a ticket closed longer than its window)
    names    the Message-ID of our confirmation to the requester, or `nothing`
    from     `participant` (the requester), `agent`, `stranger`
    dmarc    what our own server said of the sender's domain
    cc       `none`, `stranger`

and those after it what becomes of it:

    lands    in `the_ticket`, the `other_ticket`, a `new` one, or a `follow_up` of the closed one
    as       `customer`, `agent`, or `third_party`
    rule     by which it was matched
    hint     `possible_reply` where an agent is told that it may belong to the ticket
    warning  what is kept with the message
"""

import itertools
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

from bus.settings import DeskSettings
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.said import START, said
from ticketing.confirm import Confirming
from ticketing.filing import Filing
from ticketing.policy import Policy
from ticketing.tokens import ReplyTokens

TABLE = Path(__file__).parent / "matrix.tsv"
AGENT: Final = "agent@desk.example"
POLICIES: Final = ("default", "strict")
OLD = ReplyTokens({1: b"o" * 32}, 1)
TOKENS = ReplyTokens({2: b"n" * 32, 1: b"o" * 32}, 2)


@dataclass(frozen=True, slots=True)
class Sent:
    """What is sent to a ticket."""

    policy: str
    token: str
    names: str
    sender: str
    dmarc: str
    cc: str

    @property
    def address(self) -> str:
        """Whose mail it is."""
        return AGENT if self.sender == "agent" else f"{self.sender}-{self.name}@x.example"

    @property
    def requester(self) -> str:
        """Whose ticket it is."""
        return f"participant-{self.name}@x.example"

    @property
    def name(self) -> str:
        """A name for its messages."""
        return "-".join(astuple(self))


@dataclass(frozen=True, slots=True)
class Became:
    """What becomes of it."""

    lands: str
    speaks: str
    rule: str
    hint: str
    warning: str


def all_rows() -> Iterator[Sent]:
    """Every combination, in the order of the table."""
    for row in itertools.product(
        POLICIES,
        ("valid", "bad", "absent", "other_ticket", "other_recipient", "expired"),
        ("nothing", "our_mail"),
        ("participant", "agent", "stranger"),
        ("pass", "none", "fail"),
        ("none", "stranger"),
    ):
        yield Sent(*row)


def read() -> dict[Sent, Became]:
    """The table that is checked in."""
    lines = [line.split("\t") for line in TABLE.read_text().splitlines()[1:]]
    return {Sent(*cells[:6]): Became(*cells[7:]) for cells in lines}


def written(rows: dict[Sent, Became]) -> str:
    """The table as text."""
    head = ["policy", "token", "names", "from", "dmarc", "cc", "|", "lands", "as", "rule", "hint", "warning"]
    lines = [head, *([*astuple(sent), "|", *astuple(became)] for sent, became in rows.items())]
    return "".join("\t".join(line) + "\n" for line in lines)


async def played(desk: Desk) -> dict[Sent, Became]:
    """Send every row and look what became of it."""
    rows = list(all_rows())
    found: dict[Sent, Became] = {}
    for policy in POLICIES:
        mine = [row for row in rows if row.policy == policy]
        rules = Policy(strict=policy == "strict", agents=frozenset({AGENT}))
        desk.filing = Filing(desk.engine, desk.progress, Confirming(DeskSettings(), TOKENS), rules)
        await desk.file(*(said(f"{row.name}-the", row.requester) for row in mine))
        await desk.file(*(said(f"{row.name}-other", row.requester, at=1) for row in mine))
        opened = await tickets(desk)
        ours = dict(
            await desk.rows("SELECT m.id, r.message_id FROM desk.messages m JOIN desk.replies r USING (ticket_id)")
        )
        over = [opened[f"id-{row.name}-the"] for row in mine if row.token == "expired"]
        await desk.rows_changed(
            "UPDATE desk.tickets SET status = 'closed', closed_at = :at WHERE id = ANY(:ids)", at=START, ids=over
        )
        await desk.file(*(_mail(row, opened, str(ours[f"id-{row.name}-the"])) for row in mine))
        filed = await tickets(desk)
        for row in mine:
            found[row] = await _became(desk, row, opened, filed[f"id-{row.name}"])
    return found


async def tickets(desk: Desk) -> dict[str, str]:
    """The ticket of each message."""
    return {str(id_): str(ticket) for id_, ticket in await desk.rows("SELECT id, ticket_id FROM desk.messages")}


def _mail(row: Sent, opened: dict[str, str], ours: str):  # type: ignore[no-untyped-def]  # noqa: ANN202  # as said()
    ticket, other = opened[f"id-{row.name}-the"], opened[f"id-{row.name}-other"]
    good = TOKENS.sign(ticket, row.address)
    token = {
        "valid": good,
        "bad": good[:30] + ("a" if good[30] != "a" else "b") + good[31:],
        "absent": None,
        "other_ticket": TOKENS.sign(other, row.address),
        "other_recipient": TOKENS.sign(ticket, "somebody@else.example"),
        "expired": OLD.sign(ticket, row.address),
    }[row.token]
    return said(
        row.name,
        row.address,
        *([ours] if row.names == "our_mail" else []),
        at=60 * 24 * 40,
        dmarc=row.dmarc,
        token=token,
        cc=[f"mallory-{row.name}@evil.example"] if row.cc == "stranger" else [],
    )


async def _became(desk: Desk, row: Sent, opened: dict[str, str], ticket: str) -> Became:
    [(follows, suggested, third_party, match, actor)] = await desk.rows(
        "SELECT t.follows, t.possible_reply_to, m.third_party, m.match, e.document::json->'actor'->>'kind' "
        "FROM desk.messages m JOIN desk.tickets t ON t.id = m.ticket_id "
        "JOIN desk.ticket_events e ON e.ticket_id = t.id AND e.type = 'ticket.message_received' "
        "AND e.document::json->'data'->>'message_id' = m.id WHERE m.id = :id",
        id=f"id-{row.name}",
    )
    the, other = opened[f"id-{row.name}-the"], opened[f"id-{row.name}-other"]
    new = "follow_up" if follows == the else "new"
    return Became(
        {the: "the_ticket", other: "other_ticket"}.get(ticket, new),
        "third_party" if third_party else str(actor),
        str(match["rule"]),
        "possible_reply" if suggested is not None else "-",
        ",".join(match.get("warnings", [])) or "-",
    )
