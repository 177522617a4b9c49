"""One event more: the facts of a ticket after it. Pure."""

from bisect import insort
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bus.calendars import ONLY_STANDARD, Calendars, micros
from bus.errors import Invalid
from metrics_worker.event import Event
from metrics_worker.facts import (
    CLOSED,
    MESSAGE,
    MOVED,
    OPENED,
    OVERDUE,
    RATED,
    REOPENED,
    RESPONSE,
    Due,
    Fact,
    Opening,
    Reply,
    TicketFacts,
)

RATINGS = ("good", "ok", "bad")
Changed = dict[str, Any]
_ID = 16
"""Of a message's id so much is kept: enough to find it again when it is moved."""


def fold(facts: TicketFacts | None, event: Event, calendars: Calendars = ONLY_STANDARD) -> TicketFacts:
    """The facts after `event`; unchanged when they know it already.

    Raises Invalid when events of the ticket are missing between the two: figures must not pass over a gap.
    """
    seen = facts.version if facts else 0
    if facts is not None and event.version <= seen:
        return facts
    if event.version != seen + 1:
        raise Invalid(f"ticket {event.ticket_id}: event {event.version} follows {seen}; what lies between is missing")
    # the account at opening stays: a contact that moves to another takes no ticket along
    before = facts or TicketFacts(event.ticket_id, event.number, 0, account_id=event.account_id)
    happened = _HAPPENINGS.get(event.type)
    changed = happened(_Folding(before, event, calendars)) if happened is not None else {}
    # an event that names nobody says nothing about whose the ticket is
    contact_id = event.contact_id or before.contact_id
    return before._replace(version=event.version, contact_id=contact_id, **changed)


