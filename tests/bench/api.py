"""The agents' API on many tickets: lists by any filter, a ticket of 100 messages, search, acts; beside bare queries."""

import asyncio
import hashlib
import itertools
import json
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, LiteralString

import httpx
import psutil
import psycopg

from ticketing.database import engine
from ticketing.migrate import upgrade
from ticketing.people import directory
from ticketing.people.models import NewAgent
from ticketing.people.policy import Role
from ticketing.people.store import give_token, transaction

_RATE, _SECONDS = 50, 20
_WRITERS = 8

_TICKETS: LiteralString = """
INSERT INTO desk.tickets (id, number, root_id, subject, status, priority, category, ticket_kind, owner_id, team_id,
    contact_id, account_id, channel, account, department, language, tags, messages, attachments, replies, due_at,
    opened_at, last_message_at, updated_at, closed_at, version)
SELECT md5('t' || n), n, md5('t' || n), 'Subject ' || n, s.status, p.priority,
       CASE WHEN n %% 5 < 3 THEN 'category ' || (200 * power(r.c, 2))::int END,
       CASE n %% 7 WHEN 0 THEN 'problem' WHEN 1 THEN 'question' WHEN 2 THEN 'thanks' END,
       CASE WHEN n %% 10 < 7 THEN md5('agent' || n %% 200) END, CASE WHEN n %% 10 < 5 THEN md5('team' || n %% 20) END,
       md5('c' || n %% greatest(%(n)s / 4, 1)), md5('a' || n %% greatest(%(n)s / 40, 1)),
       h.channel, h.channel || '-' || n %% 3, CASE n %% 4 WHEN 0 THEN '' ELSE 'department' || n %% 4 END, 'en',
       CASE WHEN n %% 10 < 3 THEN ARRAY['tag' || (500 * power(r.d, 2))::int, 'all'] ELSE '{}' END,
       1, 0, 0, CASE WHEN s.status <> 'closed' AND n %% 2 = 0 THEN o.at + interval '2 days' END,
       o.at, o.at + interval '1 hour', o.at + interval '2 hours', CASE WHEN s.status = 'closed' THEN o.at END, 2
  FROM generate_series(1, %(n)s) AS n,
       LATERAL (SELECT random() AS a, random() AS b, random() AS c, random() AS d, random() AS e WHERE n > 0) r,
       LATERAL (SELECT CASE WHEN r.a < .85 THEN 'closed' WHEN r.a < .97 THEN 'open' WHEN r.a < .995 THEN 'on_hold'
                       ELSE 'escalated' END AS status) s,
       LATERAL (SELECT CASE WHEN r.b < .85 THEN 'normal' WHEN r.b < .95 THEN 'high' WHEN r.b < .99 THEN 'low'
                       ELSE 'urgent' END AS priority) p,
       LATERAL (SELECT CASE WHEN r.e < .8 THEN 'email' WHEN r.e < .9 THEN 'chat' WHEN r.e < .99 THEN 'phone'
                       ELSE 'x' END AS channel) h,
       LATERAL (SELECT now() - interval '730 days' * (1 - n::float / %(n)s) AS at) o
"""
_CONTACTS: LiteralString = """
INSERT INTO desk.contacts (id, name, version, created_at)
SELECT md5('c' || n), 'Customer ' || n, 1, now() FROM generate_series(0, greatest(%(n)s / 4, 1)) AS n
"""
_EVENTS: LiteralString = """
INSERT INTO desk.ticket_events (event_id, ticket_id, version, type, occurred_at, recorded_at, document)
SELECT md5('e' || n || v), md5('t' || n), v, 'ticket.opened', now(), now(), '{"data": {}}'
  FROM generate_series(1, %(n)s) AS n, generate_series(1, 2) AS v
"""
_WORDS: LiteralString = """
INSERT INTO desk.ticket_words (ticket_id, number, words)
SELECT md5('t' || n), n, array_to_tsvector(w.words)
  FROM generate_series(1, %(n)s) AS n,
       LATERAL (SELECT array_agg(DISTINCT 'w' || (200000 * power(random(), 3))::int) || ARRAY['u' || n] AS words
                  FROM generate_series(1, 40) WHERE n > 0) w
"""
_CONVERSATION: LiteralString = """
INSERT INTO desk.messages (id, ticket_id, source_id, channel, account, author_kind, author_address, addressed,
    automation, authentic, acquainted, third_party, is_root, received_at, occurred_at, match, revision, normalizer,
    attachments, document, filed_at)
SELECT md5('m' || n) || md5('m' || n), md5('t1'), 'm' || n, 'email', 'email-1', 'email', 'a@b.example', '{}', 'human',
       true, true, false, n = 1, now(), now(), '{"rule": "references"}', 0, 'bench', 0,
       json_build_object('message_id', md5('m' || n) || md5('m' || n), 'channel', 'email', 'account', 'email-1',
           'author', json_build_object('kind', 'email', 'address', 'a@b.example'), 'received_at', now(),
           'text', repeat('Some words of a mail. ', 150), 'reply_text', repeat('Some words of it. ', 40))::text, now()
  FROM generate_series(1, 100) AS n
"""
_LISTS: tuple[Mapping[str, str], ...] = (
    {},
    {"status": "open"},
    {"status": "escalated"},
    {"status": "closed", "sort": "number"},
    {"owner": "AGENT", "status": "open"},
    {"owner": "none", "status": "open", "sort": "due_at"},
    {"team": "TEAM"},
    {"department": "department1", "priority": "urgent"},
    {"contact": "CONTACT"},
    {"account": "ACCOUNT"},
    {"channel": "x"},
    {"connector": "email-1", "priority": "high", "status": "open"},
    {"category": "category 7"},
    {"category": "category 199"},
    {"kind": "thanks", "status": "open"},
    {"tags": "tag3"},
    {"tags": "tag499"},
    {"overdue": "true"},
    {"due_after": "SOON", "sort": "due_at"},
    {"awaiting": "agent", "sort": "-priority"},
    {"opened_after": "OLD", "opened_before": "OLDER", "sort": "-updated_at"},
    {"updated_after": "SOON"},
)
_SEARCHES = ("w0", "w1 w2", "w40", "w5000", "w150000", "w150000 w0", "UNIQUE", "nothing")


