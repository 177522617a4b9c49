"""When no confirmation goes out although there is a way: caps, loops, buckets, the breaker (threading §5). Pure.

- **Cap**: so many a day to one mailbox, over all channels and spellings.
- **Loop**: what our own mail has caused is not answered again. A message carries our signed loop header back, or the
  subject we wrote, or says word for word what we have answered already; or it is the second in a row that came promptly
  after our confirmation of the one before. Each raises the pair's hop count; above the limit the pair of connector and
  mailbox is silenced for a day.
- **Bucket per source**: strangers behind one public network, or one session.
- **Breaker**: opens when refusals of single mailboxes pile up, or strangers come in numbers that no desk has. While it
  is open, strangers who have had a confirmation today get no further one, and sources are held to a tenth; everybody
  else goes on.

A stranger is who is neither vouched for by the channel nor known for longer than a day.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from bus.settings import ConfirmationSettings

HOP_LIMIT: Final = 2
SILENCE: Final = timedelta(days=1)
PROMPT: Final = timedelta(hours=1)
"""So soon after our mail a machine answers it. Once is chance; who does so twice in a row, whatever it says, is one."""
PATIENCE: Final = 10
"""So many refusals an hour of one mailbox are nobody's attack."""
_HOUR: Final = timedelta(hours=1)
_UNIT: Final = 1_000
_DIGITS: Final = re.compile(r"\d+")
REFUSALS, STRANGERS = "refusals", "strangers"


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket that leaks its capacity in an hour. `level`: thousandths, as it was at `at`."""

    level: int
    at: datetime

    def leaked(self, now: datetime, capacity: int) -> "Bucket":
        """As it is now."""
        if now <= self.at:
            return self
        passed = now - self.at
        return Bucket(max(0, self.level - capacity * _UNIT * passed // _HOUR), now)

    def poured(self, capacity: int) -> "Bucket":
        """One more; twice its capacity is all it holds, so that it is below it within an hour."""
        return Bucket(min(self.level + _UNIT, 2 * capacity * _UNIT), self.at)


@dataclass(frozen=True, slots=True)
class Written:
    """A confirmation of the last 24 hours. `words`: the digest of what it answered."""

    at: datetime
    subject: str
    words: str | None


@dataclass(frozen=True, slots=True)
class Silence:
    """A pair of connector and mailbox that answer one another. `until`: None below the limit."""

    hops: int
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A confirmation that is ready, and what is known of who asked for it."""

    account: str
    mailbox: str
    stranger: bool
    origin: str | None
    chain: str | None
    subject: str | None
    words: str | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class BrakesKnown:
    """What was written, silenced and counted before, for the mailboxes and sources of a batch."""

    written: Mapping[str, Sequence[Written]] = field(default_factory=dict)
    silenced: Mapping[tuple[str, str], Silence] = field(default_factory=dict)
    buckets: Mapping[str, Bucket] = field(default_factory=dict)


