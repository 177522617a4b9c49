"""Words by language that stand in files of their own, for those who know the language better than the code."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

Table = Mapping[str, Mapping[str, Sequence[str]]]
"""By language (BCP 47), then by what the words are for."""


def language_table(name: str) -> Table:
    """The table `normalize/<name>.toml`. Raises FileNotFoundError or TOMLDecodeError: nothing is read without it."""
    with (Path(__file__).parent / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)


def words_for(table: Table, *purposes: str) -> tuple[str, ...]:
    """All words for these purposes, of all languages, in lower case; longer ones first, so that they match first."""
    found = {word.lower() for row in table.values() for purpose in purposes for word in row.get(purpose, ())}
    return tuple(sorted(found, key=lambda word: (-len(word), word)))


def heads(words: Iterable[str], length: int) -> frozenset[str]:
    """How lines begin that begin with one of `words`, in the spellings a line can have: to pass over all others."""
    found = {word[:length] for word in words if word}
    return frozenset(each for head in found for each in (head.lower(), head.upper(), head.capitalize(), head.title()))


def tails(words: Iterable[str], length: int) -> frozenset[str]:
    """The same for how lines end."""
    found = {word[-length:] for word in words if word}
    return frozenset(each for tail in found for each in (tail.lower(), tail.upper(), tail.capitalize(), tail.title()))