def measure(database: str, tickets: int) -> dict[str, Any]:
    """The figures, in a database of its own on this server."""
    server, _, _ = database.rpartition("/")
    url = f"{server}/bench_api_{tickets}"
    plain = url.replace("+psycopg", "")
    name = url.rpartition("/")[2]
    with psycopg.connect(f"{server}/postgres".replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(psycopg.sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(psycopg.sql.Identifier(name)))
        admin.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
        try:
            upgrade(url)
            _fill(plain, tickets)
            return asyncio.run(_measure(url, plain, tickets))
        finally:
            admin.execute(psycopg.sql.SQL("DROP DATABASE {} WITH (FORCE)").format(psycopg.sql.Identifier(name)))


def _fill(plain: str, tickets: int) -> None:
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        for statement in (_CONTACTS, _TICKETS, _EVENTS, _WORDS):
            began = time.monotonic()
            connection.execute(statement, {"n": tickets})
            print(f"    {statement.split()[2]}: {time.monotonic() - began:.0f} s", file=sys.stderr)
        connection.execute(_CONVERSATION)
        connection.execute("SELECT setval('desk.ticket_number', %s)", [tickets])
        connection.execute(
            # all is found already
            "INSERT INTO desk.search_progress (outbox_id) SELECT max(id) FROM desk.ticket_events"
        )
        connection.execute("VACUUM ANALYZE")


async def _measure(url: str, plain: str, tickets: int) -> dict[str, Any]:
    pool = engine(url)
    async with transaction(pool) as connection:
        new = NewAgent(name="Bench", roles=frozenset({Role.ADMIN}))
        agent = await directory.add_agent(connection, new, datetime.now(UTC))
        token = (await give_token(connection, agent.id, name="bench", lifetime=timedelta(days=1))).token
    await pool.dispose()
    found: dict[str, Any] = {"API: tickets": tickets}
    async with _serving(url) as (address, process):
        headers = {"Authorization": f"Bearer {token}"}
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64, keepalive_expiry=2)
        async with httpx.AsyncClient(
            base_url=f"{address}/api/v1", headers=headers, limits=limits, timeout=60
        ) as client:
            before = process.cpu_times()
            took = await _at_a_rate(client, tickets)
            after = process.cpu_times()
            used = after.user + after.system - before.user - before.system
            found["API: CPU ms per request"] = used * 1000 / (100 + sum(map(len, took.values())))
            for kind, times in took.items():
                found[f"API: {kind} at {_RATE}/s, p50 ms"] = statistics.median(times)
                found[f"API: {kind} at {_RATE}/s, p95 ms"] = statistics.quantiles(times, n=20)[-1]
            found["API: acts/s"] = await _acts(client, tickets)
    found["API: bare transactions on the same rows/s"] = await _bare(plain, tickets)
    return found


@asynccontextmanager
async def _serving(url: str) -> AsyncIterator[tuple[str, psutil.Process]]:
    with TemporaryDirectory() as folder:
        note = Path(folder) / "run.json"
        environment = os.environ | {"DESKSTREAM_RUN_FILE": str(note), "DESKSTREAM_DATA": folder}
        words = ("-m", "deploy.cli", "api", "--port", "0", "--database", url)
        process = await asyncio.create_subprocess_exec(sys.executable, *words, env=environment)
        try:
            async with asyncio.timeout(120):
                while True:
                    with suppress(OSError, ValueError, KeyError):
                        address = str(json.loads(note.read_bytes())["api"])  # a small file
                        break
                    await asyncio.sleep(0.1)
            yield address, psutil.Process(process.pid)
        finally:
            process.terminate()
            await process.wait()


