"""What a ticket's history does to its clocks, and what its clocks add to its history. Pure.

`follow` comes once at the end of whatever changes a ticket: it reads the events that were told, sets and stops clocks,
and tells `ticket.due_set`. `catch_up` comes first, before anything else is decided: it tells what has fallen due, with
the moment at which it did, so that nothing that comes later is told before it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bus.calendars import instant, micros
from bus.settings import Which
from bus.ticket_event import Actor, TicketEvent
from bus.ticket_event_data import Assigned, BecameOverdue, DueSet, Escalated, StatusChanged
from ticketing.clocks import EVERY, RESPONSES, Clock, Clocks, Moment
from ticketing.service_levels import ServiceLevel, ServiceLevels
from ticketing.tickets import Ticket

_OWN = frozenset({"ticket.became_overdue", "ticket.escalated"})
"""What clocks have told themselves (or what moves none)."""


@dataclass(frozen=True, slots=True)
class Struck:
    """A cause of events (ticketing.tickets.Cause): a clock."""

    cause: str
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """To whom tickets are escalated: an agent or a team, by id."""

    owner_id: str | None = None
    team_id: str | None = None


def catch_up(ticket: Ticket, now: datetime, targets: Mapping[str, Target]) -> list[Moment]:
    """Tell everything that has fallen due until `now`, in its order; what it was.

    `targets`: by what `escalate_to` says; whoever is not among them is nobody.
    """
    found: list[Moment] = []
    until = micros(now)
    while (moment := ticket.timed.next()) is not None and moment.at <= until:
        clock = ticket.timed.running[moment.which]
        ticket.timed = ticket.timed.after(moment)
        found.append(moment)
        if moment.what == "overdue":
            _overdue(ticket, moment, clock, now)
        elif moment.what == "escalate":
            _escalate(ticket, moment, clock, targets.get(clock.escalate_to or "", Target()), now)
    return found


def _actor(clock: Clock) -> Actor:
    return Actor(kind="rule", id=f"service_level:{clock.level}" if clock.level else "due_time")


def _overdue(ticket: Ticket, moment: Moment, clock: Clock, now: datetime) -> None:
    at = instant(moment.at)
    cause = Struck(f"due:{at.isoformat()}:{moment.which}:{clock.run}")
    data = BecameOverdue(which=moment.which, due_at=at)
    ticket.tell("ticket.became_overdue", data, cause, at=at, now=now, actor=_actor(clock))


def _escalate(ticket: Ticket, moment: Moment, clock: Clock, target: Target, now: datetime) -> None:
    at, actor = instant(moment.at), _actor(clock)
    cause = Struck(f"escalation:{at.isoformat()}:{moment.which}:{clock.run}")
    if ticket.status != "escalated":
        changed = StatusChanged(old=ticket.status, new="escalated")
        ticket.status = "escalated"
        ticket.tell("ticket.status_changed", changed, cause, at=at, now=now, actor=actor)
    to = target.owner_id or target.team_id
    ticket.tell("ticket.escalated", Escalated(to=to), cause, at=at, now=now, actor=actor)
    owner, team = target.owner_id or ticket.owner_id, target.team_id or ticket.team_id
    if target.team_id:  # whoever of the team takes it
        owner = None
    if to and (owner, team) != (ticket.owner_id, ticket.team_id):
        ticket.owner_id, ticket.team_id = owner, team
        data = Assigned(owner_id=owner, team_id=team)
        ticket.tell("ticket.assigned", data, cause, at=at, now=now, actor=actor)


def follow(
    ticket: Ticket,
    levels: ServiceLevels,
    account: Collection[str],
    now: datetime,
    others: Mapping[str, Clocks] | None = None,
) -> None:
    """Set and stop the ticket's clocks after what its history tells, and tell that.

    `account`: all names of the customer's company. `others`: the clocks of tickets that it may have absorbed, as they
    were before.
    """
    told = [each.value for each in ticket.history if each.value.type not in _OWN]
    if not told:
        return
    level = levels.of(ticket.priority, ticket.department, account)
    following = _Following(ticket, level, levels)
    for event in told:
        following.hear(event, others or {})
    following.settle(micros(told[-1].occurred_at))
    following.tell(now)


class _Following:
    """One ticket's clocks while its events are heard."""

    def __init__(self, ticket: Ticket, level: ServiceLevel | None, levels: ServiceLevels) -> None:
        self._ticket, self._level, self._levels = ticket, level, levels
        self._before = self._clocks = ticket.timed
        self._set_at: dict[Which, int] = {}
        self._said: dict[Which, int | None] = {}
        """What the history says of a clock already."""

    def hear(self, event: TicketEvent, others: Mapping[str, Clocks]) -> None:
        """What one event starts and stops."""
        at, data = micros(event.occurred_at), event.data
        if event.type == "ticket.message_received":
            if data.get("automation") == "human" and event.actor.kind == "customer":
                self._waits(at)
            return  # an answer may be earlier than the question that it has not seen
        match event.type:
            case "ticket.opened":
                # what an act makes of messages that are there is promised from the act
                self._start("resolution", micros(event.recorded_at) if event.actor.kind == "agent" else at)
            case "ticket.message_moved" if data.get("direction") == "in" and data.get("automation") == "human":
                self._waits(at)
            case "ticket.replied" if data.get("visibility") != "internal":
                self._clocks = replace(self._clocks, answered=True)
                for which in RESPONSES:
                    self._put(which, None, at)
            case "ticket.reopened" | "ticket.spam_unmarked" | "ticket.unmerged":
                if "resolution" not in self._clocks.running:
                    self._start("resolution", at)
            case "ticket.absorbed":
                self._take(others.get(data["ticket_id"]), at)
            case "ticket.due_set":
                self._set_by_hand(event, at)
        if self._level is not None or self._clocks.running:
            self._clocks = replace(self._clocks, floor=max(self._clocks.floor, at))

    def settle(self, at: int) -> None:
        """What the ticket's state stops, holds and moves, as it is now."""
        ticket = self._ticket
        ended = ticket.status == "closed" or ticket.spam
        for which in EVERY:
            clock = self._clocks.running.get(which)
            if clock is None:
                continue
            if ended:
                self._put(which, None, at)
            elif not clock.overdue or clock.due is None or ticket.merged_into is not None:
                self._hold_or_move(which, clock, at)
            elif clock.level != self._name and not clock.by_hand:
                self._move(which, clock, at)

    def tell(self, now: datetime) -> None:
        """Tell what has changed, and leave the clocks with the ticket."""
        ticket, clocks = self._ticket, self._clocks
        for which in EVERY:
            before, after = self._before.running.get(which), clocks.running.get(which)
            old, new = before.due if before else None, after.due if after else None
            if old == new or self._said.get(which, old) == new:
                continue
            data = DueSet(
                which=which,
                due_at=None if new is None else instant(new),
                calendar=after.calendar if after and new is not None else None,
                calendar_version=after.calendar_version if after and new is not None else None,
            )
            clocks = replace(clocks, runs=clocks.runs + 1)
            cause = Struck(f"due_set:{which}:{clocks.runs}", ticket.history[-1].traceparent)
            at = instant(self._set_at[which])
            ticket.tell("ticket.due_set", data, cause, at=at, now=now, actor=_actor(after or before or _NO_CLOCK))
        ticket.timed = clocks
        due = clocks.due()
        ticket.due_at = None if due is None else instant(due)

    @property
    def _name(self) -> str | None:
        return self._level.name if self._level else None

    def _put(self, which: Which, clock: Clock | None, at: int) -> None:
        if clock is None and which not in self._clocks.running:
            return
        self._clocks = self._clocks.put(which, clock)
        self._set_at[which] = at

    def _start(self, which: Which, at: int) -> None:
        if self._level is not None:
            self._put(which, self._level.start(which, at, self._clocks.floor), at)

    def _waits(self, at: int) -> None:
        """A customer waits from now on, if he has not waited before."""
        if not any(which in self._clocks.running for which in RESPONSES):
            # what was written before the last act, and has come only now, is timed from that act
            self._start("next_response" if self._clocks.answered else "first_response", max(at, self._clocks.floor))

    def _set_by_hand(self, event: TicketEvent, at: int) -> None:
        due = DueSet.model_validate(event.data).due_at
        which: Which = "resolution"
        if due is None:
            self._said[which] = None
            self._put(which, None, at)
            self._start(which, at)
            return
        self._said[which] = micros(due)
        level = self._level
        if level is None:
            self._put(which, Clock(at, max(0, micros(due) - at), micros(due), 0, by_hand=True), at)
        else:
            self._put(which, level.by_hand(which, micros(due), at), at)

    def _take(self, other: Clocks | None, at: int) -> None:
        """Of a ticket that was merged into this one: whoever waits there waits here, and the earlier promise holds."""
        for which, clock in other.running.items() if other else ():
            here: Which = which
            if which in RESPONSES:
                here = "next_response" if self._clocks.answered else "first_response"
            mine = next((self._clocks.running[w] for w in self._same(here) if w in self._clocks.running), None)
            if clock.due is not None and (mine is None or (mine.due is not None and clock.due < mine.due)):
                for each in self._same(here):
                    self._put(each, None, at)
                self._put(here, replace(clock, due=max(clock.due, at) if not clock.overdue else clock.due), at)

    @staticmethod
    def _same(which: Which) -> Sequence[Which]:
        return RESPONSES if which in RESPONSES else (which,)

    def _hold_or_move(self, which: Which, clock: Clock, at: int) -> None:
        stands = self._ticket.merged_into is not None or (
            self._ticket.status == "on_hold" and self._level is not None and which in self._level.on_hold
        )
        if stands and clock.due is not None:
            if self._ticket.merged_into is not None or not clock.by_hand:
                own = self._levels.called(clock.level) or self._level
                self._put(which, own.held(clock, at) if own else replace(clock, due=None), at)
        elif not stands and clock.due is None:
            self._put(which, self._level.again(which, clock, at) if self._level else None, at)
        elif not stands and clock.level != self._name and not clock.by_hand:
            self._move(which, clock, at)

    def _move(self, which: Which, clock: Clock, at: int) -> None:
        """Another service level counts now: what was used of the old promise is used of the new one."""
        if self._level is None:
            self._put(which, None, at)
            return
        own = self._levels.called(clock.level) or self._level
        used = replace(clock, used=own.used(clock, at))
        moved = self._level.again(which, used, at)
        if moved is None or not clock.overdue or (moved.due is not None and moved.due > at):
            self._put(which, moved, at)


_NO_CLOCK = Clock(0, 0, None, 0)
