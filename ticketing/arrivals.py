"""What each record of a batch is: a message not seen before, a repeat, a duplicate, a revision, a replay."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias
from uuid import UUID

from bus.record import Position
from ticketing.incoming import Aside, Ignorable, Incoming
from ticketing.states import Fields, folded, in_place_of, says_the_same, written

MOST_STATES = 50
"""Of one message; what comes later is put together with the next lower one, so that endless editing costs no more."""

Read: TypeAlias = Callable[[str, Incoming], Incoming]
"""A document as a message; the other one is a state of it, for what no document has."""


@dataclass(frozen=True, slots=True)
class Filed:
    """What is on file under a message id. `ticket_id`: the ticket it is part of today; `aside`: why it is in none."""

    id: str
    revision: int
    normalizer: str
    raw: Position | None
    ticket_id: str | None
    aside: Aside | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a message of a raw record that is not filed under that position; `message_id` is empty where
    nothing was to be filed."""

    raw_topic: str
    raw_partition: int
    raw_offset: int
    outcome: str
    message_id: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Revision:
    """A later state of a message that a ticket has, to be told of. `place`: the how many-eth that was heard of."""

    message: Incoming
    place: int

    @property
    def cause(self) -> str:
        """What ids of events are made of: two events of a call may have one revision."""
        heard = self.message.raw.offset if self.message.raw else 0
        return f"{self.message.id}/{self.message.revision}/{self.place}/{heard}"

    @property
    def traceparent(self) -> str | None:
        """The trace that the state came with."""
        return self.message.traceparent


@dataclass(slots=True)
class Arrivals:
    """A batch, sorted.

    `fresh`: messages to file. `aside`: those that go into no ticket yet. `again`: ids of both that were kept aside
    before, and are filed anew. `revised`: by message id what is to be told of later states; `named`: of these whose
    author is known only now; `later`: messages on file or fresh, as they are now. `states`: of messages that have
    several all of them, in the order they were heard of.
    """

    fresh: list[Incoming] = field(default_factory=list)
    aside: list[Incoming] = field(default_factory=list)
    again: set[str] = field(default_factory=set)
    revised: dict[str, list[Revision]] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    later: dict[str, Incoming] = field(default_factory=dict)
    states: dict[str, list[Incoming]] = field(default_factory=dict)
    settled: list[Settled] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Copy:
    """A filed mail, as it is recognized in another mailbox: its own name (which its department has for itself) and
    what was written."""

    own: UUID
    fingerprint: UUID
    account: str
    filed: Filed


def matters(message: Incoming, filed: Filed) -> bool:
    """Whether a state can change what is on file, so that all that is known of the message must be read."""
    return (
        message.is_call
        or filed.aside is not None
        or message.revision != filed.revision
        or (message.replayed and newer(message.normalizer, filed.normalizer))
    )


def arrivals(
    batch: Iterable[Incoming | Ignorable],
    filed: Mapping[str, Filed],
    copies: Iterable[Copy] = (),
    states: Mapping[str, Sequence[Incoming]] | None = None,
    read: Read | None = None,
) -> Arrivals:
    """Sort a batch. The same raw record again is what a crash leaves behind, and nothing to tell.

    `copies`: filed mails with the Message-IDs of this batch. One that another mailbox of the same department got as
    well is a duplicate; in the same mailbox another message_id means other content. `states`: of every message on
    file of which one in the batch `matters`; `read`: a document that was put together, as a message.
    """
    found = Arrivals()
    courses: dict[str, Course] = {}
    copied = {(copy.own, copy.fingerprint): copy for copy in copies}
    for each in batch:
        if isinstance(each, Ignorable):
            found.settled.append(Settled(*each.raw, "ignored", "", each.reason))
            continue
        course = courses.get(each.id)
        if course is None:
            before = filed.get(each.id)
            if before is None and each.fingerprint is not None:
                here = Filed(each.id, each.revision, each.normalizer, each.raw, None)
                copy = copied.setdefault(
                    (each.own, each.fingerprint), Copy(each.own, each.fingerprint, each.account, here)
                )
                if copy.account != each.account:
                    _settle(found, each, None, "duplicate", f"a copy of {copy.filed.id}")
                    continue
            course = courses[each.id] = Course(before, list((states or {}).get(each.id, ())), read)
        course.take(each, found)
    for course in courses.values():
        course.end(found)
    return found


