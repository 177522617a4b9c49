"""The figures for people: a table of numbers with what they are, channels as bars, durations as hours and minutes."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from bus.figures import FigureDefinition
from bus.output import safe
from metrics_worker.behind import Behind
from metrics_worker.definitions import definition_of
from metrics_worker.pages import Overview

_BAR = 30
_SILENT = 5.0
"""An active worker looks every second."""
_NOTHING = Text("")


def duration(seconds: float | None) -> str:
    """`65 h 00`, `4 min 10 s`."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60:02} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02}"


def lateness(late: Behind) -> str:
    """How far the numbers are behind, as a part of a sentence."""
    clock = (
        f"the clock of due times is {duration(late.clock)} late" if late.clock else "the clock of due times is on time"
    )
    if late.looked is None:
        return f"{clock}; no worker has looked yet"
    if late.looked > _SILENT:
        return f"{clock}; no worker is active for {duration(late.looked)}"
    return f"{clock}; " + (f"{late.unread} events are not in it yet" if late.unread else "every event is in it")


def value(name: str, figure: Mapping[str, Any]) -> str:
    """A figure's value in its unit."""
    definition = definition_of(name)
    if definition is not None and definition.unit == "seconds":
        shown = f"{duration(figure['value'])}"
        if figure["count"]:
            shown += f"  (median {duration(figure['median'])}, p90 {duration(figure['p90'])}, n = {figure['count']})"
        return shown
    if definition is not None and definition.unit == "percent":
        return "–" if figure["value"] is None else f"{figure['value']:.1f} %  (of {figure['count']})"
    return str(figure["value"])


def bar(percent: int) -> str:
    """A slice of the donut, drawn straight."""
    return "█" * round(_BAR * percent / 100)


def table(
    figures: Mapping[str, Mapping[str, Any]], known: Mapping[str, FigureDefinition], language: str, now: datetime
) -> Table:
    """One row a figure: its id, its value, and its name in a language."""
    made = Table("figure", "value", "what it is", "definition", box=None, pad_edge=False, header_style="bold")
    for name, figure in figures.items():
        shown = value(name, figure)
        if (percent := figure.get("percent")) is not None:
            shown = f"{shown}  {percent:>3} %  {bar(percent)}"
        if (oldest := figure.get("oldest_at")) is not None:
            shown += f"  (the oldest for {duration((now - oldest).total_seconds())})"
        definition = known[figure["definition"]]
        made.add_row(*(Text(safe(cell)) for cell in (name, shown, definition.name[language], figure["definition"])))
    return made


def page(
    found: Overview, known: Mapping[str, FigureDefinition], language: str, now: datetime
) -> Iterator[Table | Text]:
    """A contact's or account's page: its figures, the donut drawn straight, what happened, ratings."""
    shown = {name: figure.model_dump() for name, figure in found.figures.items() if "by_channel." not in name}
    yield table(shown, known, language, now)
    yield Text(f"\n{lateness(found.behind)}.")
    yield _NOTHING
    yield _rows(
        ("channel", "tickets", "", ""),
        [(each.channel, each.tickets, f"{each.percent} %", bar(each.percent)) for each in found.donut],
    )
    yield _NOTHING
    yield _rows(
        ("when", "what", "ticket", "status", "agent"),
        [
            (each.at.isoformat(" ", "minutes"), each.kind, each.number, each.status, each.agent_name or each.agent_id)
            for each in found.activity
        ],
    )
    if found.ratings:
        yield _NOTHING
        yield _rows(
            ("rated", "rating", "ticket", "agent", "words"),
            [
                (
                    each.at.isoformat(" ", "minutes"),
                    each.rating,
                    each.number,
                    each.agent_name or each.agent_id,
                    each.words or "yes" * each.has_words,
                )
                for each in found.ratings
            ],
        )


def _rows(headings: tuple[str, ...], rows: list[tuple[object, ...]]) -> Table:
    made = Table(*headings, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        made.add_row(*(Text(safe(cell)) for cell in row))
    return made
