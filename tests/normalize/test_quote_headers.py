"""What mail programs add, in every language of the tables quote_headers.toml and signature_blocks.toml.

A new example is a line in quote_header_examples.toml.
"""

import tomllib
from pathlib import Path

import pytest

from normalize.reply_text import reply_text

TABLES = Path(__file__).parents[2] / "normalize"
EXAMPLES = tomllib.loads((Path(__file__).parent / "quote_header_examples.toml").read_text("utf-8"))
WELL_KNOWN = (
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
    "sv",
    "da",
    "no",
    "fi",
    "cs",
    "tr",
    "zh",
    "ko",
)
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


@pytest.mark.parametrize("table", ["quote_headers", "signature_blocks"])
def test_tables_hold_lists_of_words(table: str) -> None:
    rows = tomllib.loads((TABLES / f"{table}.toml").read_text("utf-8"))
    assert set(WELL_KNOWN) <= set(rows)
    for language, purposes in rows.items():
        for purpose, words in purposes.items():
            assert isinstance(words, list), f"{language}.{purpose}"
            assert all(word.strip() for word in words), f"{language}.{purpose}"
            assert len(words) == len({word.lower() for word in words}), f"{language}.{purpose} names one twice"


PERSONS = [
    "On Thursday, I get proper rendering.\n\nOn the other hand, not on Friday.\nOn average: fine.",
    "On 3 November 2026 I received an answer from bob@shop.example, which said:\n\nthe parcel is lost.",
    "At 10:30 the courier called and said:\nnobody was at home.\n\nThat is not true.",
    "Am 3. Mai 2026 um 12:00 habe ich Ihnen Folgendes geschrieben:\nbitte stornieren.",
    "Op 3 mei 2026 om 12:00 heb ik u het volgende geschreven:\ngraag annuleren.",
    "My flight:\n\nFrom: Amsterdam\nTo: Paris\nDate: 3 May 2026\n\nPlease refund it.",
    "De: Lyon\nA: Lille\nDate: 3 mai\n\nMerci de me rembourser.",
    "The times:\n\n2026-01-15 14:30:25\n2026/01/15 14:30:25\n15.01.2026 14:30\nJan 15, 2026 at 14:30\n\nAll failed.",
    "From: the day it came\n\nit was broken.",
    "Note:\nFrom: anna@customer.example\nis my new address.",
    "It prints:\n\n```\n$ mail\n-- \nOn 2 Nov 2026, Anna <a@b.example> wrote:\n> x\n```\n\nWhy?",
    "One thing.\n\n---\n\nAnother thing is that the second chair came without its legs.",
    "One.\n\n-----\n\nTwo.\n\n-----\n\nThree.",
    "I bought:\n\n*\n* a chair\n-\n- a table",
    "[image: chair.png]\n\nIt looks like this.\n\n[cid:image001.png@01D0B1A2.12345670]",
    "Best regards to your colleague; he said that she sent it from my iPad.",
    "New message:\n=============================\nName: Anna\nPhone: 123\nCity: Lyon",
    "First part.\n\n---\n\n" + "A second part of some length that belongs to what I say.\n" * 20,
    "It fails so:\n\n    $ run --now\n    Error: 12:03 in step 4:\n    stopped\n\nWhat now?",
    "Sent from my desk because it is so much easier than on the phone.\n\nBye",
    "Sent with DHL, number RR123456789NL\n\nIs it there?",
    "I bought:\n- apples\n- pears\n- plums",
    "This message is for your manager.\n\nThe parcel is broken.",
    "The information in this manual is wrong.\n\nPage 3 says 5 V.",
    "Notice: this product gets hot.\n\nPlease recall it.",
    "See https://shop.example/on-date-someone-wrote: it is wrong.",
    "Outlook voor mij: ik krijg geen bestelling meer.",
    "Paketim yanlış adrese gönderildi",
    "Lähetetty paketti ei ole saapunut.",
    "昨日のアドレスから送信しました",
    "発送の件ですが、2026年11月2日 17:03 に届く予定:\n・箱 1\n・箱 2",
    "Van de drie pakketten kwam er op 2 november 2026 om 17:03 maar een:\nhet kleinste.",
    "PS> Get-Process\nPS> Stop-Process 12\n\nBoth fail.",
    "Order 2026-1234 for bob@shop.example:\n3 chairs\n1 table",
]


@pytest.mark.parametrize("text", PERSONS)
def test_what_a_person_wrote_stays(text: str) -> None:
    assert reply_text(text) == text.strip()
    assert reply_text(f"Hello,\n\n{text}") == f"Hello,\n\n{text}".strip()
