"""What mail programs add, in every language of the tables (normalize/quote_headers.toml, normalize/signatures.toml).

A new example is a line in quote_header_examples.toml.
"""

import tomllib
from pathlib import Path

import pytest

from normalize.reply_text import reply_text

TABLES = Path(__file__).parents[2] / "normalize"
EXAMPLES = tomllib.loads((Path(__file__).parent / "quote_header_examples.toml").read_text("utf-8"))
WELL_KNOWN = ("en", "fr", "nl", "pt", "ja", "de", "es", "it", "pl", "ru", "sv", "da", "no", "fi", "cs", "tr", "zh", "ko")
OLD = "Your parcel\nis on its way."


def examples(purpose: str) -> list[tuple[str, str]]:
    return [(language, example) for language, rows in EXAMPLES.items() for example in rows.get(purpose, ())]


@pytest.mark.parametrize(("language", "attribution"), examples("attributions"))
@pytest.mark.parametrize("mark", ["> ", ""])
def test_attribution_and_what_follows_go(language: str, attribution: str, mark: str) -> None:
    quote = "\n".join(mark + line for line in OLD.split("\n"))
    assert reply_text(f"First line of mine.\nSecond one.\n\n{attribution}\n\n{quote}\n") == (
        "First line of mine.\nSecond one."
    ), language


@pytest.mark.parametrize(("language", "attribution"), examples("attributions"))
def test_attribution_right_below_the_text_goes(language: str, attribution: str) -> None:
    assert reply_text(f"First line of mine.\n{attribution}\n> old\n") == "First line of mine.", language


@pytest.mark.parametrize(("language", "attribution"), examples("attributions"))
def test_an_answer_below_an_attributed_quote_stays(language: str, attribution: str) -> None:
    assert reply_text(f"{attribution}\n> {OLD[:11]}\n\nThank you.\n") == "Thank you.", language


@pytest.mark.parametrize(("language", "header"), examples("headers"))
def test_copied_headers_and_what_follows_go(language: str, header: str) -> None:
    assert reply_text(f"Mine.\n\n{header}\n\n{OLD}\n") == "Mine.", language


@pytest.mark.parametrize(("language", "device"), examples("devices"))
def test_device_lines_go(language: str, device: str) -> None:
    assert reply_text(f"Mine.\n\n{device}\n") == "Mine.", language
    assert reply_text(f"Mine.\n\n{device}\n\nOn 2 Nov 2026, Support wrote:\n> old\n") == "Mine.", language


@pytest.mark.parametrize(("language", "disclaimer"), examples("disclaimers"))
def test_disclaimers_go(language: str, disclaimer: str) -> None:
    assert reply_text(f"Mine.\n\nAnna\n\n{disclaimer}\nAnd more of it.\n") == "Mine.\n\nAnna", language


@pytest.mark.parametrize(("language", "warning"), examples("warnings"))
def test_warnings_of_servers_go(language: str, warning: str) -> None:
    assert reply_text(f"{warning}\n\nMine.\n") == "Mine.", language


def test_every_well_known_language_has_examples() -> None:
    for language in WELL_KNOWN:
        for purpose in ("attributions", "headers", "devices", "disclaimers", "warnings"):
            assert EXAMPLES[language].get(purpose), f"{language}: {purpose}"


@pytest.mark.parametrize("table", ["quote_headers", "signatures"])
def test_tables_hold_lists_of_words(table: str) -> None:
    rows = tomllib.loads((TABLES / f"{table}.toml").read_text("utf-8"))
    assert set(WELL_KNOWN) <= set(rows)
    for language, purposes in rows.items():
        for purpose, words in purposes.items():
            assert isinstance(words, list), f"{language}.{purpose}"
            assert all(word.strip() for word in words), f"{language}.{purpose}"
            assert len(words) == len({word.lower() for word in words}), f"{language}.{purpose} names one twice"
