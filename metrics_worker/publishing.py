"""Publishing the figures that changed: each key's newest document, as often as the interval allows.

A publication and its mark are two steps; whoever begins publishes what is not marked, so that a crash between the two
costs a repetition. A frozen worker that wakes up must not put an old document over a newer one: documents travel in
Kafka transactions, and each new leader takes the transactional id before it reads what there is to publish.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.errors import Retryable
from bus.failpoints import failpoint
from bus.gathering import Gathering
from bus.headers import cloud_event
from bus.progress import database_error
from bus.record import Outgoing
from bus.transactions import TransactionalPublisher
from metrics_worker import snapshot
from metrics_worker.definitions import texts
from metrics_worker.figures import encoded
from metrics_worker.meters import PUBLISHED, UNPUBLISHED, show_desk
from metrics_worker.snapshot import Document, Names

INTERVAL_SECONDS = 0.05
DEFINITIONS_KEY = "definitions"
_BATCH = 500
_MOST = 10_000
"""So many keys may wait to be published before folding waits for them: neither memory nor lateness grows on."""
_LONGEST_MS = 300
"""Under load a key is published at most three times a second: then nobody can follow it more often anyway."""
_BUSY = 2_000.0
"""Documents a second from which on that is so; with less, the interval is the shorter the less there is to publish."""
_FIRST_PAUSE = 0.1
_LAST_PAUSE = 5.0


class Publishing:
    """Publishes the keys it hears of, and at the beginning those that were left."""

    def __init__(
        self,
        engine: AsyncEngine,
        connect: Callable[[], TransactionalPublisher],
        names: Names,
        *,
        interval: float = INTERVAL_SECONDS,
        most: int = _MOST,
    ) -> None:
        self._engine = engine
        self._connect = connect
        self._names = names
        self._interval = interval
        self._most = most
        self._autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._pace = Gathering(_LONGEST_MS, busy=_BUSY)
        self._changed = OrderedDict[str, None]()  # who has waited longest comes first
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def changed(self, keys: Collection[str]) -> None:
        """The figures of these keys have changed and are committed."""
        self._changed.update(dict.fromkeys(keys))
        self._counted()
        self._wake.set()

    async def room(self) -> None:
        """Wait until not too many keys wait to be published."""
        await self._room.wait()

    async def run(self, report: Callable[[str | None], None]) -> None:
        """Publish until cancelled; `report` hears what is wrong, or None. Raises Fenced."""
        pause = _FIRST_PAUSE
        while True:
            publisher = self._connect()
            try:
                await publisher.start()
                report(None)
                await self._publish_for_ever(publisher)
            except Retryable as error:
                report(str(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LAST_PAUSE)
            finally:
                await publisher.stop()

    async def _publish_for_ever(self, publisher: TransactionalPublisher) -> None:
        try:
            async with self._engine.begin() as connection:
                for document in await snapshot.read(connection, self._names, ["desk"]):
                    show_desk(document["figures"])
            await publisher.publish([self._record(definitions())])
            left = self._most
            while left == self._most:
                left = await self._left()
                await self._publish_all(publisher)
        except DBAPIError as error:
            raise database_error(error) from error
        while True:
            await self._wake.wait()
            self._wake.clear()
            published = await self._publish_all(publisher)
            await asyncio.sleep(max(self._interval, self._pace.after(published) / 1_000))

    async def _left(self) -> int:
        """Hear of keys whose figures changed before this began, as many as may wait; how many there were."""
        async with self._engine.begin() as connection:
            keys = await snapshot.unpublished(connection, self._most)
        self.changed(keys)
        return len(keys)

    async def _publish_all(self, publisher: TransactionalPublisher) -> int:
        """Publish until nothing waits; how many documents that took."""
        published = 0
        while self._changed:
            keys = [self._changed.popitem(last=False)[0] for _ in range(min(_BATCH, len(self._changed)))]
            await self._publish(publisher, sorted(keys))
            published += len(keys)
            self._counted()
        return published

    def _counted(self) -> None:
        UNPUBLISHED.set(len(self._changed))
        if len(self._changed) < self._most:
            self._room.set()
        else:
            self._room.clear()

    async def _publish(self, publisher: TransactionalPublisher, keys: list[str]) -> None:
        try:
            async with self._autocommit.connect() as connection:  # a statement each, and no others around it
                documents = await snapshot.read(connection, self._names, keys)
            await publisher.publish([self._record(document) for document in documents])
            failpoint("figures.after_publish")
            async with self._autocommit.connect() as connection:
                await snapshot.mark(connection, documents)
        except DBAPIError as error:
            raise database_error(error) from error
        PUBLISHED.inc(len(documents))
        for document in documents:
            if document["key"] == "desk":
                show_desk(document["figures"])

    def _record(self, document: Document) -> Outgoing:
        key, at = document["key"], document["as_of"]["at"]
        headers = cloud_event(f"{key}/{document['revision']}", document["kind"], "/metrics", time=at)
        return Outgoing(self._names.figures, key, encoded(document), headers)


def definitions() -> Document:
    """What every figure counts, under a key of its own, so that the numbers need only name it."""
    known = texts()
    return {
        "kind": "customer.metrics.v1",
        "key": DEFINITIONS_KEY,
        "as_of": {"offsets": {}, "at": None},
        "revision": sum(each.version for each in known.values()),
        "figures": {},
        "definitions": {reference: each.model_dump() for reference, each in known.items()},
    }
