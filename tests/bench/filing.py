"""Filing alone, on messages that are understood already, against a bare loop of set-based inserts of the same rows."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.message import RawPosition
from bus.progress import FencedProgress
from bus.record import Received
from bus.settings import DeskSettings
from normalize.outcome import Understood
from normalize.table import NORMALIZERS
from tests.bench.normalizer import raw_record
from tests.mails.generator import GeneratedMail, generate
from ticketing.confirm import Confirming
from ticketing.database import engine as engine_of
from ticketing.filing import Filing
from ticketing.migrate import upgrade
from ticketing.rows import insert_rows
from ticketing.schema import metadata
from ticketing.tables import progress
from ticketing.tokens import load_tokens

_BATCH = 500
_TABLES = ("accounts", "contacts", "identities", "tickets", "messages", "names", "settled", "replies", "ticket_events",
           "contact_events", "outgoing")  # fmt: skip


def measure(server: str, count: int, runs: int, seed: int) -> dict[str, Any]:
    """Mails a second of both, and their ratio, in a database of this bench's own on the server of this URL."""
    url = _database(server)
    with tempfile.TemporaryDirectory(prefix="bench-filing-") as folder:
        pairs = [asyncio.run(_pair(url, generate(count, seed=seed + n), Path(folder))) for n in range(runs)]
    return {
        "filing, mails/s": statistics.median(filed for filed, _ in pairs),
        "bare inserts of the same rows, mails/s": statistics.median(bare for _, bare in pairs),
        "filing × bare loop": statistics.median(filed / bare for filed, bare in pairs),
    }


def _database(server: str) -> str:
    base, _, _ = server.rpartition("/")
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS bench_filing")
        connection.execute("CREATE DATABASE bench_filing")
    return f"{base}/bench_filing"


async def _pair(url: str, mails: Sequence[GeneratedMail], folder: Path) -> tuple[float, float]:
    records = _records(mails)
    await _recreate(url)
    engine = engine_of(url)
    try:
        filed = await _file(engine, records, folder)
        rows = await _rows(engine)
    finally:
        await engine.dispose()
    await _recreate(url)
    engine = engine_of(url)
    try:
        bare = await _insert(engine, rows)
    finally:
        await engine.dispose()
    return len(mails) / filed, len(mails) / bare


def _records(mails: Sequence[GeneratedMail]) -> list[Received]:
    normalize = NORMALIZERS["email"]
    records = []
    for n, mail in enumerate(mails):
        (outcome,) = normalize(raw_record(mail), mail.data)
        assert isinstance(outcome, Understood)
        where = RawPosition(topic="raw.email", partition=0, offset=n)
        message = outcome.message.model_copy(update={"raw": where, "received_at": datetime.now(UTC)})
        records.append(Received("messages.email", 0, n, mail.sender, message.to_json(), 0))
    return records


async def _recreate(url: str) -> None:
    engine = engine_of(url)
    async with engine.begin() as connection:
        await connection.execute(sa.text("DROP SCHEMA IF EXISTS desk CASCADE"))
    await engine.dispose()
    await asyncio.to_thread(upgrade, url)


async def _file(engine: AsyncEngine, records: Sequence[Received], folder: Path) -> float:
    moved = FencedProgress(engine, progress, "bench", "bench")
    await moved.claim({record.source for record in records})
    filing = Filing(engine, moved, Confirming(DeskSettings(), load_tokens(folder)))
    began = time.perf_counter()
    for start in range(0, len(records), _BATCH):
        await filing(records[start : start + _BATCH])
    return time.perf_counter() - began


async def _rows(engine: AsyncEngine) -> dict[str, list[dict[str, Any]]]:
    async with engine.connect() as connection:
        return {
            name: [
                dict(row) for row in (await connection.execute(sa.select(metadata.tables[f"desk.{name}"]))).mappings()
            ]
            for name in _TABLES
        }


async def _insert(engine: AsyncEngine, rows: dict[str, list[dict[str, Any]]]) -> float:
    batches = max(1, round(len(rows["messages"]) / _BATCH))
    began = time.perf_counter()
    for n in range(batches):
        async with engine.begin() as connection:
            for name in _TABLES:
                await insert_rows(connection, metadata.tables[f"desk.{name}"], rows[name][n::batches])
    return time.perf_counter() - began
