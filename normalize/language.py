"""The language of what a customer wrote (BCP 47)."""

import re
from functools import cache

_PLAUSIBLE = [
    "en",
    "fr",
    "nl",
    "pt",
    "ja",
    "de",
    "es",
    "it",
    "pl",
    "ru",
    "uk",
    "sv",
    "da",
    "no",
    "fi",
    "cs",
    "sk",
    "tr",
    "zh",
    "ko",
    "ar",
    "he",
    "el",
    "hu",
    "ro",
    "bg",
    "hr",
    "sr",
    "sl",
    "et",
    "lv",
    "lt",
    "ca",
    "eu",
    "ms",
    "vi",
    "th",
    "hi",
    "fa",
    "is",
]
"""Rarer languages are more often a mistake about a short text than the truth."""
_CHARACTERS = 300
_WORD = re.compile(r"[^\W\d_]{2,}")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
_NO_WORDS = re.compile(r"\S*(?:@|://)\S*")
_FEWEST_WORDS = 5
_FEWEST_UNSPACED = 8


def detect_language(text: str) -> str | None:
    """The language of `text` by its first 300 characters; None for fewer than five words, or when in doubt."""
    sample = text[:_CHARACTERS]
    if "@" in sample or "://" in sample:
        sample = _NO_WORDS.sub(" ", sample)
    if len(_WORD.findall(sample)) < _FEWEST_WORDS and len(_UNSPACED.findall(sample)) < _FEWEST_UNSPACED:
        return None
    import eldc

    _load()
    found: str = eldc.detect(sample)
    return None if found == "und" else found


@cache
def _load() -> None:
    """The tables are loaded when the first text asks for them: commands that read no mail do without."""
    import eldc

    eldc.init()
    eldc.set_languages(_PLAUSIBLE)
