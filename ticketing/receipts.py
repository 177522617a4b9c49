"""What became of replies: receipts of senders → deliveries and their events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client import Counter
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bus.errors import Invalid, Retryable
from bus.failpoints import failpoint
from bus.progress import FencedProgress, database_error
from bus.record import Received
from bus.reply import Receipt
from bus.together import Writes
from ticketing.by_mail import mails_instead
from ticketing.confirm import Confirming
from ticketing.delivery import Delivery, after_receipt, by_another_way
from ticketing.delivery_store import lock, write
from ticketing.outbox import Told, append

GROUP = "deskstream.receipts"
RECEIPTS = Counter("deskstream_receipts_total", "Receipts that moved a delivery", ["state"])


def now_utc() -> datetime:
    """The present."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Receipts:
    """BatchHandler of `replies.receipts`: one transaction a batch, its progress included."""

    engine: AsyncEngine
    progress: FencedProgress
    confirming: Confirming
    now: Callable[[], datetime] = now_utc

    async def __call__(self, batch: Sequence[Received], /) -> None:
        """Settle the batch. Raises Invalid for what is no receipt, Retryable, and Fenced."""
        receipts = [_receipt(record) for record in batch if record.value is not None]
        try:
            async with self.engine.begin() as connection:
                steps = await self._settle(connection, receipts, batch)
        except DBAPIError as error:
            raise database_error(error) from error
        except PoolTimeout as error:
            raise Retryable("the database: no connection is free") from error
        for step in steps:
            RECEIPTS.labels(step.state).inc()

    async def _settle(
        self, connection: AsyncConnection, receipts: Sequence[Receipt], batch: Sequence[Received]
    ) -> list[Delivery]:
        now = self.now()
        await self.progress.move(connection, batch)
        locked = await lock(connection, {receipt.reply_id for receipt in receipts})
        current = dict(locked.deliveries)
        steps: list[Delivery] = []
        away: dict[str, Delivery] = {}
        for receipt in receipts:
            before = current.get(receipt.reply_id)
            after = after_receipt(before, receipt, now) if before else None
            if after is not None:
                current[receipt.reply_id] = after
                steps.append(after)
                away.pop(after.reply_id, None)
                if receipt.elsewhere and after.state == "deferred":
                    away[after.reply_id] = after
        mails = await mails_instead(connection, away.values(), self.confirming)
        steps += [by_another_way(away[reply_id], now) for reply_id in mails]
        replies = [Told(mail, locked.traces[reply_id]) for reply_id, mail in mails.items()]
        writes = Writes()
        events = await write(connection, writes, locked, steps, now)
        await append(writes, ticket_events=events, replies=replies)
        await writes.send(connection)
        failpoint("receipt.before_commit")
        return steps


def _receipt(record: Received) -> Receipt:
    assert record.value is not None
    try:
        return Receipt.from_json(record.value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Invalid(f"no receipt: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
