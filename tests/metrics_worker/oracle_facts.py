"""What the oracle makes of raw events: hours in force and the facts of each ticket, without the product's code."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bus.ticket_event import TicketEvent


@dataclass(frozen=True)
class Hours:
    """Working hours by weekday, as ("09:00", "17:00"); in force for what was recorded from `since` on."""

    zone: str
    week: Mapping[int, Sequence[tuple[str, str]]]
    holidays: Sequence[str] = ()
    since: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    def worked(self, begin: datetime, end: datetime) -> timedelta:
        """Day by day, the part of each working span that lies between the two."""
        zone, total = ZoneInfo(self.zone), timedelta()
        day = begin.astimezone(zone).date() - timedelta(days=1)
        while day <= end.astimezone(zone).date() + timedelta(days=1):
            if day.isoformat() not in self.holidays and day.isoformat()[5:] not in self.holidays:
                for opens, closes in self.week.get(day.weekday(), ()):
                    a = datetime.combine(day, time.fromisoformat(opens), zone).astimezone(UTC)
                    b = datetime.combine(day, time.fromisoformat(closes), zone).astimezone(UTC)
                    total += max(timedelta(), min(b, end) - max(a, begin))
            day += timedelta(days=1)
        return total


OFFICE = Hours("UTC", {day: [("09:00", "17:00")] for day in range(5)})


@dataclass(frozen=True)
class Desk:
    """The desk's own hours, oldest first, and others that events may name (by id and version)."""

    own: Sequence[Hours] = (OFFICE,)
    others: Mapping[tuple[str, int], Hours] = field(default_factory=dict)

    def hours(self, recorded: datetime) -> Hours:
        return [each for each in self.own if each.since <= recorded or each is self.own[0]][-1]


OFFICE_DESK = Desk()


class Answer(NamedTuple):
    at: datetime
    event: TicketEvent
    agent: str
    reply: str
    hours: Hours


class Message(NamedTuple):
    """A customer's message where it came to: by itself, or moved there."""

    at: datetime
    event: TicketEvent
    id: str

    @property
    def channel(self) -> str:
        return str(self.event.data["channel"])


class Turn(NamedTuple):
    at: datetime
    event: TicketEvent
    closes: bool
    by_agent: bool
    hours: Hours


