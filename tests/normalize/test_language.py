"""The language of what was written (normalize/language.py)."""

import tomllib
from pathlib import Path

import pytest

from normalize.language import detect_language, portable_detector

TEXTS = {
    "en": "Where is the parcel that I ordered two weeks ago?",
    "fr": "Je n'ai toujours pas reçu le colis que j'ai commandé.",
    "nl": "Waar blijft het pakket dat ik twee weken geleden heb besteld?",
    "pt": "Ainda não recebi a encomenda que fiz há duas semanas.",
    "ja": "先日注文した商品がまだ届いておりません。",
    "de": "Wo bleibt das Paket, das ich vor zwei Wochen bestellt habe?",
    "es": "Todavía no he recibido el paquete que pedí hace dos semanas.",
}


@pytest.mark.parametrize("language", TEXTS)
def test_detected(language: str) -> None:
    assert detect_language(TEXTS[language]) == language


def test_the_portable_detector_agrees() -> None:
    detect = portable_detector()
    assert {language: detect(text) for language, text in TEXTS.items()} == {each: each for each in TEXTS}


@pytest.mark.parametrize(
    "text", ["", "Thank you very much", "1 2 3 4 5 6", "https://a.example/b/c/d/e/f", "ありがとう"]
)
def test_too_little_to_tell(text: str) -> None:
    assert detect_language(text) is None


def test_short_messages_are_told_apart() -> None:
    examples = tomllib.loads((Path(__file__).parent / "language_examples.toml").read_text("utf-8"))
    right = {language: [detect_language(text) == language for text in texts] for language, texts in examples.items()}
    main = [each for language in ("en", "fr", "nl", "pt", "ja") for each in right[language]]
    every = [each for one in right.values() for each in one]
    assert sum(main) / len(main) >= 0.97
    assert sum(every) / len(every) >= 0.95