class _Folding:
    """What one event changes, each type in a method of its own: fields of the facts with their new values."""

    __slots__ = ("_before", "_calendars", "_event")

    def __init__(self, before: TicketFacts, event: Event, calendars: Calendars) -> None:
        self._before = before
        self._event = event
        self._calendars = calendars

    def opened(self) -> Changed:
        channel, manner = self._channel(), "waits"
        if self._event.data.get("manual") or self._event.actor == "agent":
            manner = "live" if channel == "phone" else "hand"
        return {"facts": _with(self._before.facts, self._fact(OPENED, self._event.at, channel, manner))}

    def received(self) -> Changed:
        event, facts = self._event, self._before.facts
        channel = self._channel() if event.data.get("automation") == "human" else ""
        if event.data.get("automation") != "human":
            return {"facts": _opened_as(facts, "machine")} if event.version == 2 else {}
        if event.actor == "agent":  # who may write from a mail client
            return {}
        return {
            "facts": _with(facts, self._fact(MESSAGE, event.at, channel, (event.data.get("message_id") or "")[:_ID]))
        }

    def split(self) -> Changed:
        return self._moved_away(self._event.data.get("message_ids") or [])

    def message_moved(self) -> Changed:
        if self._event.data.get("direction") == "out":
            return self._moved_away([self._event.data.get("message_id") or ""])
        return self._moved_here()

    def _moved_away(self, message_ids: Sequence[str]) -> Changed:
        """What has gone to another ticket; it may have been in one that is merged into this one."""
        facts = self._before.facts
        for id_ in message_ids:
            facts = _with(facts, self._fact(MOVED, self._event.at, None, id_[:_ID]))
        return {"facts": facts}

    def _moved_here(self) -> Changed:
        event = self._event
        if event.data.get("automation") != "human":
            return {}
        occurred_at = event.data.get("occurred_at")
        at, about = micros(occurred_at) if occurred_at else event.at, (event.data.get("message_id") or "")[:_ID]
        return {"facts": _with(self._before.facts, self._fact(MESSAGE, at, self._channel(), about))}

    def replied(self) -> Changed:
        event, data = self._event, self._event.data
        reply_id = data.get("reply_id")
        if event.actor != "agent" or reply_id is None or data.get("visibility") == "internal":
            return {}
        agent = data.get("agent_id") or event.actor_id or ""
        return {"replies": (*self._before.replies, Reply(reply_id, agent, self._newest_question()))}

    def delivery(self) -> Changed:
        data, facts = self._event.data, self._before.facts
        reply = next((each for each in self._before.replies if each.reply_id == data.get("reply_id")), None)
        if reply is None:  # a confirmation, or another machine's mail
            return {}
        sent = [fact for fact in facts if fact.code == RESPONSE and fact.about == reply.reply_id]
        if data.get("state") == "sent" and not sent:
            at = max(self._event.at, reply.floor)
            calendar = self._named() or self._before.calendar
            response = self._fact(RESPONSE, at, None, reply.reply_id, agent=reply.agent, calendar=calendar)
            return {"facts": _with(facts, response)}
        if data.get("state") in ("bounced", "failed") and sent:
            return {"facts": tuple(fact for fact in facts if fact not in sent)}
        return {}

    def closed(self) -> Changed:
        before, event = self._before, self._event
        if before.closed:
            return {}
        at = max(event.at, self._newest_question(), self._last_turn())
        agent = (event.actor_id or "") if event.actor == "agent" or event.data.get("by") == "agent" else None
        by = event.data.get("by") or event.actor
        calendar = self._named() or before.calendar
        turn = self._fact(CLOSED, at, by, None, agent=agent, calendar=calendar)
        late = [d for d in before.dues if d.overdue is None and "response" not in d.which and d.due_at < at]
        facts = before.facts
        for due in late[:1]:  # closed after its time: breached, whether or not the clock has said so
            facts = _with(facts, self._fact(OVERDUE, at, due.which))
        return {"turns": (*before.turns, turn), "facts": facts}

    def reopened(self) -> Changed:
        before, event = self._before, self._event
        if not before.closed:
            return {}
        turn = self._fact(REOPENED, max(event.at, self._last_turn()), event.data.get("by") or event.actor)
        return {"turns": (*before.turns, turn)}

    def status_changed(self) -> Changed:
        return self.closed() if self._event.data.get("new") == "closed" else self.reopened()

    def due_set(self) -> Changed:
        data, which = self._event.data, self._event.data.get("which") or ""
        dues = tuple(due for due in self._before.dues if due.which != which)
        if (due_at := data.get("due_at")) is not None:
            dues = (*dues, Due(which, micros(due_at), self._event.at))
        changed: Changed = {"dues": dues}
        if (calendar := self._named()) is not None:
            changed["calendar"] = calendar
        return changed

    def became_overdue(self) -> Changed:
        before, event, which = self._before, self._event, self._event.data.get("which") or ""
        if before.merged_into is not None or before.closed:
            return {}
        told = event.data.get("due_at")
        due_at = micros(told) if told else None
        found = next((due for due in before.dues if due.which == which), None)
        if found is not None and (found.overdue is not None or due_at not in (None, found.due_at)):
            return {}  # it has been moved since the clock looked
        fact = self._fact(OVERDUE, event.at, which)
        overdue = Due(which, due_at or event.at, event.at) if found is None else found
        dues = (*(due for due in before.dues if due.which != which), overdue._replace(overdue=fact))
        return {"dues": dues, "facts": _with(before.facts, fact)}

    def rated(self) -> Changed:
        data, facts = self._event.data, self._before.facts
        if data.get("rating") not in RATINGS:
            raise Invalid(f"ticket {self._event.ticket_id}: {data.get('rating')} is no rating")
        former = next((fact for fact in facts if fact.code == RATED and fact.about == data.get("reply_id")), None)
        if former is not None and former.at > self._event.at:
            return {}
        writer = next((each.agent for each in self._before.replies if each.reply_id == data.get("reply_id")), None)
        agent = writer or data.get("agent_id")
        rated = self._fact(
            RATED,
            self._event.at,
            data.get("rating"),
            data.get("reply_id"),
            agent=agent,
            words=bool(data.get("has_words")),
        )
        return {"facts": _with(tuple(fact for fact in facts if fact is not former), rated)}

    def merged(self) -> Changed:
        if self._event.data.get("into") is None:
            raise Invalid(f"ticket {self._event.ticket_id}: merged into nothing")
        return {"merged_into": self._event.data.get("into")}

    def unmerged(self) -> Changed:
        return {"merged_into": None}

    def spam(self) -> Changed:
        return {"spam": self._event.type == "ticket.spam_marked"}

    def assigned(self) -> Changed:
        return {"owner_id": self._event.data.get("owner_id"), "team_id": self._event.data.get("team_id")}

    def updated(self) -> Changed:
        account = self._event.data.get("fields", {}).get("account_id")
        # somebody else turned out to have opened it
        return {"account_id": account[-1]} if isinstance(account, list) and account else {}

    def resolution_added(self) -> Changed:
        return {"resolved": True}

    def _fact(
        self,
        code: int,
        at: int,
        what: str | None = None,
        about: str | None = None,
        agent: str | None = None,
        calendar: str | None = None,
        *,
        words: bool = False,
    ) -> Fact:
        desk = self._calendars.of_desk(self._event.recorded)
        return Fact(at, code, self._event.event_id, desk.day(at), desk.version, what, about, agent, calendar, words)

    def _channel(self) -> str:
        channel = self._event.data.get("channel")
        if channel is None:
            raise Invalid(f"ticket {self._event.ticket_id}: {self._event.type} names no channel")
        return channel

    def _named(self) -> str | None:
        """The calendar that the event names."""
        data = self._event.data
        found = self._calendars.named(data.get("calendar"), data.get("calendar_version"), self._event.recorded)
        return found.reference if found else None

    def _newest_question(self) -> int:
        """No answer is earlier than the newest question that the desk had recorded before it."""
        return max([fact.at for fact in self._before.facts if fact.code in (OPENED, MESSAGE)], default=0)

    def _last_turn(self) -> int:
        return self._before.turns[-1].at if self._before.turns else 0


_HAPPENINGS: Mapping[str, Callable[[_Folding], Changed]] = {
    "ticket.opened": _Folding.opened,
    "ticket.message_received": _Folding.received,
    "ticket.message_moved": _Folding.message_moved,
    "ticket.split": _Folding.split,
    "ticket.replied": _Folding.replied,
    "ticket.delivery_updated": _Folding.delivery,
    "ticket.closed": _Folding.closed,
    "ticket.reopened": _Folding.reopened,
    "ticket.status_changed": _Folding.status_changed,
    "ticket.due_set": _Folding.due_set,
    "ticket.became_overdue": _Folding.became_overdue,
    "ticket.rated": _Folding.rated,
    "ticket.merged": _Folding.merged,
    "ticket.unmerged": _Folding.unmerged,
    "ticket.spam_marked": _Folding.spam,
    "ticket.spam_unmarked": _Folding.spam,
    "ticket.assigned": _Folding.assigned,
    "ticket.updated": _Folding.updated,
    "resolution.added": _Folding.resolution_added,
}
"""What each type of event changes; events of other types change nothing but the version."""


def _opened_as(facts: tuple[Fact, ...], manner: Opening) -> tuple[Fact, ...]:
    return tuple(f._replace(about=manner) if f.code == OPENED and f.about == "waits" else f for f in facts)


def _with(facts: tuple[Fact, ...], fact: Fact) -> tuple[Fact, ...]:
    if not facts or facts[-1][:3] <= fact[:3]:
        return (*facts, fact)
    found = list(facts)
    insort(found, fact, key=lambda one: one[:3])
    return tuple(found)
