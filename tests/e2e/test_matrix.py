"""Twenty rows of the table of who gets in, through SMTP, Kafka, the normalizer and the desk as they run for a user."""

import random
import smtplib
from dataclasses import astuple
from pathlib import Path

import pytest

from tests.e2e.running import AUTHSERV, HASTY, Up, running, with_a_server_in_front
from tests.ticketing.threading.matrix import Became, Sent, read
from ticketing.tokens import ReplyTokens, load_tokens

pytestmark = pytest.mark.stack


def _rows(policy: str) -> list[Sent]:
    """Agents' addresses are settings, and a ticket does not grow old in a test: those rows stay with the desk alone."""
    fit = [row for row in read() if row.policy == policy and row.token != "expired" and row.sender != "agent"]
    return random.Random(6).sample(fit, 20)


def _mail(row: Sent, name: str, sender: str, to: str, *more: str) -> bytes:
    lines = [
        f"Authentication-Results: {AUTHSERV}; dmarc={row.dmarc} header.from={sender.partition('@')[2]}",
        f"From: <{sender}>",
        f"To: <{to}>",
        *([f"Cc: <mallory-{row.name}@evil.example>"] if row.cc == "stranger" else []),
        f"Subject: {name}",
        f"Message-ID: <{name}@x.example>",
        *more,
        "",
        f"This is what {name} has to say.",
        "",
    ]
    return "\r\n".join(lines).encode()


def _through(up: Up, policy: str) -> dict[Sent, Became]:
    rows = _rows(policy)
    host, _, port = up.smtp().partition(":")
    with smtplib.SMTP(host, int(port)) as smtp:
        for row in rows:
            for which in ("the", "other"):
                first = _mail(row, f"{row.name}-{which}", row.requester, "support@desk.example")
                smtp.sendmail(row.requester, ["support@desk.example"], first)
    up.verify()
    opened = _tickets(up)
    tokens = load_tokens(up.data)
    host, _, port = up.smtp().partition(":")
    with smtplib.SMTP(host, int(port)) as smtp:
        for row in rows:
            ticket, ours = opened[f"{row.name}-the"]
            token = _token(row, tokens, ticket, opened[f"{row.name}-other"][0])
            to = f"support+{token}@desk.example" if token else "support@desk.example"
            named = [f"In-Reply-To: <{ours}>"] if row.names == "our_mail" else []
            smtp.sendmail(row.address, [to], _mail(row, row.name, row.address, to, *named))
    up.verify()
    return {row: _became(up, row, opened) for row in rows}


def _token(row: Sent, tokens: ReplyTokens, ticket: str, other: str) -> str | None:
    good = tokens.sign(ticket, row.address)
    return {
        "valid": good,
        "bad": good[:30] + ("a" if good[30] != "a" else "b") + good[31:],
        "absent": None,
        "other_ticket": tokens.sign(other, row.address),
        "other_recipient": tokens.sign(ticket, "somebody@else.example"),
    }[row.token]


def _tickets(up: Up) -> dict[str, tuple[str, str]]:
    """By the name of the mail that opened it: a ticket, and the Message-ID of its confirmation."""
    with up.database() as connection:
        rows = connection.execute(
            "SELECT m.subject, m.ticket_id, r.message_id FROM desk.messages m JOIN desk.replies r USING (ticket_id)"
        ).fetchall()
    return {subject: (ticket, ours) for subject, ticket, ours in rows}


def _became(up: Up, row: Sent, opened: dict[str, tuple[str, str]]) -> Became:
    with up.database() as connection:
        [(ticket, suggested, third_party, match)] = connection.execute(
            "SELECT t.id, t.possible_reply_to, m.third_party, m.match FROM desk.messages m "
            "JOIN desk.tickets t ON t.id = m.ticket_id WHERE m.subject = %s",
            [row.name],
        ).fetchall()
    lands = {opened[f"{row.name}-the"][0]: "the_ticket", opened[f"{row.name}-other"][0]: "other_ticket"}
    return Became(
        lands.get(ticket, "new"),
        "third_party" if third_party else "customer",
        match["rule"],
        "possible_reply" if suggested is not None else "-",
        ",".join(match.get("warnings", [])) or "-",
    )


def _as_the_table_says(up: Up, policy: str) -> None:
    table = read()
    for row, became in _through(up, policy).items():
        assert became == table[row], astuple(row)
    for path in (up.data / "outbox").glob("*.eml"):
        assert b"mallory" not in path.read_bytes()


def test_twenty_rows_through_the_whole_stack(up: Up) -> None:
    _as_the_table_says(up, "default")


@pytest.mark.long
def test_twenty_rows_of_the_strict_policy(data: Path) -> None:
    with_a_server_in_front(data, policy="strict")
    with running(data, environment=HASTY) as up:
        _as_the_table_says(up, "strict")
