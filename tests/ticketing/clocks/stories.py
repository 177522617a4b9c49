"""A ticket whose history is written by hand, with its clocks after every step; as short as a test can say it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from bus.calendars import Calendar, micros, spans
from bus.model import Wire
from bus.settings import Which
from bus.ticket_event import Actor, TicketEvent, TicketEventType
from bus.ticket_event_data import Assigned, DueSet, Updated
from ticketing import status
from ticketing.due_times import Struck, Target, catch_up, follow
from ticketing.service_levels import ServiceLevel, ServiceLevels
from ticketing.tickets import Ticket

HOUR = 3_600_000_000
OFFICE = Calendar(
    "office",
    3,
    "Europe/Amsterdam",
    (*(5 * (spans(["09:00-12:30", "13:00-17:00"]),)), (), ()),
    frozenset({"2026-12-25", "05-05"}),
)
MONDAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""09:00 in Amsterdam."""
URGENT = ServiceLevel(
    "urgent",
    OFFICE,
    {"first_response": HOUR, "next_response": HOUR, "resolution": 4 * HOUR},
    priorities=frozenset({"urgent"}),
    soon=HOUR // 2,
    escalate_to="night",
    escalate=frozenset({"first_response", "resolution"}),
    escalate_after=HOUR,
)
NORMAL = ServiceLevel(
    "normal",
    OFFICE,
    {"first_response": 4 * HOUR, "next_response": 6 * HOUR, "resolution": 20 * HOUR},
    on_hold=frozenset({"next_response", "resolution"}),
    soon=HOUR,
)
LEVELS = ServiceLevels((URGENT, NORMAL))
TARGETS = {"night": Target(team_id="t-night")}
ANN, BOB = Actor(kind="customer", id="ann"), Actor(kind="agent", id="bob")


@dataclass
class Story:
    """One ticket. Every step first tells what its clocks owe, as whoever acts does."""

    levels: ServiceLevels = LEVELS
    targets: Mapping[str, Target] = field(default_factory=lambda: TARGETS)
    ticket: Ticket = field(init=False)
    events: list[TicketEvent] = field(default_factory=list)
    _keys: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        at = MONDAY
        self.ticket = Ticket(
            id=f"t{id(self)}",
            number=1,
            contact_id="ann",
            account_id=None,
            channel="email",
            account="mail",
            subject=None,
            language=None,
            opened_at=at,
            last_message_at=at,
            updated_at=at,
            requester=None,
        )

    def open(self, at: datetime = MONDAY, priority: str = "normal", *, received: datetime | None = None) -> "Story":
        """A customer writes for the first time. `received`: when we learn of it."""
        self.ticket.priority = priority
        opened = {"channel": "email", "account": "mail", "priority": priority}
        self._tell("ticket.opened", opened, at, ANN)
        return self._message(at, received or at)

    def writes(self, at: datetime, *, received: datetime | None = None) -> "Story":
        """A customer writes."""
        return self.passes(received or at)._message(at, received or at)

    def _message(self, at: datetime, now: datetime) -> "Story":
        self._tell("ticket.message_received", {"automation": "human", "message_id": "m"}, at, ANN)
        status.reopen(self.ticket, self._cause(), by="customer", actor=ANN, at=at, now=now)
        return self._followed(now)

    def replies(self, at: datetime) -> "Story":
        """An agent answers."""
        self.passes(at)
        data = {"reply_id": "r", "agent_id": "bob", "visibility": "private", "channel": "email"}
        self._tell("ticket.replied", data, at, BOB)
        return self._followed(at)

    def closes(self, at: datetime) -> "Story":
        """An agent closes it."""
        self.passes(at)
        status.close(self.ticket, self._cause(), by="agent", actor=BOB, at=at, now=at)
        return self._followed(at)

    def reopens(self, at: datetime) -> "Story":
        """An agent opens it again."""
        self.passes(at)
        status.reopen(self.ticket, self._cause(), by="agent", actor=BOB, at=at, now=at)
        return self._followed(at)

    def becomes(self, new: str, at: datetime) -> "Story":
        """An agent changes its status."""
        self.passes(at)
        status.change(self.ticket, new, self._cause(), actor=BOB, at=at, now=at)  # type: ignore[arg-type]  # a word
        return self._followed(at)

    def priority(self, new: str, at: datetime) -> "Story":
        """An agent changes its priority."""
        self.passes(at)
        old, self.ticket.priority = self.ticket.priority, new
        self._tell("ticket.updated", Updated(fields={"priority": [old, new]}), at, BOB)
        return self._followed(at)

    def due(self, due: datetime | None, at: datetime) -> "Story":
        """An agent sets the due time by hand."""
        self.passes(at)
        self._tell("ticket.due_set", DueSet(which="resolution", due_at=due), at, BOB)
        return self._followed(at)

    def assigned(self, at: datetime) -> "Story":
        """Something that moves no clock."""
        self.passes(at)
        self._tell("ticket.assigned", Assigned(owner_id="bob"), at, BOB)
        return self._followed(at)

    def passes(self, until: datetime) -> "Story":
        """Time passes, and the clock looks."""
        catch_up(self.ticket, until, self.targets)
        return self._kept()

    def told(self, *types: str) -> list[tuple[str, str, datetime, datetime | None]]:
        """Of the events of these types (without `ticket.`): type, clock, when, and the due time."""
        return [
            (name, e.data.get("which") or e.data.get("to") or "", e.occurred_at, _time(e.data.get("due_at")))
            for e in self.events
            if (name := e.type.removeprefix("ticket.")) in types
        ]

    def dues(self) -> dict[Which, datetime | None]:
        """The clocks that there are, and their due times."""
        from bus.calendars import instant

        return {
            which: None if clock.due is None else instant(clock.due)
            for which, clock in self.ticket.timed.running.items()
        }

    def _cause(self) -> Struck:
        return Struck(f"k{next(self._keys)}")

    def _tell(self, type_: TicketEventType, data: Wire | dict[str, Any], at: datetime, actor: Actor) -> None:
        self.ticket.tell(type_, data, self._cause(), at=at, now=at, actor=actor)

    def _followed(self, now: datetime) -> "Story":
        follow(self.ticket, self.levels, (), now)
        return self._kept()

    def _kept(self) -> "Story":
        self.events += (told.value for told in self.ticket.history)
        self.ticket.history = []
        self.ticket.told_by.clear()
        assert type(self.ticket.timed).from_json(self.ticket.clocks) == self.ticket.timed
        assert [event.version for event in self.events] == list(range(1, len(self.events) + 1))
        assert len({event.event_id for event in self.events}) == len(self.events)
        return self


def _time(value: object) -> datetime | None:
    return None if value is None else value if isinstance(value, datetime) else datetime.fromisoformat(str(value))


def at(text: str) -> datetime:
    """`Tue 10:30` of that week in March, as clocks in Amsterdam show it then; `Tue+2` two weeks later."""
    day, _, clock = text.partition(" ")
    name, _, weeks = day.partition("+")
    hour, minute = map(int, clock.split(":"))
    days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].index(name) + 7 * int(weeks or 0)
    return MONDAY + timedelta(days=days, hours=hour - 9, minutes=minute)


assert micros(MONDAY) % HOUR == 0
