"""What customers are asked, in their language."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from ticketing.wording import LANGUAGES, choose


@dataclass(frozen=True, slots=True)
class Words:
    """One language. `ask`: below an answer; `subject`, `request`: of a mail of its own; the others: of the page."""

    language: str
    ask: str
    subject: str
    request: str
    title: str
    good: str
    ok: str
    bad: str
    words: str
    send: str
    thanks: str
    over: str
    unknown: str
    choose: str


@cache
def all_words() -> Mapping[str, Words]:
    """Every language there is."""
    folder = resources.files("ticketing.ratings.words")
    return {
        language: Words(language, **tomllib.loads(folder.joinpath(f"{language}.toml").read_text("utf-8")))
        for language in LANGUAGES
    }


def words_for(candidates: Iterable[str | None], default: str) -> Words:
    """In the first language of the candidates that we have, else in the desk's, else in English."""
    found = all_words()
    return found[choose((*candidates, default), found, "en")]