class Story:
    """One ticket, its events read in order."""

    def __init__(self, events: Sequence[TicketEvent], desk: Desk) -> None:
        self.desk = desk
        self.first = events[0]
        self.opening = "waits"
        self.came: list[Message] = []
        self.went: list[str] = []
        self.answers: list[Answer] = []
        self.turns: list[Turn] = []
        self.ratings: dict[str | None, tuple[TicketEvent, str | None]] = {}
        self.breaches: list[tuple[datetime, TicketEvent]] = []
        self.clocks: dict[str, tuple[datetime, datetime, TicketEvent | None]] = {}
        self.into: str | None = None
        self.spam = False
        self.contact = self.account = self.owner = self.team = None
        self.account = events[0].account_id
        self.named: Hours | None = None
        self._written: dict[str, tuple[str, datetime]] = {}
        for event in events:
            self._read(event)
            self.contact = event.contact_id or self.contact

    def day(self, at: datetime, event: TicketEvent) -> date:
        return at.astimezone(ZoneInfo(self.desk.hours(event.recorded_at).zone)).date()

    def whose(self, agent: str | None) -> list[str]:
        owner = agent or self.owner
        names = (("contact", self.contact), ("account", self.account), ("agent", owner), ("team", self.team))
        return ["desk", *(f"{kind}:{name}" for kind, name in names if name is not None)]

    @property
    def closed(self) -> bool:
        return bool(self.turns) and self.turns[-1].closes

    @property
    def opened_at(self) -> datetime:
        return self.first.occurred_at

    def _asked(self) -> datetime:
        return max([self.opened_at, *(message.at for message in self.came)])

    def _hours(self, event: TicketEvent) -> Hours:
        return self._known(event) or self.named or self.desk.hours(event.recorded_at)

    def _known(self, event: TicketEvent) -> Hours | None:
        found = self.desk.others.get((str(event.data.get("calendar")), event.data.get("calendar_version", 0)))
        return found if found and found.since <= event.recorded_at else None

    def _read(self, event: TicketEvent) -> None:  # noqa: C901, PLR0912  # a table of types, read once
        kind, data = event.type, event.data
        if kind == "ticket.opened" and (data["manual"] or event.actor.kind == "agent"):
            self.opening = "call" if data["channel"] == "phone" else "hand"
        elif kind == "ticket.message_received":
            if data["automation"] == "human" and event.actor.kind != "agent":
                self.came.append(Message(event.occurred_at, event, data["message_id"]))
            elif data["automation"] != "human" and event.version == 2 and self.opening == "waits":
                self.opening = "machine"
        elif kind == "ticket.message_moved" and data["direction"] == "in":
            if data["automation"] == "human":
                self.came.append(Message(_time(data["occurred_at"]), event, data["message_id"]))
        elif kind in ("ticket.message_moved", "ticket.split"):
            self.went += data.get("message_ids") or [data["message_id"]]
        elif kind == "ticket.replied" and event.actor.kind == "agent":
            self._written[data["reply_id"]] = (data["agent_id"], self._asked())
        elif kind == "ticket.delivery_updated" and data["reply_id"] in self._written:
            agent, asked = self._written[data["reply_id"]]
            there = [answer for answer in self.answers if answer.reply == data["reply_id"]]
            if data["state"] == "sent" and not there:
                at = max(event.occurred_at, asked)
                self.answers.append(Answer(at, event, agent, data["reply_id"], self._hours(event)))
            elif data["state"] in ("bounced", "failed"):
                self.answers = [answer for answer in self.answers if answer not in there]
        elif kind in ("ticket.closed", "ticket.reopened", "ticket.status_changed"):
            self._turn(event, closes=kind == "ticket.closed" or data.get("new") == "closed")
        elif kind == "ticket.due_set":
            self.clocks.pop(data["which"], None)
            if data["due_at"]:
                self.clocks[data["which"]] = (_time(data["due_at"]), event.occurred_at, None)
            self.named = self._known(event) or self.named
        elif kind == "ticket.became_overdue":
            self._overdue(event)
        elif kind == "ticket.rated":
            former = self.ratings.get(data["reply_id"])
            if former is None or former[0].occurred_at <= event.occurred_at:
                writer = self._written.get(data["reply_id"])
                self.ratings[data["reply_id"]] = (event, writer[0] if writer else data["agent_id"])
        elif kind == "ticket.updated" and "account_id" in data["fields"]:
            self.account = data["fields"]["account_id"][1]
        elif kind == "ticket.merged":
            self.into = str(data["into"])
        elif kind == "ticket.unmerged":
            self.into = None
        elif kind in ("ticket.spam_marked", "ticket.spam_unmarked"):
            self.spam = kind == "ticket.spam_marked"
        elif kind == "ticket.assigned":
            self.owner, self.team = data["owner_id"], data["team_id"]

    def _turn(self, event: TicketEvent, *, closes: bool) -> None:
        if closes == self.closed:
            return
        at = max([event.occurred_at, *(turn.at for turn in self.turns[-1:])])
        if closes:
            at = max(at, self._asked())
            late = [w for w, (due, _, told) in self.clocks.items() if told is None and due < at and "response" not in w]
            if late:
                self.breaches.append((at, event))
        by_agent = event.actor.kind == "agent" or event.data.get("by") == "agent"
        self.turns.append(Turn(at, event, closes, by_agent, self._hours(event)))

    def _overdue(self, event: TicketEvent) -> None:
        if self.closed or self.into is not None:
            return
        which, due = event.data["which"], _time(event.data["due_at"])
        if which in self.clocks:
            known, set_at, told = self.clocks[which]
            if told is not None or known != due:
                return
            self.clocks[which] = (due, set_at, event)
        else:
            self.clocks[which] = (due, event.occurred_at, event)
        self.breaches.append((event.occurred_at, event))


def by_version(events: Iterable[TicketEvent]) -> dict[str, list[TicketEvent]]:
    """The events of each ticket, each once."""
    of_ticket: dict[str, list[TicketEvent]] = {}
    for event in events:
        known = of_ticket.setdefault(event.ticket_id, [])
        if event.version > len(known):
            known.append(event)
    return of_ticket


def _time(text: object) -> datetime:
    return datetime.fromisoformat(str(text)).astimezone(UTC)
