"""Conversations of several people, from a seed: with what is missing, twice there, late, and joins others."""

import random

from bus.message import AutomationKind, NormalizedMessage
from tests.ticketing.filing.said import TOKENS, record, said
from ticketing.decode import decode
from ticketing.incoming import Incoming
from ticketing.policy import Policy

KINDS: tuple[AutomationKind, ...] = ("human", "human", "human", "human", "list", "bounce", "auto_reply")
MINUTES_OF_A_DAY = 1_440
FIRST_TICKET = f"{2:032x}"
"""Ids are counted up: the first contact, then its ticket."""

DEPARTMENTS = {"support-mail": "", "second-mail": "", "sales-mail": "sales"}
POLICIES = (Policy(departments=DEPARTMENTS), Policy(strict=True, departments=DEPARTMENTS))


def conversation(rng: random.Random, count: int, *, space: str = "", tokens: bool = True) -> list[NormalizedMessage]:
    """So many mails. The first is a person's; others may carry the token of its ticket. `space`: of their ids.

    An id may be used again, by its author. Some mails are there twice, as another mailbox got them.
    """
    people = [f"{space}{name}" for name in ("ann@x.example", "bob@x.example", "cid@y.example", "dan@z.example")]
    names = [f"{space}m{n:02}" for n in range(count)]
    unseen = [f"{space}u{n}" for n in range(max(2, count // 4))]
    own: dict[str, list[str]] = {}
    found: list[NormalizedMessage] = []
    for n, name in enumerate(names):
        author = rng.choice(people)
        again = own.setdefault(author, [])
        mail = f"{again[0]}/{n:02}" if again and rng.random() < 0.1 else name
        again.append(mail.partition("/")[0])
        near = rng.choice([names, names[max(0, n - 4) : n + 4]])
        arguments = {
            "at": rng.choice([0, 1, 2, 3, 300 * MINUTES_OF_A_DAY, 600 * MINUTES_OF_A_DAY]) + rng.randrange(3),
            "to": rng.sample(people, rng.randrange(3)),
            "kind": rng.choice(KINDS) if n else "human",
            "dmarc": rng.choice(["none", "pass", "pass", "fail"]),
            "token": TOKENS.sign(FIRST_TICKET, author) if tokens and n and rng.random() < 0.1 else None,
            "text": f"text of {name}",
            "files": rng.randrange(3),
        }
        refs = rng.sample([*near, *unseen], min(rng.choice([0, 1, 1, 2, 3]), len(near)))
        account = rng.choice(["support-mail"] * 6 + ["sales-mail"]) if n else "support-mail"
        found.append(said(mail, author, *refs, account=account, raw=2 * n, **arguments))  # type: ignore[arg-type]  # as above
        if n and rng.random() < 0.1 and account == "support-mail":
            copy = said(f"{mail}~copy", author, *refs, account="second-mail", raw=2 * n + 1, **arguments)  # type: ignore[arg-type]
            found.append(copy)
    return found


def decoded(messages: list[NormalizedMessage], policy: Policy) -> list[Incoming]:
    """They as filing sees them."""
    found = [decode(record(message), TOKENS, policy) for message in messages]
    return [message for message in found if isinstance(message, Incoming)]
