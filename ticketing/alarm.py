"""Says that confirmations are held back: in the log, as metrics, in the process's health."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from prometheus_client import Counter, Gauge

from ticketing.brakes import Brakes

log = structlog.get_logger()

OPEN = Gauge("deskstream_confirmation_breaker_open", "1 while the breaker of confirmations is open")
SUPPRESSED = Counter("deskstream_confirmations_suppressed_total", "Tickets that were not confirmed", ["reason"])
SILENCED = Counter("deskstream_pairs_silenced_total", "Pairs of connector and mailbox silenced because they loop")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Alarm:
    """One per process. The breaker closes by itself, so whoever asks is told by the time."""

    until: datetime | None = None
    clock: Callable[[], datetime] = _now
    _told: bool = False

    def note(self) -> str | None:
        """What health says."""
        if not self._is_open():
            return None
        return f"the breaker is open until {self.until:%H:%M} UTC: strangers get one confirmation a day at most"

    def heed(self, brakes: Brakes) -> None:
        """After a batch was committed: say what has changed, once."""
        if not brakes.consulted:
            return
        self.until = brakes.open_until
        opened = self._is_open()
        OPEN.set_function(lambda: float(self._is_open()))
        if opened and not self._told:
            log.warning("confirmations.breaker_opened", until=self.until and self.until.isoformat())
        elif self._told and not opened:
            log.info("confirmations.breaker_closed")
        self._told = opened
        for (account, _), pair in brakes.silenced.items():
            if pair.until is not None:
                SILENCED.inc()
                # the address stands in `deskstream automatic silenced`: logs name nobody
                log.warning("confirmations.pair_silenced", connector=account, hops=pair.hops, until=str(pair.until))

    def _is_open(self) -> bool:
        return self.until is not None and self.until > self.clock()
