"""How long the broker gathers before it answers a fetch: not at all when little comes, so that nobody waits; longer the
more comes, so that batches form and each record costs less.
"""

import math
import time
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer

_MEMORY = 0.5
"""Seconds over which the rate is taken."""
BUSY = 600.0
"""Records a second from which on the broker gathers for as long as it may, unless the consumer says otherwise."""
_ENOUGH = 1024 * 1024
_PATIENCE_MS = 500
_WORTH_IT_MS = 10
_LONG_MS = 50


class Gathering:
    """Adapts one consumer's fetches to the rate at which it gets records; `most_ms` 0 leaves them immediate.

    `busy`: records a second from which on it gathers for `most_ms`. `under_way`: whether the next fetch gathers for so
    long that a second look finds nothing.
    """

    def __init__(self, most_ms: int, *, busy: float = BUSY, clock: Callable[[], float] = time.monotonic) -> None:
        self._busy = busy
        self._most_ms = most_ms
        self._clock = clock
        self._seen = 0.0
        self._at = clock()
        self.under_way = False

    def after(self, records: int) -> int:
        """Count a poll's records; the milliseconds for which the next fetch is to gather, 0 for not at all."""
        now = self._clock()
        self._seen = self._seen * math.exp((self._at - now) / _MEMORY) + records
        self._at = now
        load = min(1.0, self._seen / _MEMORY / self._busy)
        ms = round(self._most_ms * load**3)  # cubed: a moderate rate is not to feel what saves work at a high one
        return ms if ms >= _WORTH_IT_MS else 0

    def adapt(self, consumer: AIOKafkaConsumer, records: int) -> None:
        """`after`, applied to the consumer."""
        ms = self.after(records)
        self.under_way = ms >= _LONG_MS
        fetcher = consumer._fetcher  # noqa: SLF001  # aiokafka lets nobody change it on a running consumer
        fetcher._fetch_max_wait_ms = ms or _PATIENCE_MS  # noqa: SLF001
        fetcher._fetch_min_bytes = _ENOUGH if ms else 1  # noqa: SLF001
