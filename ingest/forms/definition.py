"""What a form asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ingest.forms.wording import size

Kind = Literal["line", "email", "phone", "text", "choice", "check", "files"]
Labels = Mapping[str, str]
"""By language; the key `*` stands for all others."""

STANDARD: Mapping[str, Kind] = {
    "name": "line",
    "email": "email",
    "phone": "phone",
    "subject": "line",
    "text": "text",
    "attachments": "files",
    "priority": "choice",
    "category": "choice",
}
"""The fields whose meaning the desk knows; our own words are their labels."""
LENGTHS: Mapping[str, int] = {"line": 300, "email": 320, "phone": 40, "text": 100_000, "choice": 200, "check": 20}
"""The most characters of a field of each kind."""
TRAP, STAMP = "_website", "_stamp"
"""The field that people do not see, and the one that says when the form was given out."""


@dataclass(frozen=True, slots=True)
class Option:
    """One answer of a `choice`; `labels` empty: the value is its own label."""

    value: str
    labels: Labels = field(default_factory=dict)

    def label(self, language: str) -> str:
        """What it is called."""
        return label_in(self.labels, language) or self.value


@dataclass(frozen=True, slots=True)
class Field:
    """One question."""

    name: str
    kind: Kind
    required: bool = False
    labels: Labels = field(default_factory=dict)
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class FileLimits:
    """Of the attachments of one submission."""

    files: int
    each: int
    all: int

    def shown(self) -> dict[str, str]:
        """As words have them."""
        return {"files": str(self.files), "each": size(self.each), "all": size(self.all)}


@dataclass(frozen=True, slots=True)
class Form:
    """A form. `feedback`: `no`, `choice` (a box to tick) or `only` (it never opens a ticket).

    `minimum`: seconds that nobody needs less of to fill it in; 0 asks nobody for time.
    """

    name: str
    title: Labels
    fields: tuple[Field, ...]
    limits: FileLimits
    feedback: Literal["no", "choice", "only"] = "no"
    minimum: float = 3.0


def label_in(labels: Labels, language: str) -> str | None:
    """The label in this language, else the one for all others, else the first there is."""
    return labels.get(language) or labels.get("*") or next(iter(labels.values()), None)
