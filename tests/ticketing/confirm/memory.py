"""The pure way from a record to its confirmation, brakes included, for a desk that lives in memory."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from bus.record import Received
from bus.reply import Reply
from tests.ticketing.filing.memory import MemoryDesk
from ticketing.brakes import Brakes, BrakesKnown, Bucket, Silence, Written
from ticketing.confirm import Confirming, Opening, Suppressed
from ticketing.confirmations import confirmations
from ticketing.decode import decode
from ticketing.identities import mailbox_of
from ticketing.incoming import Incoming
from ticketing.policy import Policy


@dataclass
class Confirmed:
    """Files batches as `ticketing.filing` does and keeps what the brakes have to know."""

    confirming: Confirming
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    reasons: list[str] = field(default_factory=list)
    written: defaultdict[str, list[Written]] = field(default_factory=lambda: defaultdict(list))
    silenced: dict[tuple[str, str], Silence] = field(default_factory=dict)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    brakes: Brakes | None = None

    def __post_init__(self) -> None:
        self.desk = MemoryDesk(self.now)
        self._ids = count()

    def file(self, records: Sequence[Received]) -> list[Reply]:
        """What is sent because of this batch."""
        confirm = confirmations(self.confirming, BrakesKnown(self.written, self.silenced, self.buckets), self.now)

        def ask(opening: Opening) -> Reply | Suppressed:
            found = confirm(opening)
            if isinstance(found, Suppressed):
                self.reasons.append(found.reason)
            return found

        self.desk.now, self.desk.confirm = self.now, ask
        batch = [self._decode(record) for record in records]
        decision = self.desk.file(batch)
        self.silenced.update(confirm.brakes.silenced)
        self.buckets.update(confirm.brakes.buckets)
        self.brakes = confirm.brakes
        sent = [told.value for told in decision.replies]
        for reply in sent:
            mailbox = mailbox_of(reply.recipient.kind, reply.recipient.address)
            words = decision.words.get(reply.reply_id)
            self.written[mailbox].append(Written(self.now, reply.subject or "", words))
        return sent

    def _decode(self, record: Received) -> Incoming:
        found = decode(record, self.confirming.tokens, Policy())
        assert isinstance(found, Incoming)
        return found