class Brakes:
    """The brakes during one batch. `silenced` and `buckets`: what has changed.

    `consulted`: whether anybody asked; what is known of the breaker is read only then.
    """

    def __init__(self, settings: ConfirmationSettings, per_day: int, known: BrakesKnown, now: datetime) -> None:
        self._settings = settings
        self._per_day = per_day
        self._known = known
        self._now = now
        self._written = {mailbox: list(found) for mailbox, found in known.written.items()}
        self.silenced: dict[tuple[str, str], Silence] = {}
        self.buckets: dict[str, Bucket] = {}
        self.consulted = False
        self._opened: bool | None = None

    @property
    def open_until(self) -> datetime | None:
        """When the breaker closes if nothing more comes; None while it is closed."""
        ends = [
            bucket.at + _HOUR * (bucket.level - capacity * _UNIT) / (capacity * _UNIT)
            for name, capacity in ((REFUSALS, self._settings.refusals), (STRANGERS, self._settings.per_hour))
            if (bucket := self._bucket(name, capacity)).level >= capacity * _UNIT
        ]
        return max(ends, default=None)

    def refuse(self, asked: Asked) -> str | None:
        """Why it must not go, `loop` `capped` `breaker`; None: it goes, and is counted."""
        self.consulted = True
        reason = self._reason(asked)
        if reason is not None and asked.stranger:
            # who writes a little too much is no attack; a mailbox that is named again and again is
            mailbox = refused(asked.mailbox)
            if self._full(mailbox, PATIENCE):
                self._pour(REFUSALS, self._settings.refusals)
            else:
                self._pour(mailbox, PATIENCE)
        return reason

    def passed(self, asked: Asked, subject: str) -> None:
        """It goes, with this subject."""
        self._written.setdefault(asked.mailbox, []).append(Written(self._now, subject, asked.words))
        if asked.stranger:
            self._pour(STRANGERS, self._settings.per_hour)
            if asked.origin is not None:
                self._pour(source(asked.origin), self._settings.per_source)

    def _reason(self, asked: Asked) -> str | None:
        if self._loops(asked):
            return "loop"
        sent = len(self._written.get(asked.mailbox, ()))
        opened = self._is_open()
        if asked.stranger and opened and (sent or self._full(STRANGERS, self._settings.per_hour)):
            return "breaker"
        if sent >= self._per_day:
            return "capped"
        if asked.stranger and asked.origin is not None:
            capacity = self._settings.per_source
            if self._full(source(asked.origin), capacity, share=10 if opened else 1):
                return "breaker"
        return None

    def _is_open(self) -> bool:
        if self._opened is None:
            self._opened = self.open_until is not None
        return self._opened

    def _loops(self, asked: Asked) -> bool:
        pair = asked.account, asked.mailbox
        before = self.silenced.get(pair) or self._known.silenced.get(pair)
        if before is not None and before.until is not None and before.until > self._now:
            return True
        if not self._caused_by_us(asked):
            return False
        fresh = before is None or before.since + SILENCE <= self._now
        hops = 1 if fresh or before is None else before.hops + 1
        since = self._now if fresh or before is None else before.since
        until = self._now + SILENCE if hops >= HOP_LIMIT else None
        self.silenced[pair] = Silence(hops, since, until)
        return True

    def _caused_by_us(self, asked: Asked) -> bool:
        if asked.chain is not None:
            return True
        earlier = [w for w in self._written.get(asked.mailbox, ()) if w.at < asked.received_at]
        if not earlier:
            return False
        if _prompt_twice([*(w.at for w in earlier), asked.received_at]):
            return True
        subject = _plain(asked.subject or "")
        return any(
            (w.subject and _plain(w.subject) in subject) or (w.words is not None and w.words == asked.words)
            for w in earlier
        )

    def _bucket(self, name: str, capacity: int) -> Bucket:
        found = self.buckets.get(name) or self._known.buckets.get(name) or Bucket(0, self._now)
        return found.leaked(self._now, capacity)

    def _pour(self, name: str, capacity: int) -> None:
        before, limit = self._bucket(name, capacity), capacity * _UNIT
        after = before.poured(capacity)
        if name in (REFUSALS, STRANGERS) and before.level < limit <= after.level:
            # once open it stays so for half an hour, and does not flutter
            after = Bucket(limit + limit // 2, after.at)
        self.buckets[name] = after
        if name in (REFUSALS, STRANGERS) and after.level >= limit:
            self._opened = True

    def _full(self, name: str, capacity: int, share: int = 1) -> bool:
        return self._bucket(name, capacity).level * share >= capacity * _UNIT


def _prompt_twice(times: Sequence[datetime]) -> bool:
    """`times`: of our confirmations of this mailbox's messages, each written as its message came, and of the next."""
    last = sorted(times)[-3:]
    return len(last) == 3 and all(after - before <= PROMPT for before, after in pairwise(last))


def source(origin: str) -> str:
    """The name of a source's bucket."""
    return f"source:{origin}"


def refused(mailbox: str) -> str:
    """The name of the bucket of a mailbox's refusals."""
    return f"refused:{mailbox}"


def _plain(subject: str) -> str:
    """Without its numbers: another desk of ours writes the same with a number of its own."""
    return _DIGITS.sub("0", " ".join(subject.split()).casefold())
