"""What each record of a batch is: a message not seen before, a repeat, a duplicate, a revision, a replay."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from bus.record import Position
from ticketing.incoming import Ignorable, Incoming


@dataclass(frozen=True, slots=True)
class Filed:
    """What is on file under a message id. `ticket_id`: the ticket it is part of today."""

    id: str
    revision: int
    normalizer: str
    raw: Position | None
    ticket_id: str | None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a raw record that is not filed under its own position."""

    raw_topic: str
    raw_partition: int
    raw_offset: int
    outcome: str
    message_id: str | None
    reason: str | None


@dataclass(slots=True)
class Arrivals:
    """A batch, sorted. `revised`: later states of a message, filed or fresh, in rising order; `replayed`: newer
    readings of the same."""

    fresh: list[Incoming] = field(default_factory=list)
    revised: dict[str, list[Incoming]] = field(default_factory=dict)
    replayed: dict[str, Incoming] = field(default_factory=dict)
    settled: list[Settled] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Copy:
    """A filed mail, as it is recognized in another mailbox: its own name (which its department has for itself) and
    what was written."""

    own: UUID
    fingerprint: UUID
    account: str
    filed: Filed


def arrivals(
    batch: Iterable[Incoming | Ignorable], filed: Mapping[str, Filed], copies: Iterable[Copy] = ()
) -> Arrivals:
    """Sort a batch. The same raw record again is what a crash leaves behind, and nothing to tell.

    `copies`: filed mails with the Message-IDs of this batch. One that another mailbox of the same department got as
    well is a duplicate; in the same mailbox another message_id means other content.
    """
    found = Arrivals()
    known = dict(filed)
    copied = {(copy.own, copy.fingerprint): copy for copy in copies}
    for each in batch:
        if isinstance(each, Ignorable):
            found.settled.append(Settled(*each.raw, "ignored", None, each.reason))
            continue
        before = known.get(each.id)
        if before is None and each.fingerprint is not None:
            here = Filed(each.id, each.revision, each.normalizer, each.raw, None)
            copy = copied.setdefault((each.own, each.fingerprint), Copy(each.own, each.fingerprint, each.account, here))
            if copy.account != each.account:
                if each.raw is not None:
                    found.settled.append(Settled(*each.raw, "duplicate", copy.filed.id, None))
                continue
        if before is None:
            found.fresh.append(each)
        elif each.revision > before.revision:
            found.revised.setdefault(each.id, []).append(each)
            _settle(found, each, before.raw, "revision")
        elif each.replayed and each.revision == before.revision and newer(each.normalizer, before.normalizer):
            found.replayed[each.id] = each
        else:
            _settle(found, each, before.raw, "duplicate")
            continue
        raw, ticket_id = (before.raw, before.ticket_id) if before else (each.raw, None)
        known[each.id] = Filed(each.id, each.revision, each.normalizer, raw, ticket_id)
    return found


def _settle(found: Arrivals, message: Incoming, filed_from: Position | None, outcome: str) -> None:
    if message.raw is not None and message.raw != filed_from:
        found.settled.append(Settled(*message.raw, outcome, message.id, None))


def newer(one: str, other: str) -> bool:
    """Whether a normalizer's version (`name 1.2`, `name/1.10`) is later than another's."""
    return _version(one) > _version(other)


def _version(normalizer: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", normalizer))


def updated(document: str, later: str) -> str:
    """The document after a later one: null never overwrites what was known."""
    fields = json.loads(document)
    fields.update({name: value for name, value in json.loads(later).items() if value is not None})
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
