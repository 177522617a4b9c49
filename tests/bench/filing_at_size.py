"""Filing the same messages into a desk of ten thousand and one of a million: what each costs must not grow with it.

The rows that are there already are made by set-based SQL: conversations of three mails each with the names they own and
mention, two tickets a person, confirmations, history; one mail in two hundred names an id that many others name.
Batches go to the two desks by turns, so that a machine that slows down does so for both.
"""

import asyncio
import contextlib
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg

from bus.message import Address, Author, NormalizedMessage, RawPosition, Ref
from bus.progress import FencedProgress
from bus.record import Received
from bus.settings import DeskSettings
from tests.bench.cost import cpu_seconds, spent
from ticketing.confirm import Confirming
from ticketing.database import engine as engine_of
from ticketing.filing import Filing
from ticketing.migrate import upgrade
from ticketing.tables import progress
from ticketing.tokens import load_tokens

SMALL = 10_000
_BATCH = 500
_MESSAGES = 2_000
_PER_TICKET = 3
_TEXT = "The lamp that I bought went out again after two days. What can I do about it? " * 8

_FILL = Path(__file__).with_suffix(".sql")


def measure(server: str, size: int, rounds: int) -> dict[str, Any]:
    """What a message costs at both sizes, and by how much more at the greater one."""
    with tempfile.TemporaryDirectory(prefix="bench-size-") as folder:
        urls = {count: _database(server, count) for count in (SMALL, size)}
        costs = asyncio.run(_by_turns(urls, Path(folder), rounds))
    found: dict[str, Any] = {}
    for what, which in (("wall ms", 0), ("CPU ms", 1)):
        small, large = ([cost[which] for cost in costs[count]] for count in (SMALL, size))
        found |= {
            f"filing at {SMALL:,} messages, {what} each": 1_000 * statistics.median(small) / _BATCH,
            f"filing at {size:,} messages, {what} each": 1_000 * statistics.median(large) / _BATCH,
            f"filing at {size:,} × at {SMALL:,}, {what}": statistics.median(
                b / a for a, b in zip(small, large, strict=True)
            ),
        }
    return found


def _database(server: str, count: int) -> str:
    base, _, _ = server.rpartition("/")
    name = f"bench_filing_{count}"
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name}")
    url = f"{base}/{name}"
    upgrade(url)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        text = _FILL.read_text("utf-8").replace(":tickets", str(count // _PER_TICKET))
        for statement in filter(str.strip, text.split(";\n")):
            connection.execute(statement.encode())
        connection.execute("VACUUM ANALYZE")
    return url


async def _by_turns(urls: dict[int, str], folder: Path, rounds: int) -> dict[int, list[tuple[float, float]]]:
    """Of each batch the seconds that it took, and that this process and the server's worked for it."""
    costs: dict[int, list[tuple[float, float]]] = {count: [] for count in urls}
    filers = {}
    engines = [engine_of(url) for url in urls.values()]
    for count, pool in zip(urls, engines, strict=True):
        moved = FencedProgress(pool, progress, "bench", "bench")
        await moved.claim({Received("messages.email", 0, 0, None, None, 0).source})
        filers[count] = Filing(pool, moved, Confirming(DeskSettings(), load_tokens(folder)))
    at = 0
    for round_ in range(rounds):
        batches = {count: _records(round_, count) for count in urls}
        for start in range(0, _MESSAGES, _BATCH):
            for count in urls if (round_ + start // _BATCH) % 2 else reversed(urls):
                records = [_at(record, at + n) for n, record in enumerate(batches[count][start : start + _BATCH])]
                workers = [psutil.Process(), *_sessions(urls[count])]
                before, began = cpu_seconds(workers), time.perf_counter()
                await filers[count](records)
                costs[count].append((time.perf_counter() - began, spent(before, cpu_seconds(workers))))
            at += _BATCH
    for pool in engines:
        await pool.dispose()
    # the first batch of each prepares statements and fills caches
    return {count: found[1:] for count, found in costs.items()}


def _sessions(url: str) -> list[psutil.Process]:
    """The server's processes that work for this database: they have its name in their titles."""
    name = f" {url.rpartition('/')[2]} "
    return [process for process in psutil.process_iter() if name in " ".join(_title(process))]


def _title(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


def _at(record: Received, offset: int) -> Received:
    return Received(record.topic, record.partition, offset, record.key, record.value, record.timestamp)


def _records(round_: int, size: int) -> Sequence[Received]:
    """Half of them answer something on file, anywhere in it; a third are of people who never wrote."""
    rng, tickets = random.Random(round_), size // _PER_TICKET
    now = datetime.now(UTC)
    found = []
    for n in range(_MESSAGES):
        share = rng.random()  # drawn alike at both sizes, so that the messages differ in the numbers alone
        ticket, other = 1 + int(rng.random() * (tickets - 1)), 1 + int(rng.random() * (tickets - 1))
        person = ticket * 7919 % max(1, tickets // 2)
        address = f"p{person}@c{person % 5000}.example" if share < 0.7 else f"new{round_}-{n}@elsewhere.example"
        named = [f"m{3 * ticket}@size.example", f"unseen{ticket}@size.example"] if share < 0.5 else []
        if n % 100 == 0:
            named.append(f"hub{n % 50}@size.example")
        if n % 20 == 0:
            named.append(f"m{3 * other}@size.example")
        message = NormalizedMessage(
            message_id=f"{round_:08x}{n:056x}",
            normalizer="mail/2",
            channel="email",
            account="support",
            source_id=f"new{round_}-{n}@size.example",
            author=Author(kind="email", address=address, name="Person", verified=True),
            to=[Address(address="support@desk.example")],
            subject=f"Lamp {n}",
            text=_TEXT,
            reply_text=f"{_TEXT}{round_}/{n}",
            language="en",
            sent_at=now - timedelta(seconds=60),
            received_at=now,
            refs=[Ref(kind="references", value=value) for value in named],
            raw=RawPosition(topic="raw.email", partition=1, offset=round_ * _MESSAGES + n),
        )
        found.append(Received("messages.email", 0, 0, address, message.to_json(), 0))
    return found
