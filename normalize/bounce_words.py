"""Words by which servers say that a mail came back: bounces.toml, compiled."""

import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from normalize.language_tables import folded

_TABLE = tomllib.loads((Path(__file__).parent / "bounces.toml").read_text("utf-8"))
_ELLIPSIS: Final = ".{0,60}?"


def _phrase(words: str) -> str:
    """A phrase as a regular expression: `(a|b)` means either, `…` up to sixty characters."""
    escaped = re.escape(folded(words))
    for sign in "()|":
        escaped = escaped.replace(re.escape(sign), sign)
    return escaped.replace("…", _ELLIPSIS).replace("(", "(?:").replace(r"\ ", " ")


def _phrases(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(_phrase(each) for each in words))


def _all_languages(purpose: str) -> list[str]:
    return [words for row in _TABLE[purpose].values() for words in row]


class Dialect(NamedTuple):
    """A server's bounces by what must hold: a field, words of the subject, of the author, of the text."""

    name: str
    fields: Sequence[bytes]
    subject: re.Pattern[str] | None
    author: re.Pattern[str] | None
    text: re.Pattern[str] | None


AUTHORS = tuple(folded(words) for words in _all_languages("authors"))
SUBJECT = _phrases(_all_languages("subjects"))
FAILURE = _phrases(_all_languages("failure"))
SERVERS = _phrases(_all_languages("servers"))
DELAYED = _phrases(_all_languages("delayed"))
REASONS = tuple((str(row["status"]), _phrases(row["phrases"])) for row in _TABLE["reasons"])
"""Statuses, and the words that stand for them where no code does."""
ORIGINAL = re.compile(
    rf"^[ \t>*+-]*+(?:.{{0,12}}(?:{'|'.join(_phrase(each) for each in _all_languages('original'))}).{{0,120}}|"
    r"received: (?:from|by) .*|return-path: .*)$",
    re.IGNORECASE | re.MULTILINE,
)
RECIPIENT_AFTER = re.compile(
    rf"(?<!\w)(?:{'|'.join(_phrase(each) for each in _all_languages('recipient_after'))})(?:\(s\)|\(es\))?"
    r"[^\w@<]{0,12}(?:is|are|was|named|called)?[^\w@<]{0,6}<?$",
    re.IGNORECASE,
)
"""What stands right before the address that failed."""
DIALECTS = tuple(
    Dialect(
        name,
        [field.encode() for field in row.get("fields", ())],
        *(_phrases(row[part]) if part in row else None for part in ("subject", "from", "text")),
    )
    for name, row in _TABLE["dialects"].items()
)


_FIRST_LETTERS = 4
_OPENINGS = "[(\"'*«„【"


def _first_words(phrases: Iterable[str]) -> frozenset[str]:
    """The first letters of what a phrase can begin with; of `(a|b) …` both."""
    found: set[str] = set()
    for phrase in phrases:
        begin = folded(phrase).lstrip(_OPENINGS.replace("(", ""))
        choices = begin[1:].partition(")")[0].split("|") if begin.startswith("(") else [begin]
        found.update(choice.lstrip(_OPENINGS).split()[0][:_FIRST_LETTERS] for choice in choices if choice.strip())
    return frozenset(found)


_SUBJECT_HEADS = _first_words(
    [*_all_languages("subjects"), *(words for row in _TABLE["dialects"].values() for words in row.get("subject", ()))]
)


def subject_may_tell(subject: str) -> bool:
    """Whether a folded subject can hold any of our phrases: the quick answer for nearly every mail."""
    if not subject.isascii():
        return True
    heads = _SUBJECT_HEADS
    return any(word.lstrip(_OPENINGS)[:_FIRST_LETTERS] in heads for word in subject.split())


def flat(text: str) -> str:
    """A text as the phrases want it: in lower case, with single blanks for line breaks and the like."""
    return " ".join(folded(text).replace("’", "'").split())
