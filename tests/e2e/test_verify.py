"""The checker checked: what `verify` found whole is damaged in one place, and that very invariant is named."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bus.blobs import open_blobs
from bus.dead_letter import DeadLetter
from bus.settings import Settings, load_settings
from deploy.verify.blobs import blobs
from deploy.verify.lag import lag
from deploy.verify.ledger import Entry, read_ledger
from deploy.verify.run import of_world
from deploy.verify.world import World, look
from tests.e2e.running import Up
from tests.mails.client import send_all, write_ledger
from tests.mails.generator import generate

pytestmark = pytest.mark.stack

SETTLED = "every raw record is settled exactly once"
LETTERS = "every dead letter is whole"
GAPLESS = "versions are gapless"
TOPICS = "topics equal the tables"
STATES = "tickets.state is current"
CONFIRMED = "every human ticket is confirmed once or has its reason"
FLOODED = "nobody gets more than three confirmations a day"
DELIVERED = "every reply has one outcome"
FILED = "every accepted token is filed once"
MIXED = "conversations and tickets are the same"


@dataclass
class Seen:
    """What `verify` would look at, in a form that can be damaged; `entries` of the ledger."""

    settings: Settings
    world: World
    entries: list[Entry]

    def copy(self) -> "Seen":
        """The same, to be damaged."""
        world, rows = self.world, self.world.rows
        return replace(
            self,
            entries=list(self.entries),
            world=World(
                raw=dict(world.raw),
                made=dict(world.made),
                letters=dict(world.letters),
                ticket_events=list(world.ticket_events),
                contact_events=list(world.contact_events),
                ticket_states=dict(world.ticket_states),
                receipts={key: list(found) for key, found in world.receipts.items()},
                rows={name: [SimpleNamespace(**vars(row)) for row in found] for name, found in rows.items()},
            ),
        )

    def rows(self, name: str, **wanted: object) -> list[Any]:
        """The rows of a table with these values."""
        return [row for row in self.world.rows[name] if all(getattr(row, k) == v for k, v in wanted.items())]


async def _look(settings: Settings) -> World:
    assert settings.database.url
    engine = create_async_engine(settings.database.url.get_secret_value())
    try:
        async with engine.connect() as connection:
            world = await look(settings.kafka, connection, ["email"])
    finally:
        await engine.dispose()
    rows = {name: [SimpleNamespace(**row._mapping) for row in found] for name, found in world.rows.items()}
    return replace(world, rows=rows)


@pytest.fixture(scope="module")
def seen(up: Up, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """After sixty mails of all kinds."""
    ledger = tmp_path_factory.mktemp("verify") / "ledger"
    write_ledger(ledger, send_all(up.smtp, list(generate(60, seed=51, prefix="verify"))))
    up.verify(ledger)
    known = up.endpoints()
    settings = load_settings(data=up.data, kafka=known["kafka"], database=known["database"])
    return Seen(settings, asyncio.run(_look(settings)), read_ledger(ledger))


def broken(seen: Seen) -> set[str]:
    checks, _ = of_world(seen.world, seen.entries)
    return {one.name for one in checks if not one.ok}


def _letter(seen: Seen, **more: object) -> tuple[str, DeadLetter]:
    """A dead letter of a record that was filed."""
    row = seen.rows("messages", raw_topic="raw.email")[
        0
    ]  # of the channel that was looked at: other tests write by others
    raw = next(r for p, r in seen.world.raw.items() if tuple(p) == (row.raw_topic, row.raw_partition, row.raw_offset))
    letter = DeadLetter.model_validate(
        {
            "topic": raw.topic, "partition": raw.partition, "offset": raw.offset, "key": raw.key, "headers": {},
            "value": b"", "value_omitted": True, "reason": "bad", "error": "invalid", "stage": "understand",
            "at": "2026-01-01T00:00:00Z",
        }
    )  # fmt: skip
    return "/".join(map(str, raw.position)), letter.model_copy(update=more)


def _forget_a_message(seen: Seen) -> None:
    seen.world.rows["messages"].remove(seen.rows("messages", raw_topic="raw.email")[0])


def _park_what_is_filed(seen: Seen) -> None:
    key, letter = _letter(seen)
    seen.world.letters[key] = letter  # type: ignore[index]  # a dict here


def _letter_without_reason(seen: Seen) -> None:
    key, letter = _letter(seen, reason="")
    seen.world.letters[key] = letter  # type: ignore[index]


def _letter_under_another_key(seen: Seen) -> None:
    _, letter = _letter(seen)
    seen.world.letters["raw.email/0/9999"] = letter  # type: ignore[index]


def _letter_with_other_bytes(seen: Seen) -> None:
    key, letter = _letter(seen, value=b"other", value_omitted=False)
    seen.world.letters[key] = letter  # type: ignore[index]


def _skip_a_version(seen: Seen) -> None:
    seen.rows("ticket_events")[-1].version += 1


def _swap_two_versions(seen: Seen) -> None:
    one = next(row for row in seen.rows("ticket_events", version=1))
    two = next(row for row in seen.rows("ticket_events", version=2) if row.ticket_id == one.ticket_id)
    one.version, two.version = two.version, one.version


def _count_a_version_without_its_event(seen: Seen) -> None:
    seen.rows("tickets")[0].version += 1


def _leave_an_event_unpublished(seen: Seen) -> None:
    seen.world.ticket_events.pop()


def _publish_an_event_twice(seen: Seen) -> None:
    seen.world.contact_events.append(seen.world.contact_events[0])


def _publish_events_in_another_order(seen: Seen) -> None:
    seen.world.ticket_events.reverse()


def _publish_another_document(seen: Seen) -> None:
    last = seen.world.ticket_events[-1]
    seen.world.ticket_events[-1] = replace(last, value=(last.value or b"").replace(b"ticket", b"tickets", 1))


def _leave_a_state_behind(seen: Seen) -> None:
    ticket = next(row for row in seen.rows("tickets") if row.version > 1)
    record = seen.world.ticket_states[ticket.id]
    value = (record.value or b"").replace(b'"version":%d' % ticket.version, b'"version":1')
    assert value != record.value
    seen.world.ticket_states[ticket.id] = replace(record, value=value)  # type: ignore[index]


def _publish_no_state(seen: Seen) -> None:
    del seen.world.ticket_states[seen.rows("tickets")[0].id]  # type: ignore[attr-defined]


def _confirmed(seen: Seen) -> Any:  # noqa: ANN401  # a row
    return seen.rows("ticket_events", type="ticket.confirmed")[0]


def _forget_a_confirmation(seen: Seen) -> None:
    _confirmed(seen).type = "ticket.assigned"


def _confirm_twice(seen: Seen) -> None:
    event = _confirmed(seen)
    next(
        row for row in seen.rows("ticket_events", ticket_id=event.ticket_id) if row is not event
    ).type = "ticket.confirmed"


def _confirm_a_machine(seen: Seen) -> None:
    event = _confirmed(seen)
    opener = seen.rows("ticket_events", ticket_id=event.ticket_id, type="ticket.message_received")[0]
    opener.document = opener.document.replace('"human"', '"out_of_office"', 1)


def _flood_somebody(seen: Seen) -> None:
    replies = seen.rows("replies", purpose="confirmation")[:4]
    for n, row in enumerate(replies):
        row.recipient, row.created_at = "one@x.example", replies[0].created_at + timedelta(hours=7 * n)


def _send_twice(seen: Seen) -> None:
    sent = (found for found in seen.world.receipts.values() if found[-1]["state"] == "sent")
    receipts = next(found for found in sent if not found[-1].get("shown"))
    receipts.append(receipts[-1])


def _attempt_for_ever(seen: Seen) -> None:
    next(iter(seen.world.receipts.values())).append({"state": "attempting"})


def _leave_a_reply_queued(seen: Seen) -> None:
    seen.rows("replies", state="sent")[0].state = "queued"


def _accept_what_is_nowhere(seen: Seen) -> None:
    seen.entries.append(Entry(token="tokverify51x999999z", outcome="accepted"))


def _refuse_what_is_filed(seen: Seen) -> None:
    token = seen.entries[0].token
    seen.entries[:] = [one if one.token != token else replace_entry(one, outcome="rejected") for one in seen.entries]


def _file_twice(seen: Seen) -> None:
    token = seen.entries[0].token
    seen.world.rows["messages"].append(next(row for row in seen.rows("messages") if token in row.document))


def replace_entry(entry: Entry, **more: object) -> Entry:
    """The entry with other values."""
    return entry.model_copy(update=more)


def _put_two_conversations_into_one_ticket(seen: Seen) -> None:
    first = seen.entries[0]
    known = {one.conversation for one in seen.entries}
    other = next(one for one in seen.entries if one.conversation not in (None, first.conversation))
    assert len(known) > 2
    ticket = next(row for row in seen.rows("messages") if first.token in row.document).ticket_id
    for row in seen.rows("messages"):
        if other.token in row.document:
            row.ticket_id = ticket


def _split_a_conversation(seen: Seen) -> None:
    reply = next(one for one in seen.entries if one.kind == "reply")
    row = next(row for row in seen.rows("messages") if reply.token in row.document)
    stranger = next(t for t in seen.rows("tickets") if t.root_id == t.id and t.id != row.ticket_id)
    stranger.root_id = stranger.id = "one-of-its-own"
    row.ticket_id = stranger.id


DAMAGES: list[tuple[Callable[[Seen], None], str]] = [
    (_forget_a_message, SETTLED),
    (_park_what_is_filed, SETTLED),
    (_letter_without_reason, LETTERS),
    (_letter_under_another_key, LETTERS),
    (_letter_with_other_bytes, LETTERS),
    (_skip_a_version, GAPLESS),
    (_swap_two_versions, GAPLESS),
    (_count_a_version_without_its_event, GAPLESS),
    (_leave_an_event_unpublished, TOPICS),
    (_publish_an_event_twice, TOPICS),
    (_publish_events_in_another_order, TOPICS),
    (_publish_another_document, TOPICS),
    (_leave_a_state_behind, STATES),
    (_publish_no_state, STATES),
    (_forget_a_confirmation, CONFIRMED),
    (_confirm_twice, CONFIRMED),
    (_confirm_a_machine, CONFIRMED),
    (_flood_somebody, FLOODED),
    (_send_twice, DELIVERED),
    (_attempt_for_ever, DELIVERED),
    (_leave_a_reply_queued, DELIVERED),
    (_accept_what_is_nowhere, FILED),
    (_refuse_what_is_filed, FILED),
    (_file_twice, FILED),
    (_put_two_conversations_into_one_ticket, MIXED),
    (_split_a_conversation, MIXED),
]


def test_what_is_whole_is_found_whole_and_every_check_has_a_damage(seen: Seen) -> None:
    checks, counts = of_world(seen.world, seen.entries)
    assert {one.name for one in checks if not one.ok} == set()
    assert {one.name for one in checks} == {name for _, name in DAMAGES}
    assert counts["raw"] >= 60


@pytest.mark.parametrize(("damage", "named"), DAMAGES, ids=lambda given: getattr(given, "__name__", "").strip("_"))
def test_a_damage_is_named(seen: Seen, damage: Callable[[Seen], None], named: str) -> None:
    damaged = seen.copy()
    damage(damaged)
    assert named in broken(damaged)


def test_a_blob_that_is_gone_or_altered_is_named(seen: Seen, tmp_path: Path) -> None:
    folder = tmp_path / "blobs"
    shutil.copytree(str(seen.settings.blob_place.url).removeprefix("file://"), folder)
    store = open_blobs(folder.as_uri())
    whole, count = asyncio.run(blobs(seen.world, store))
    assert whole.ok
    assert count > 1
    gone, altered = [file for file in folder.rglob("*") if file.is_file()][:2]
    gone.unlink()
    altered.write_bytes(altered.read_bytes() + b"x")
    found, _ = asyncio.run(blobs(seen.world, store))
    assert found.count == 2


BEHIND: list[tuple[str, str]] = [
    ("UPDATE desk.progress SET next_offset = 0 WHERE topic = 'messages.email'", "no reader lags"),
    ("DELETE FROM desk.progress WHERE topic = 'messages.email'", "no reader lags"),
    ("UPDATE metrics.progress SET next_offset = 0", "no reader lags"),
    (
        "UPDATE desk.ticket_events SET id = id + 1000000 WHERE id = (SELECT max(id) FROM desk.ticket_events)",
        "the outbox is published",
    ),
]


@pytest.mark.parametrize(("damage", "named"), BEHIND)
def test_who_lags_is_named(seen: Seen, damage: str, named: str) -> None:
    """The damage is seen by this transaction only, and taken back."""

    async def looked(connection: AsyncConnection) -> set[str]:
        before = await lag(seen.settings.kafka, connection, ["email"])
        assert all(one.ok for one in before)
        await connection.execute(sa.text(damage))
        after = await lag(seen.settings.kafka, connection, ["email"])
        await connection.rollback()
        return {one.name for one in after if not one.ok}

    assert asyncio.run(_connected(seen.settings, looked)) == {named}


async def _connected(settings: Settings, ask: Callable[[AsyncConnection], Awaitable[set[str]]]) -> set[str]:
    assert settings.database.url
    engine = create_async_engine(settings.database.url.get_secret_value())
    try:
        async with engine.connect() as connection:
            return await ask(connection)
    finally:
        await engine.dispose()
