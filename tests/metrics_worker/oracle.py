"""The figures counted by hand: plain loops over raw events, written from the definitions without the product's code."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bus.contact_event import ContactEvent
from bus.ticket_event import TicketEvent
from tests.metrics_worker.oracle_facts import OFFICE_DESK, Answer, Desk, Hours, Message, Story, by_version


@dataclass(frozen=True)
class Number:
    """A published number: how many, their sum, and of durations median and 90th percentile."""

    count: int
    sum: int
    median: int | None = None
    p90: int | None = None


Counted = dict[tuple[str, str], Number]
"""(key, figure) → number, zeros left out."""
Daily = dict[tuple[str, str, str], Number]
"""(key, local day, figure) → number."""


@dataclass
class Part:
    """Something that goes into a figure: of whom (None: the ticket's owner), how much, and when it was complete."""

    figure: str
    at: datetime
    day: date
    add: int = 1
    agent: str | None = None
    whole: int | None = None  # of a duration in stretches: all of it, with the first


def count(
    events: Iterable[TicketEvent],
    contacts: Iterable[ContactEvent] = (),
    desk: Desk = OFFICE_DESK,
) -> Counted:
    """Everything, for every key."""
    return {key: number for key, number in _tables(events, contacts, desk)[0].items() if number.count}


def count_by_day(
    events: Iterable[TicketEvent], contacts: Iterable[ContactEvent] = (), desk: Desk = OFFICE_DESK
) -> Daily:
    """The same by local day."""
    return {key: number for key, number in _tables(events, contacts, desk)[1].items() if number.count}


def unanswered_since(
    events: Iterable[TicketEvent], contacts: Iterable[ContactEvent], desk: Desk
) -> Iterable[tuple[str, datetime]]:
    """For whom, and since when: each that is counted as unanswered."""
    for (key, figure), found in _parts_by_key(events, contacts, desk)[0].items():
        if figure == "unanswered":
            yield from ((key, part.at) for part in found)


def _parts_by_key(
    events: Iterable[TicketEvent], contacts: Iterable[ContactEvent], desk: Desk
) -> tuple[dict[tuple[str, str], list[Part]], dict[tuple[str, str, str], list[Part]]]:
    parts: list[tuple[list[str], Part]] = []
    stories = {ticket: Story(known, desk) for ticket, known in by_version(events).items()}
    into = {ticket: story.into for ticket, story in stories.items() if story.into is not None}
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for ticket in stories:
        groups[_survivor(ticket, into)].append(ticket)
    for survivor, tickets in groups.items():
        if survivor in stories and not stories[survivor].spam:
            root = stories[survivor]
            union = [stories[t] for t in tickets if t == survivor or not stories[t].spam]
            parts += [(root.whose(part.agent), part) for part in _parts(root, union)]
    merged = _people(contacts, desk, parts)
    shown: defaultdict[tuple[str, str], list[Part]] = defaultdict(list)
    daily: defaultdict[tuple[str, str, str], list[Part]] = defaultdict(list)
    for keys, part in parts:
        for key in keys:
            for other in merged.get(key, [key]):
                shown[other, part.figure].append(part)
            if not key.startswith("contact:"):
                daily[key, part.day.isoformat(), part.figure].append(part)
    _percent(shown)
    _percent(daily)
    return shown, daily


def _tables(events: Iterable[TicketEvent], contacts: Iterable[ContactEvent], desk: Desk) -> tuple[Counted, Daily]:
    shown, daily = _parts_by_key(events, contacts, desk)
    return (
        {key: _number(key[1], found) for key, found in shown.items()},
        {key: _number(key[2], found) for key, found in daily.items()},
    )


def _percent(table: dict[Any, list[Part]]) -> None:
    """Happiness: good ones of all, and of the good and the bad."""
    for key in list(table):
        if key[-1] in ("happiness.good", "happiness.ok", "happiness.bad"):
            good = key[-1] == "happiness.good"
            for name in ("happiness", "happiness.without_ok"):
                if name == "happiness" or key[-1] != "happiness.ok":
                    table[(*key[:-1], name)] += [Part(name, part.at, part.day, add=int(good)) for part in table[key]]


def _number(figure: str, parts: Sequence[Part]) -> Number:
    if not figure.endswith((".calendar", ".business")):
        return Number(len(parts), sum(part.add for part in parts))
    wholes = sorted(part.whole for part in parts if part.whole is not None)
    total = sum(part.add for part in parts)
    return Number(len(wholes), total, _rank(wholes, 50), _rank(wholes, 90))


def _rank(sorted_: Sequence[int], percent: int) -> int | None:
    """Nearest rank, as exact as the buckets are: eight to a doubling from 16 s on."""
    if not sorted_:
        return None
    exact = sorted_[math.ceil(len(sorted_) * percent / 100) - 1]
    low, width = exact, 1
    edge = 16
    while exact >= edge:
        width = edge // 8
        low = edge + (exact - edge) // width * width
        edge *= 2
    return low + (width - 1) // 2


def _parts(root: Story, union: Sequence[Story]) -> Iterable[Part]:  # noqa: C901, PLR0912  # figure by figure

    def one(figure: str, at: datetime, event: TicketEvent, agent: str | None = None) -> Part:
        return Part(figure, at, root.day(at, event), agent=agent)

    opened = min((s.first for s in union), key=lambda e: (e.occurred_at, e.event_id))
    messages = list(_there(union))
    yield one("total", opened.occurred_at, opened)
    ways = [(m.at, 1, m.event.event_id, m.event) for m in messages]
    ways += [(s.opened_at, 0, s.first.event_id, s.first) for s in union]
    first = min(ways)[3]
    yield one(f"by_channel.{first.data['channel']}", min(ways)[0], first)
    for message in messages:
        yield one(f"messages_by_channel.{message.channel}", message.at, message.event)

    # the conversation, a question before its answer when both are of one instant
    calls = [story.opened_at for story in union if story.opening == "call"]
    talk: list[tuple[datetime, int, str, str, TicketEvent, Answer | None]] = []
    for story in union:
        if story.opening in ("waits", "call"):
            word = "asks" if story.opening == "waits" else "call"
            talk.append((story.opened_at, 0, story.first.event_id, word, story.first, None))
        talk += [(a.at, 2, a.event.event_id, "answers", a.event, a) for a in story.answers]
    talk += [
        (m.at, 1, m.event.event_id, "asks", m.event, None)
        for m in messages
        if not (m.channel == "phone" and calls and m.at <= max(calls))
    ]
    waiting: tuple[datetime, TicketEvent] | None = None
    runs: list[tuple[datetime, datetime, TicketEvent, Answer | None]] = []
    answered = theirs = False
    for at, _, _, word, event, answer in sorted(talk, key=lambda each: each[:3]):
        if word == "asks":
            theirs, waiting = True, waiting or (at, event)
            continue
        if waiting is not None:
            runs.append((waiting[0], at, event, answer))
        elif word == "call" and not runs:
            runs.append((at, at, event, None))
        theirs, answered, waiting = False, True, None
    for n, (begin, end, event, answer) in enumerate(runs):
        hours = answer.hours if answer else root.desk.hours(event.recorded_at)
        for figure in ("response_time", "next_response_time" if n else "first_response_time"):
            yield from _duration(root, figure, [(begin, end, event)], hours)

    if not root.closed:
        turn = root.turns[-1] if root.turns else None
        since, event = (turn.at, turn.event) if turn else (opened.occurred_at, opened)
        yield one("open", since, event)
        if theirs or not answered:
            at, told = waiting or (since, event)
            yield one("open_awaiting_agent", at, told)
        if waiting is not None and not runs:
            yield one("unanswered", *waiting)
        for which, (_, set_at, passed) in root.clocks.items():
            met = any(a.at >= set_at for s in union for a in s.answers)
            if passed is not None and not ("response" in which and met):
                yield one("overdue_now", passed.occurred_at, passed)
                break
    else:
        yield one("closed", root.turns[-1].at, root.turns[-1].event)
    breaches = [breach for story in union for breach in story.breaches]
    if breaches:
        yield one("breached_ever", *min(breaches, key=lambda b: (b[0], b[1].event_id)))
    again = [turn for turn in root.turns if not turn.closes]
    if again:
        yield one("reopened", again[0].at, again[0].event)
    by_agents = [turn for turn in root.turns if turn.closes and turn.by_agent]
    if by_agents:
        stretch = [(opened.occurred_at, by_agents[0].at, by_agents[0].event)]
        yield from _duration(root, "first_resolution_time", stretch, by_agents[0].hours)
    if root.closed and not answered:
        yield one("closed_silently", root.turns[-1].at, root.turns[-1].event)
    elif root.closed:
        stretches, begin = [], opened.occurred_at
        for turn in root.turns:
            if turn.closes:
                stretches.append((begin, turn.at, turn.event))
            begin = turn.at
        yield from _duration(root, "resolution_time", stretches, root.turns[-1].hours)
    for story in union:
        for rated, agent in story.ratings.values():
            yield one(f"happiness.{rated.data['rating']}", rated.occurred_at, rated, agent)
            if rated.data["has_words"]:
                yield one("happiness.words", rated.occurred_at, rated, agent)


def _there(union: Sequence[Story]) -> Iterable[Message]:
    """What is in the group: what came there more often than it went, once, as it came first."""
    came = sorted((m for story in union for m in story.came), key=lambda m: (m.at, m.event.event_id))
    left = Counter(m.id for m in came)
    left.subtract(id_ for story in union for id_ in story.went)
    shown: set[str] = set()
    for message in came:
        if left[message.id] > 0 and message.id not in shown:
            shown.add(message.id)
            yield message


def _duration(
    root: Story, figure: str, stretches: Sequence[tuple[datetime, datetime, TicketEvent]], hours: Hours
) -> Iterable[Part]:
    second = timedelta(seconds=1)
    for clock in ("calendar", "business"):
        lengths = [
            (max(end - begin, timedelta()) if clock == "calendar" else hours.worked(begin, end)) // second
            for begin, end, _ in stretches
        ]
        whole: int | None = sum(lengths)
        for (_, end, event), length in zip(stretches, lengths, strict=True):
            yield Part(f"{figure}.{clock}", end, root.day(end, event), add=length, whole=whole)
            whole = None


def _people(contacts: Iterable[ContactEvent], desk: Desk, parts: list[tuple[list[str], Part]]) -> dict[str, list[str]]:
    """Feedback goes into `parts`; returned is for each contact's key all keys that show what it counts."""
    into: dict[str, str] = {}
    account: dict[str, str | None] = {}
    seen: Counter[str] = Counter()
    people: set[str] = set()
    for event in contacts:
        id_ = event.contact_id
        if event.version <= seen[id_]:
            continue
        seen[id_] = event.version
        people.add(id_)
        if event.type == "contact.merged":
            into[id_] = event.data["into"]
            people.add(event.data["into"])
        elif event.type == "contact.unmerged":
            into.pop(id_, None)
        elif event.type == "contact.moved":
            account[id_] = event.data["to"]
        elif event.type == "contact.created":
            account[id_] = event.data.get("account_id")
        elif event.type == "contact.feedback_received":
            keys = [f"contact:{id_}", "desk", *([f"account:{account[id_]}"] if account.get(id_) else [])]
            zone = ZoneInfo(desk.hours(event.recorded_at).zone)
            parts.append((keys, Part("feedback", event.occurred_at, event.occurred_at.astimezone(zone).date())))
    roots = {id_: _survivor(id_, into) for id_ in people}
    return {f"contact:{id_}": [f"contact:{other}" for other in people if roots[other] == roots[id_]] for id_ in people}


def _survivor(ticket: str, into: Mapping[str, str]) -> str:
    path = [ticket]
    while path[-1] in into:
        if into[path[-1]] in path:
            return min(path[path.index(into[path[-1]]) :])
        path.append(into[path[-1]])
    return path[-1]