def _requests(tickets: int) -> Iterator[tuple[str, tuple[str, ...], Mapping[str, str]]]:
    """Kind, paths in their order, parameters: for ever, another one each time."""
    now = datetime.now(UTC)
    lists, searches = itertools.cycle(_LISTS), itertools.cycle(_SEARCHES)
    for n in itertools.count():
        values = {
            "AGENT": _md5(f"agent{n % 200}"),
            "TEAM": _md5(f"team{n % 20}"),
            "CONTACT": _md5(f"c{n % max(tickets // 4, 1)}"),
            "ACCOUNT": _md5(f"a{n % max(tickets // 40, 1)}"),
            "SOON": (now - timedelta(days=1)).isoformat(),
            "OLD": (now - timedelta(days=400)).isoformat(),
            "OLDER": (now - timedelta(days=390)).isoformat(),
        }
        yield "list", ("/tickets",), {name: values.get(value, value) for name, value in next(lists).items()}
        if n % 2:
            yield "open", ("/tickets/1", "/tickets/1/conversation"), {}
        else:
            word = next(searches)
            yield "search", ("/tickets",), {"text": f"u{n * 7919 % tickets + 1}" if word == "UNIQUE" else word}


async def _at_a_rate(client: httpx.AsyncClient, tickets: int) -> dict[str, list[float]]:
    """Milliseconds by kind, counted from when each was due."""
    took: defaultdict[str, list[float]] = defaultdict(list)
    slow: list[tuple[float, str]] = []

    async def ask(kind: str, paths: tuple[str, ...], parameters: Mapping[str, str], due: float) -> None:
        for path in paths:
            answer = await client.get(path, params=parameters)
            assert answer.status_code == 200, answer.text
        took[kind].append((time.monotonic() - due) * 1000)
        slow.append((took[kind][-1], f"{kind} {dict(parameters)}"))

    requests = _requests(tickets)
    for kind, paths, parameters in itertools.islice(requests, 100):  # what is read first is not in memory yet
        await ask(kind, paths, parameters, time.monotonic())
    took.clear()
    slow.clear()
    began, asked = time.monotonic(), []
    for n, (kind, paths, parameters) in enumerate(itertools.islice(requests, _RATE * _SECONDS)):
        due = began + n / _RATE
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        asked.append(asyncio.create_task(ask(kind, paths, parameters, due)))
    await asyncio.gather(*asked)
    for milliseconds, which in sorted(slow, reverse=True)[:8]:
        print(f"    slow: {milliseconds:.0f} ms {which}", file=sys.stderr)
    return took


async def _acts(client: httpx.AsyncClient, tickets: int) -> float:
    """Notes a second, by several at once on tickets of their own."""
    stop = time.monotonic() + 10
    done = 0

    async def write(writer: int) -> None:
        nonlocal done
        for n in itertools.count():
            if time.monotonic() > stop:
                return
            number = (n * _WRITERS + writer) % tickets + 1
            headers = {"Idempotency-Key": f"bench-{writer}-{n}", "If-Match": '"2"'}
            answer = await client.post(f"/tickets/{number}/comment", json={"text": "A note."}, headers=headers)
            assert answer.status_code in (200, 412), answer.text
            done += answer.status_code == 200

    await asyncio.gather(*(write(writer) for writer in range(_WRITERS)))
    return done / 10


async def _bare(plain: str, tickets: int) -> float:
    """The same rows read, locked and written without the API: what the database can do."""
    stop = time.monotonic() + 5
    done = 0

    async def write(writer: int) -> None:
        nonlocal done
        async with await psycopg.AsyncConnection.connect(plain) as connection:
            for n in itertools.count():
                if time.monotonic() > stop:
                    return
                number = tickets - (n * _WRITERS + writer) % tickets
                async with connection.transaction():
                    row = await (
                        await connection.execute(
                            "SELECT id, version FROM desk.tickets WHERE number = %s FOR UPDATE", [number]
                        )
                    ).fetchone()
                    assert row is not None
                    await connection.execute(
                        "INSERT INTO desk.comments (id, ticket_id, agent_id, text, attachments, created_at) "
                        "VALUES (%s, %s, 'a', 'A note.', '[]', now())",
                        [f"bare-{writer}-{n}", row[0]],
                    )
                    await connection.execute(
                        "UPDATE desk.tickets SET version = version + 1, updated_at = now() WHERE id = %s", [row[0]]
                    )
                    await connection.execute("SELECT pg_advisory_xact_lock(1869968482)")
                    await connection.execute(
                        "INSERT INTO desk.ticket_events (event_id, ticket_id, version, type, occurred_at, recorded_at, "
                        "document) VALUES (%s, %s, %s, 'ticket.commented', now(), now(), '{}')",
                        [f"bare-{writer}-{n}", row[0], row[1] + 1],
                    )
                done += 1

    await asyncio.gather(*(write(writer) for writer in range(_WRITERS)))
    return done / 5


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
