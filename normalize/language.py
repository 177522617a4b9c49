"""The language of what a customer wrote (BCP 47)."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from normalize.outcome import Decision, Decisions

PLAUSIBLE: tuple[str, ...] = (
    "en", "fr", "nl", "pt", "ja", "de", "es", "it", "pl", "ru", "uk", "sv", "da", "no", "fi", "cs", "sk", "tr", "zh",
    "ko", "ar", "he", "el", "hu", "ro", "bg", "hr", "sr", "sl", "et", "lv", "lt", "ca", "eu", "ms", "vi", "th", "hi",
    "fa", "is",
)  # fmt: skip
"""Rarer languages are more often a mistake about a short text than the truth."""
_CHARACTERS = 300
_WORD = re.compile(r"[^\W\d_]\S*")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
_NO_WORDS = re.compile(r"\S*(?:@|://)\S*")
_FEWEST_WORDS = 5
_FEWEST_UNSPACED = 8


def detect_language(text: str, decisions: Decisions = None) -> str | None:
    """The language of `text` by its first 300 characters; None for fewer than five words, or when in doubt."""
    sample = text[:_CHARACTERS]
    if "@" in sample or "://" in sample:
        sample = _NO_WORDS.sub(" ", sample)
    if not _enough(sample):
        found, why = None, f"fewer than {_FEWEST_WORDS} words"
    else:
        found, why = detector()(sample), f"by its first {len(sample)} characters"
        if found == "und":
            found, why = None, "the detector is in doubt"
    if decisions is not None:
        decisions.append(Decision("language", found or "none", why))
    return found


def _enough(sample: str) -> bool:
    """Whether there are words enough to tell a language by."""
    if sum(map(str.isalpha, sample.split())) >= 2 * _FEWEST_WORDS:  # the quick answer for nearly every mail
        return True
    return len(_WORD.findall(sample)) >= _FEWEST_WORDS or len(_UNSPACED.findall(sample)) >= _FEWEST_UNSPACED


@cache
def detector() -> Callable[[str], str]:
    """The detector of this machine. Loaded when the first text asks for it: commands that read no mail do without."""
    try:
        return fast_detector()
    except ImportError:  # not published for every machine
        return portable_detector()


def fast_detector() -> Callable[[str], str]:
    """`eldc`: 2 µs a text, 17 MB. Raises ImportError where there is none."""
    import eldc

    eldc.init()
    eldc.set_languages(list(PLAUSIBLE))
    detect: Callable[[str], str] = eldc.detect
    return detect


def portable_detector() -> Callable[[str], str]:
    """`py3langid`, pure Python: 100 µs a text, 100 MB."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier: Any = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=False)
    identifier.set_languages(set(PLAUSIBLE))
    return lambda text: str(identifier.classify(text)[0])
