"""`deskstream replay`: understand older raw records again, with today's normalizer."""

import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from bus.blobs import BlobStore, blob_name, open_blobs
from bus.errors import ConfigError, Invalid, Retryable
from bus.kafka_settings import KafkaSettings
from bus.latest import read_to_end
from bus.message import CHANNELS
from bus.options import ConfigOption, DataOption, JsonOption, KafkaOption, resolve
from bus.output import console
from bus.publisher import KafkaPublisher, Publisher
from bus.record import Outgoing, Position, Received
from bus.topics import raw_topic
from ingest.instant import instant
from ingest.understanding import Understanding, parsed

_BATCH = 200


def replay_command(
    channel: Annotated[str, typer.Option("--channel", help=f"One of: {', '.join(CHANNELS)}.")],
    since: Annotated[str | None, typer.Option("--since", help="Time, or how long ago (2h, 3d) [default: all].")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Understand, but publish nothing.")] = False,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    as_json: JsonOption = False,
) -> None:
    """Understand raw records again and publish them as replayed: filing then updates derived fields only."""
    from normalize.table import NORMALIZERS

    settings = resolve(data, config, kafka).settings("kafka")
    if channel not in CHANNELS or channel not in NORMALIZERS:
        raise ConfigError(f"--channel: cannot replay {channel!r}; known: {', '.join(sorted(NORMALIZERS))}")
    now = datetime.now(UTC)
    begin = instant(since, now) if since else now - timedelta(days=36_500)
    counts = asyncio.run(_replay(settings.kafka, channel, begin, open_blobs(settings.blob_place), dry_run=dry_run))
    if as_json:
        sys.stdout.write(json.dumps(counts) + "\n")
    else:
        done = "would be published again" if dry_run else "published again"
        console().print(
            f"{counts['messages']} messages of {counts['records']} records {done}, {counts['failed']} failed"
        )
    if counts["failed"]:
        raise typer.Exit(1)


class _Nothing:
    """Publisher of a dry run."""

    async def publish(self, records: Sequence[Outgoing]) -> Sequence[Position]:
        return [Position(record.topic, -1, -1) for record in records]


class _NoBlobs:
    """BlobStore of a dry run: reads, and stores nothing."""

    def __init__(self, blobs: BlobStore) -> None:
        self.get, self.size, self.part = blobs.get, blobs.size, blobs.part
        self.delete, self.names = blobs.delete, blobs.names

    async def put_derived(self, blobs: Sequence[bytes]) -> Sequence[str]:
        return [blob_name(data) for data in blobs]

    async def put(self, data: bytes) -> str:
        return blob_name(data)


async def _replay(
    kafka: KafkaSettings, channel: str, since: datetime, blobs: BlobStore, *, dry_run: bool
) -> dict[str, int]:
    publisher = KafkaPublisher(kafka)
    await publisher.start()
    replay = _Replay(_Nothing() if dry_run else publisher, _NoBlobs(blobs) if dry_run else blobs, channel)
    batch: list[Received] = []
    try:
        async for record in read_to_end(kafka, [raw_topic(channel)]):
            if record.timestamp >= since.timestamp() * 1000:
                batch.append(record)
            if len(batch) >= _BATCH:
                await replay(batch)
                batch = []
        await replay(batch)
    finally:
        await publisher.stop()
    return replay.counts


class _Replay:
    """The understanding loop's handler for every account; a record that fails is counted and named."""

    def __init__(self, publisher: Publisher, blobs: BlobStore, channel: str) -> None:
        self.counts = {"records": 0, "messages": 0, "failed": 0}
        self._publisher = publisher
        self._blobs = blobs
        self._channel = channel
        self._by_account: dict[str, Understanding] = {}

    async def __call__(self, batch: Sequence[Received]) -> None:
        by_account: dict[str, list[Received]] = {}
        for record in batch:
            self.counts["records"] += 1
            try:
                by_account.setdefault(parsed(record).account, []).append(record)
            except Invalid as error:
                self._fail(record, error)
        for account, records in by_account.items():
            handler = self._handler(account)
            try:
                await handler(records)
            except Retryable:
                raise
            except Exception:  # noqa: BLE001  # one of them: find out which
                for record in records:
                    await self._alone(handler, record)

    async def _alone(self, handler: Understanding, record: Received) -> None:
        try:
            await handler([record])
        except Retryable:
            raise
        except Exception as error:  # noqa: BLE001  # it is named; the others go on
            self._fail(record, error)

    def _handler(self, account: str) -> Understanding:
        from normalize.table import NORMALIZERS

        if account not in self._by_account:
            self._by_account[account] = Understanding(
                account,
                NORMALIZERS[self._channel],  # type: ignore[index]  # it was looked up before
                self._blobs,
                self._publisher,
                working_on=lambda _: None,
                understood=self._count,
                replayed=True,
            )
        return self._by_account[account]

    def _count(self, messages: int) -> None:
        self.counts["messages"] += messages

    def _fail(self, record: Received, error: Exception) -> None:
        self.counts["failed"] += 1
        where = f"{record.topic}/{record.partition}/{record.offset}"
        sys.stderr.write(f"{where}: {type(error).__name__}: {str(error)[:200]}\n")
