"""Texts → the words they are found by, and what somebody types → a query over such words. Pure.

Words are folded: compatibility forms, case and accents do not matter. Scripts that put no spaces between words
(Japanese, Chinese, Thai …) are cut into pairs of neighbouring letters, so that any piece of such a text finds it:
a piece is looked up by all of its pairs. PostgreSQL's trigrams would do the like, but are not in every server.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

LONGEST_WORD: Final = 64
MOST_WORDS: Final = 20_000
"""Of one ticket; PostgreSQL holds a megabyte of them, in a tsvector."""
MOST_TERMS: Final = 32
"""Of one query."""

_ACCENTS: Final = re.compile("[\u0300-\u036f]")
# Thai … Myanmar, Khmer, Kana, Han, Hangul
_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_TOKEN: Final = re.compile(f"(?P<unspaced>[{_UNSPACED}]+)|(?P<word>[^\\W_{_UNSPACED}]+)")
_DIGITS: Final = re.compile(r"\D+")
_FEWEST_DIGITS: Final = 6


def fold(text: str) -> str:
    """The text without differences that nobody searches by."""
    if text.isascii():
        return text.lower()
    apart = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFKC", apart).casefold()


def words(texts: Iterable[str | None], most: int = MOST_WORDS) -> list[str]:
    """The words of some texts, each once, at most so many, in order."""
    found: dict[str, None] = {}
    for text in texts:
        for token in _TOKEN.finditer(fold(text)) if text else ():
            if unspaced := token["unspaced"]:
                found.update(dict.fromkeys(_pairs(unspaced)))
                found[unspaced[-1]] = None  # what begins with it is found by one letter, the last letter too
            else:
                found[token["word"][:LONGEST_WORD]] = None
        if len(found) >= most:
            break
    return sorted(islice(found, most))


def number_words(number: str) -> Iterator[str]:
    """A telephone number's digits and their ends: people leave out country and area."""
    digits = _DIGITS.sub("", number)
    for at in range(max(1, len(digits) - _FEWEST_DIGITS + 1)):
        yield digits[at : at + LONGEST_WORD]


def query(typed: str) -> str | None:
    """What was typed as a tsquery that wants all of it, each word by its beginning; None when it has no words."""
    terms: dict[str, None] = {}
    for token in _TOKEN.finditer(fold(typed)):
        if unspaced := token["unspaced"]:
            pairs = list(_pairs(unspaced))
            terms.update(dict.fromkeys(f"'{pair}'" for pair in pairs) if pairs else {f"'{unspaced}':*": None})
        else:
            word = token["word"][:LONGEST_WORD]
            word = word.lstrip("0") or word if word.isdigit() and len(word) > _FEWEST_DIGITS else word
            terms[f"'{word}':*" if len(word) > 1 else f"'{word}'"] = None
    return " & ".join(list(terms)[:MOST_TERMS]) or None


def _pairs(letters: str) -> Iterator[str]:
    return (letters[at : at + 2] for at in range(len(letters) - 1))
