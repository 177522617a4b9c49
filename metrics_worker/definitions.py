"""The definitions of the figures, as data: two people who count by hand come to the same number.

What each counts and what not is said in five languages, in `wording/*.toml`. Whoever changes what a figure counts
raises its version.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final, Literal

from bus.figures import FigureDefinition

Unit = Literal["tickets", "messages", "ratings", "percent", "seconds"]
LANGUAGES: Final = ("en", "fr", "nl", "pt", "ja")
_CLOCKS: Final = ("calendar", "business")


@dataclass(frozen=True, slots=True)
class Definition:
    """A figure's id, the version of its definition and its unit.

    `by`: the id goes on with a point and a channel (`by_channel.email`), or a clock (`response_time.business`).
    """

    id: str
    version: int
    unit: Unit
    by: Literal["channel", "clock"] | None = None

    @property
    def reference(self) -> str:
        """How a published figure names its definition."""
        return f"{self.id}@{self.version}"

    @property
    def ids(self) -> str:
        """Its ids, for people."""
        return (
            f"{self.id}.<{self.by}>" if self.by == "channel" else f"{self.id}.calendar|business" if self.by else self.id
        )


DEFINITIONS: Final[tuple[Definition, ...]] = (
    Definition("total", 1, "tickets"),
    Definition("open", 1, "tickets"),
    Definition("closed", 1, "tickets"),
    Definition("open_awaiting_agent", 1, "tickets"),
    Definition("overdue_now", 1, "tickets"),
    Definition("breached_ever", 1, "tickets"),
    Definition("by_channel", 1, "tickets", "channel"),
    Definition("messages_by_channel", 1, "messages", "channel"),
    Definition("happiness", 1, "percent"),
    Definition("happiness.without_ok", 1, "percent"),
    Definition("happiness.good", 1, "ratings"),
    Definition("happiness.ok", 1, "ratings"),
    Definition("happiness.bad", 1, "ratings"),
    Definition("happiness.words", 1, "ratings"),
    Definition("first_response_time", 1, "seconds", "clock"),
    Definition("response_time", 1, "seconds", "clock"),
    Definition("next_response_time", 1, "seconds", "clock"),
    Definition("first_resolution_time", 1, "seconds", "clock"),
    Definition("resolution_time", 1, "seconds", "clock"),
    Definition("unanswered", 1, "tickets"),
    Definition("closed_silently", 1, "tickets"),
    Definition("reopened", 1, "tickets"),
    Definition("feedback", 1, "messages"),
)

_PLAIN = {each.id: each for each in DEFINITIONS if each.by is None} | {
    f"{each.id}.{clock}": each for each in DEFINITIONS if each.by == "clock" for clock in _CLOCKS
}
_BY_CHANNEL = {each.id: each for each in DEFINITIONS if each.by == "channel"}

ALWAYS: Final = (
    "total",
    "open",
    "closed",
    "open_awaiting_agent",
    "overdue_now",
    "breached_ever",
    "unanswered",
)
"""Figures that stand in every document, also when they are 0; another that is absent is 0."""


def definition_of(figure: str) -> Definition | None:
    """The definition of a figure's id (`by_channel.email`); None when there is no such figure."""
    if (plain := _PLAIN.get(figure)) is not None:
        return plain
    name, _, value = figure.partition(".")
    return _BY_CHANNEL.get(name) if value else None


@cache
def texts() -> Mapping[str, FigureDefinition]:
    """All definitions with their names and descriptions in every language, by reference."""
    tables = {
        language: tomllib.loads(
            resources.files("metrics_worker.wording").joinpath(f"{language}.toml").read_text("utf-8")
        )
        for language in LANGUAGES
    }
    return {
        each.reference: FigureDefinition(
            id=each.id,
            version=each.version,
            unit=each.unit,
            name={language: table["figures"][each.id]["name"] for language, table in tables.items()},
            description={language: _description(each, table) for language, table in tables.items()},
        )
        for each in DEFINITIONS
    }


def _description(definition: Definition, table: Mapping[str, Mapping[str, Mapping[str, str]]]) -> str:
    """What it counts, and what is said of every figure of its kind."""
    said = table["figures"][definition.id]
    parts = [said["counts"], *(table["shared"][name]["text"] for name in shared_by(definition))]
    return " ".join(parts)


def shared_by(definition: Definition) -> Sequence[str]:
    """The paragraphs that its description shares with others."""
    if definition.id == "feedback":
        return ()
    if definition.by == "clock":
        return ("durations", "whose")
    if definition.id.startswith("happiness"):
        return ("ratings", "whose")
    return ("whose",)
