"""How long a text is to X, and how it is cut."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.x.weight import LIMIT, has_link, thread, weight


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("hello", 5),
        ("Grüße", 5),
        ("Gru\u0308ße", 5),  # composed first
        ("こんにちは", 10),
        ("한국어", 6),
        ("\u2019\u201c\u2014", 3),  # punctuation weighs one
        ("\u2026", 2),
        ("★", 2),
        ("😀", 2),
        ("👍🏽", 2),
        ("👨‍👩‍👧‍👦", 2),
        ("🇩🇪", 2),
        ("1️⃣", 2),
        ("❤️", 2),
        ("https://example.com", 23),
        ("http://a.co", 23),
        ("https://example.com/" + "x" * 300 + "?a=b#c", 23),
        ("see https://ex.org.", 28),
        ("(https://ex.org/a)", 25),
        ("ex.org", 23),
        ("me@ex.org", 9),
        ("two https://a.org https://b.org", 4 + 23 + 1 + 23),
    ],
)
def test_weights_of_twitter_text(text: str, length: int) -> None:
    assert weight(text) == length


@pytest.mark.parametrize("host", ["intranet", "printer.local", "10.0.0.1"])
def test_what_x_may_not_take_for_a_link_counts_in_full(host: str) -> None:
    text = f"http://{host}/" + "a" * 60
    assert weight(text) == len(text)


@pytest.mark.parametrize(
    ("text", "link"), [("https://a.org", True), ("on a.org", True), ("no link. None", False), ("a@b.org", False)]
)
def test_links_are_seen(text: str, link: bool) -> None:
    assert has_link(text) is link


def test_a_text_that_fits_is_one_post() -> None:
    assert thread("  " + "a" * LIMIT + "\n") == ["a" * LIMIT]
    assert thread("あ" * (LIMIT // 2)) == ["あ" * (LIMIT // 2)]
    assert thread(" \n ") == []


def test_cut_between_paragraphs_then_sentences_then_words() -> None:
    first, second = "A " * 80 + "end.", "B " * 90 + "end."
    assert thread(f"{first}\n\n{second}") == [first, second]
    one, two = "word " * 40 + "stop.", "other " * 30 + "stop."
    assert thread(f"{one} {two}") == [one, two]
    assert all(not post.endswith("wor") for post in thread("word " * 100))


def test_a_link_is_never_cut() -> None:
    link = "https://example.com/" + "abc/" * 100 + "end"
    posts = thread("word " * 54 + link + " " + "word " * 60)
    assert sum(link in post for post in posts) == 1


_TEXTS = st.text(
    st.one_of(
        st.sampled_from("ab .\n!?。あ한😀👍\U0001f3fd\u200d\ufe0f🇩🇪1\u20e3\u0308"),
        st.characters(codec="utf-8"),
    ),
    max_size=1_500,
)


@settings(max_examples=40, deadline=None)
@given(_TEXTS, st.integers(0, 1_500))
def test_every_post_fits_and_nothing_is_lost(text: str, at: int) -> None:
    text = text[:at] + " https://example.com/a/b?c=d " + text[at:]
    import unicodedata

    posts = thread(text)
    assert all(weight(post) <= LIMIT for post in posts)
    whole = unicodedata.normalize("NFC", text)
    assert re.sub(r"\s", "", "".join(posts)) == re.sub(r"\s", "", whole)
