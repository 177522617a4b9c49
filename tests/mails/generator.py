"""A seeded stream of mails as a support address gets them, each with what must become of it.

Half open a conversation, two fifths reply (three in ten of these by another person than the asker), one in
twenty is an exact duplicate, one in twenty automatic. Sizes are log-normal with median 4 KB and mean 13 KB.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from tests.mails.bodies import body_part

Kind = Literal["new", "reply", "duplicate", "automatic"]
DESK = "support@desk.example"
MEDIAN_BYTES, MEAN_BYTES, MOST_BYTES = 4_000, 13_000, 400_000
_SIGMA = math.sqrt(2 * math.log(MEAN_BYTES / MEDIAN_BYTES))


@dataclass(frozen=True, slots=True)
class GeneratedMail:
    """One mail. `token` stands in its text and nowhere else, but in its exact duplicate.

    `conversation` is None for automatic mail that refers to nothing.
    """

    kind: Kind
    token: str
    conversation: int | None
    sender: str
    data: bytes


@dataclass(slots=True)
class _Conversation:
    asker: str
    participants: list[str] = field(default_factory=list)
    message_ids: list[str] = field(default_factory=list)
    subject: str = ""


def customers(count: int) -> list[str]:
    """Addresses of that many customers in a score of companies."""
    return [f"customer{n}@company{n % 20}.example" for n in range(count)]


def generate(count: int, *, seed: int = 1, people: int = 200, prefix: str = "") -> Sequence[GeneratedMail]:
    """So many mails, in an order in which they could have been written."""
    return list(_stream(count, random.Random(seed), customers(people), f"{prefix}{seed}"))


def _stream(count: int, rng: random.Random, people: list[str], series: str) -> Iterator[GeneratedMail]:
    shares: tuple[tuple[Kind, int], ...] = (("new", count // 2), ("reply", count * 2 // 5), ("duplicate", count // 20))
    kinds: list[Kind] = [kind for kind, share in shares for _ in range(share)]
    kinds += ["automatic"] * (count - len(kinds))
    rng.shuffle(kinds)
    conversations: list[_Conversation] = []
    written: list[GeneratedMail] = []
    clock = datetime.now(UTC) - timedelta(hours=6)
    for n, wanted in enumerate(kinds):
        clock += timedelta(seconds=rng.uniform(0.1, 8))
        kind: Kind = wanted if conversations and written else "new"
        if kind == "duplicate":
            original = rng.choice(written)
            yield GeneratedMail("duplicate", original.token, original.conversation, original.sender, original.data)
            continue
        mail = _one(kind, f"tok{series}x{n:06d}z", n, clock, rng, people, conversations, series)
        if kind != "automatic":
            written.append(mail)
        yield mail


def _one(
    kind: Kind,
    token: str,
    n: int,
    clock: datetime,
    rng: random.Random,
    people: list[str],
    conversations: list[_Conversation],
    series: str,
) -> GeneratedMail:
    message_id = f"{series}.{n}.{rng.getrandbits(48):x}@mail.example"
    headers: list[tuple[str, str]] = []
    if kind == "automatic":
        return _automatic(token, message_id, clock, rng, people, conversations)
    if kind == "new":
        at = len(conversations)
        sender = rng.choice(people)
        subject = f"{rng.choice(_SUBJECTS)} {n}"
        conversation = _Conversation(sender, [sender], [], subject)
        conversations.append(conversation)
    else:
        at = rng.randrange(max(0, len(conversations) - 300), len(conversations))
        conversation = conversations[at]
        sender = conversation.asker
        if rng.random() < 0.3:
            sender = rng.choice([p for p in people if p != conversation.asker])
        subject = f"Re: {conversation.subject}"
        known = conversation.message_ids
        parent = rng.choice(known)
        headers = [
            ("In-Reply-To", f"<{parent}>"),
            ("References", " ".join(f"<{known[i]}>" for i in range(known.index(parent) + 1))),
        ]
    conversation.message_ids.append(message_id)
    size = min(MOST_BYTES, int(rng.lognormvariate(math.log(MEDIAN_BYTES), _SIGMA)))
    part = body_part(rng, token, max(200, size - 700), quoted=kind == "reply")
    data = _mail(sender, subject, message_id, clock, headers, part)
    return GeneratedMail(kind, token, at, sender, data)


def _automatic(
    token: str,
    message_id: str,
    clock: datetime,
    rng: random.Random,
    people: list[str],
    conversations: list[_Conversation],
) -> GeneratedMail:
    sender = rng.choice(people)
    at: int | None = None
    headers = [rng.choice((("Auto-Submitted", "auto-replied"), ("X-Auto-Response-Suppress", "All")))]
    headers.append(("Auto-Submitted", "auto-generated") if headers[0][0] != "Auto-Submitted" else ("X-Loop", "1"))
    if rng.random() < 0.3:
        at = rng.randrange(len(conversations))
        headers.append(("In-Reply-To", f"<{conversations[at].message_ids[0]}>"))
    part = body_part(rng, token, 600, quoted=False)
    return GeneratedMail(
        "automatic", token, at, sender, _mail(sender, "Out of office", message_id, clock, headers, part)
    )


def _mail(
    sender: str, subject: str, message_id: str, clock: datetime, extra: list[tuple[str, str]], part: bytes
) -> bytes:
    headers = [
        ("Received", f"from mx.company.example by mail.example with ESMTPS id {message_id[:12]}"),
        ("From", f'"{sender.partition("@")[0].title()}" <{sender}>'),
        ("To", f"Support <{DESK}>"),
        ("Subject", subject),
        ("Date", clock.strftime("%a, %d %b %Y %H:%M:%S +0000")),
        ("Message-ID", f"<{message_id}>"),
        *extra,
        ("MIME-Version", "1.0"),
    ]
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return head.encode("ascii") + part


_SUBJECTS = (
    "Invoice is wrong",
    "Cannot sign in",
    "Commande en retard",
    "Vraag over mijn bestelling",
    "Pedido com defeito",
    "Delivery question",
    "Broken after update",
)
