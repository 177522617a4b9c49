"""What is kept and published beside what it should be: each kind of difference. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pydantic import ValidationError

from bus.figures import CustomerMetrics, Figure
from bus.record import Received
from metrics_worker.contacts import ContactFacts
from metrics_worker.contribution import CELL, Marks
from metrics_worker.facts import TicketFacts
from metrics_worker.figures import encoded
from metrics_worker.publishing import DEFINITIONS_KEY, definitions
from metrics_worker.settling import Change
from metrics_worker.snapshot import Document

Check = Literal["unread", "unreadable", "facts", "counters", "marks", "total", "team", "published"]
Counted = Mapping[str, Mapping[str, int]]
"""Key (of a day: key and day) → counter → n."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it should be.

    `unread`: records that are not folded yet (`subject` topic/partition). `unreadable`: a record that cannot be
    folded. `facts`: a ticket's stored facts are not those of its events. `counters`: a stored number is not its
    recomputation. `marks`: a ticket is found by something else than its group's facts. `total`: total is not
    open + closed. `team`: a team is not the sum of its agents. `published`: the topic does not hold what is stored.
    """

    check: Check
    subject: str
    expected: str
    found: str


class FoundBy(NamedTuple):
    """What leads to a root that counts: the marks of its group, and whose clock it is while one runs."""

    contact_id: str | None
    account_id: str | None
    owner_id: str | None
    team_id: str | None
    marks: Marks


def facts(expected: Mapping[str, TicketFacts], found: Mapping[str, TicketFacts]) -> list[Difference]:
    """Tickets whose stored facts are not those of their events."""
    return [
        Difference("facts", ticket_id, _shown(expected.get(ticket_id)), _shown(found.get(ticket_id)))
        for ticket_id in sorted(expected.keys() | found.keys())
        if expected.get(ticket_id) != found.get(ticket_id)
    ]


def _shown(facts: TicketFacts | None) -> str:
    return facts.to_json() if facts else "nothing"


def contacts(expected: Mapping[str, ContactFacts], found: Mapping[str, ContactFacts]) -> list[Difference]:
    """The same for contacts; one of which nothing is known is as good as none."""
    found = {id_: facts for id_, facts in found.items() if facts.version}
    return [
        Difference(
            "facts",
            id_,
            expected[id_].to_json() if id_ in expected else "nothing",
            found[id_].to_json() if id_ in found else "nothing",
        )
        for id_ in sorted(expected.keys() | found.keys())
        if expected.get(id_) != found.get(id_)
    ]


def all_counters(expected: Change, counters: Counted, days: Counted, source: str) -> list[Difference]:
    """Counters, for always and by day, that are not what `source` (`events`, `facts`) adds up to."""
    by_day = {f"{key} day {day}": found for (key, day), found in expected.days.items()}
    return counted(expected.deltas, counters, source) + counted(by_day, days, source)


def counted(expected: Counted, found: Counted, source: str) -> list[Difference]:
    """Numbers that are not what `source` adds up to."""
    return [
        Difference("counters", f"{key} {counter}", f"{wanted.get(counter, 0)} by {source}", str(is_.get(counter, 0)))
        for key in sorted(expected.keys() | found.keys())
        if (wanted := expected.get(key, {})) != (is_ := found.get(key, {}))
        for counter in sorted(wanted.keys() | is_.keys())
        if wanted.get(counter, 0) != is_.get(counter, 0)
    ]


def marks(expected: Change, found: Mapping[str, FoundBy]) -> list[Difference]:
    """Tickets that are found by something else than what their groups' facts say, or not found by it."""
    wanted = {
        row.root_id: FoundBy(*(row.facts[3:7] if row.marks.has_clock else (None,) * 4), row.marks)
        for row in expected.tickets
    }
    return [
        Difference("marks", id_, str(wanted.get(id_, "nothing")), str(found.get(id_, "nothing")))
        for id_ in sorted(wanted.keys() | found.keys())
        if wanted.get(id_) != found.get(id_)
    ]


def totals(counters: Counted) -> list[Difference]:
    """Keys whose total is not open + closed."""
    found: list[Difference] = []
    for key in sorted(counters):
        total, opened, closed = (counters[key].get(name, 0) for name in ("total", "open", "closed"))
        if total != opened + closed:
            found.append(Difference("total", key, f"{opened} open + {closed} closed", str(total)))
    return found


def teams(counters: Counted) -> list[Difference]:
    """Teams that are not the sum of their agents' tickets and those of nobody."""
    sums: dict[str, dict[str, int]] = {}
    for key, found in counters.items():
        team, cell, _ = key.partition(CELL)
        if cell:
            into = sums.setdefault(team, {})
            for counter, n in found.items():
                into[counter] = into.get(counter, 0) + n
    return [
        Difference("team", f"{team} {counter}", f"{total.get(counter, 0)} by its agents", str(mine.get(counter, 0)))
        for team in sorted({key for key in counters if key.startswith("team:") and CELL not in key} | sums.keys())
        for total, mine in ((sums.get(team, {}), counters.get(team, {})),)
        for counter in sorted(total.keys() | mine.keys())
        if total.get(counter, 0) != mine.get(counter, 0)
    ]


def published(stored: Mapping[str, Document], published: Mapping[str, Received]) -> list[Difference]:
    """Keys whose latest document is not what is stored, but for how far the worker had read."""
    found: list[Difference] = []
    expected = {key: CustomerMetrics.from_json(encoded(document)) for key, document in stored.items()}
    if DEFINITIONS_KEY in published:
        expected[DEFINITIONS_KEY] = CustomerMetrics.from_json(encoded(definitions()))
    for key in sorted(expected.keys() | published.keys()):
        wanted, document = expected.get(key), _document(published.get(key))
        if document is None or wanted is None or _said(document) != _said(wanted):
            found.append(Difference("published", key, _values(wanted), _values(document)))
        elif document.revision != wanted.revision:
            found.append(Difference("published", key, f"revision {wanted.revision}", f"revision {document.revision}"))
    return found


def _said(document: CustomerMetrics) -> object:
    return document.key, document.figures, document.contacts, document.definitions


def _document(record: Received | None) -> CustomerMetrics | None:
    if record is None or record.value is None:
        return None
    try:
        return CustomerMetrics.from_json(record.value)
    except ValidationError:
        return None


def _values(document: CustomerMetrics | None) -> str:
    if document is None:
        return "nothing"
    return ", ".join(f"{name} {_shown_value(figure)}" for name, figure in document.figures.items())


def _shown_value(figure: Figure) -> str:
    return f"{figure.value}" if figure.count == figure.sum else f"{figure.sum}/{figure.count}"