class Course:
    """One message's way through a batch: what is known of it, and whether it is on file, kept aside or neither."""

    def __init__(self, filed: Filed | None, states: list[Incoming], read: Read | None) -> None:
        self._filed = filed
        self._states = states
        self._read = read
        self._new = filed is None
        self._aside = filed is not None and filed.aside is not None
        self._now: Incoming | None = None
        self._changed = False

    def take(self, state: Incoming, found: Arrivals) -> None:
        """The next state."""
        if self._new:
            self._new, self._states, self._now = False, [state], state
            self._aside = state.aside is not None
            if not self._aside:
                found.fresh.append(state)
            return
        place = self._place_of(state)
        if place is None:
            self._add(state, found)
        elif state.replayed and self._states and newer(state.normalizer, self._states[place].normalizer):
            known = self._states[place]
            self._states[place] = self._put_together(in_place_of(known.document, state.document), known)
            self._fold(found, opens=False)
        else:
            self._settle(state, found, "duplicate")

    def end(self, found: Arrivals) -> None:
        """What there is to write of it."""
        if self._now is None or (self._filed is None and len(self._states) == 1):
            if self._now is not None and self._aside:
                found.aside.append(self._now)
            return
        if self._aside:
            found.aside.append(self._now)
            found.again |= {self._now.id} if self._filed else set()
        elif self._changed:
            found.later[self._now.id] = self._now
        found.states[self._now.id] = self._states

    def _place_of(self, state: Incoming) -> int | None:
        """Which known state it repeats; 0 when nothing was read, because nothing of it can matter."""
        if not self._states:
            return 0
        for place, known in enumerate(self._states):
            if known.revision != state.revision:
                continue
            if not state.is_call or (state.raw is not None and state.raw == known.raw):
                return place
            if says_the_same(json.loads(known.document), json.loads(state.document)):
                return place
        return None

    def _add(self, state: Incoming, found: Arrivals) -> None:
        before, top = folded(self._states), max(known.revision for known in self._states)
        if len(self._states) < MOST_STATES:
            self._states.append(state)
            place = len(self._states) - 1
        else:
            place = max(
                range(MOST_STATES), key=lambda n: (self._states[n].revision < state.revision, self._states[n].revision)
            )
            together = written(folded([self._states[place], state]))
            self._states[place] = self._put_together(together, state)
        was_aside = self._aside
        after = self._fold(found)
        self._settle(state, found, "revision")
        if not was_aside and (state.revision > top or not says_the_same(before, after)):
            found.revised.setdefault(state.id, []).append(Revision(state, place))
            if before["author"]["address"] != after["author"]["address"]:
                found.named.add(state.id)

    def _fold(self, found: Arrivals, *, opens: bool = True) -> Fields:
        """Put all states together. A newer reading alone (`opens` false) opens nothing."""
        fields = folded(self._states)
        now = self._put_together(written(fields), self._states[0])
        if now.aside == "creation" and any(state.aside != "creation" for state in self._states):
            now = replace(now, aside=None)
        if self._aside and not opens:
            now = replace(now, aside=now.aside or self._why_aside())
        self._now = now
        if self._aside and now.aside is None:
            self._aside = False
            found.fresh.append(now)
            found.again |= {now.id} if self._filed else set()
        else:
            self._changed = True
        return fields

    def _why_aside(self) -> Aside | None:
        return self._filed.aside if self._filed else self._states[0].aside

    def _put_together(self, document: str, like: Incoming) -> Incoming:
        assert self._read is not None, "states are put together only where they can be read"
        return self._read(document, like)

    def _settle(self, state: Incoming, found: Arrivals, outcome: str) -> None:
        _settle(found, state, self._filed.raw if self._filed else self._states[0].raw, outcome)


def _settle(
    found: Arrivals, message: Incoming, filed_from: Position | None, outcome: str, reason: str | None = None
) -> None:
    if message.raw is not None and message.raw != filed_from:
        found.settled.append(Settled(*message.raw, outcome, message.id, reason))


def newer(one: str, other: str) -> bool:
    """Whether a normalizer's version (`name 1.2`, `name/1.10`) is later than another's."""
    return _version(one) > _version(other)


def _version(normalizer: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", normalizer))
