"""Words by language that stand in files of their own, for those who know the language better than the code."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

UNSPACED = re.compile("[\u0e00-\u0eff\u2e80-\u9fff\uac00-\ud7ff\uff00-\uffef]")
"""Scripts that put no blanks between words."""
Table = Mapping[str, Mapping[str, Sequence[str]]]
"""By language (BCP 47), then by what the words are for."""


def language_table(name: str) -> Table:
    """The table `normalize/<name>.toml`. Raises FileNotFoundError or TOMLDecodeError: nothing is read without it."""
    with (Path(__file__).parent / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)


def words_for(table: Table, *purposes: str) -> tuple[str, ...]:
    """All words for these purposes, of all languages, in lower case; longer ones first, so that they match first."""
    found = {folded(word) for row in table.values() for purpose in purposes for word in row.get(purpose, ())}
    return tuple(sorted(found, key=lambda word: (-len(word), word)))


def folded(line: str) -> str:
    """A line in lower case, as the tables are; also the Turkish capital I with its dot."""
    return (line.replace("İ", "i") if "İ" in line else line).lower()


def heads(words: Iterable[str], length: int) -> frozenset[str]:
    """How lines begin that begin with one of `words`, in the spellings a line can have: to pass over all others."""
    return _spellings(word[:length] for word in words if word)


def tails(words: Iterable[str], length: int) -> frozenset[str]:
    """The same for how lines end."""
    return _spellings(word[-length:] for word in words if word)


def _spellings(pieces: Iterable[str]) -> frozenset[str]:
    return frozenset(
        each
        for piece in set(pieces)
        for each in (piece, piece.upper(), piece.capitalize(), piece.title(), piece.upper().replace("I", "İ"))
    )
