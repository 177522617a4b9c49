"""What a text is found by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.search.words import LONGEST_WORD, number_words, query, words


def found(text: str, typed: str) -> bool:
    """Whether PostgreSQL would find it: all terms, a prefix where the term is one."""
    asked, there = query(typed), set(words([text]))
    assert asked is not None
    for term in asked.split(" & "):
        word, _, prefix = term.partition("':")
        word = word.strip("'")
        if not (any(each.startswith(word) for each in there) if prefix else word in there):
            return False
    return True


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("Your Invoice No. 4711-B", "invoice 4711"),
        ("Your invoice", "inv"),
        ("Où est ma commande ?", "ou COMMANDE"),
        ("Reclamação", "reclamacao"),
        ("注文した商品がまだ届きません", "商品"),
        ("注文した商品がまだ届きません", "商品がまだ"),
        ("注文した商品がまだ届きません", "届"),
        ("注文した商品がまだ届きません", "ん"),
        ("ｶﾞｽﾞ ＡＢＣ", "ガズ abc"),
        ("주문한 상품이", "상품"),
        ("ขอคืนสินค้า", "สินค้า"),
        ("write to ann.lee@example.com", "ann.lee@example"),
        ("Straße", "strasse"),
    ],
)
def test_it_is_found_by(text: str, typed: str) -> None:
    assert found(text, typed)


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("invoice", "voice"),
        ("注文した商品", "商文"),
        ("がき", "かぎ"),
        ("two words", "two others"),
    ],
)
def test_it_is_not_found_by(text: str, typed: str) -> None:
    assert not found(text, typed)


@pytest.mark.parametrize("typed", ["", "   ", "!!! --", "'\\:*&|()<->"])
def test_what_has_no_words_asks_nothing(typed: str) -> None:
    assert query(typed) is None


@given(st.text(max_size=60))
def test_a_query_is_only_words(typed: str) -> None:
    asked = query(typed)
    for term in asked.split(" & ") if asked else ():
        word = term.removesuffix(":*")
        assert word[0] == word[-1] == "'"
        assert not set(word[1:-1]) & set("'\\ &|!()<>:\0")


@given(st.text(max_size=200))
def test_a_text_is_found_by_any_piece_that_is_not_cut_inside_a_word(text: str) -> None:
    pieces = text.split()
    for piece in pieces:
        if query(piece) is not None and len(piece) < LONGEST_WORD and not piece.startswith("0"):
            assert found(text, piece)


def test_words_are_few_and_short() -> None:
    assert len(words([" ".join(map(str, range(50_000)))], most=1_000)) == 1_000
    assert max(map(len, words(["x" * 10_000]))) == LONGEST_WORD


def test_a_number_is_found_without_its_country_and_area() -> None:
    assert {"31205550123", "205550123", "550123"} <= set(number_words("+31205550123"))
    assert list(number_words("+1234")) == ["1234"]
