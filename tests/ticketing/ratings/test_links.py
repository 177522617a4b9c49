"""A link is for one thing, and cannot be made by whoever has another."""

import pytest

from tests.ticketing.filing.said import TOKENS
from ticketing.ratings.links import Rated, link, read_token, token_for
from ticketing.ratings.wording import all_words, words_for
from ticketing.tokens import ReplyTokens

TICKET, REPLY = "ab" * 16, "cd" * 16


@pytest.mark.parametrize("what", [Rated(TICKET, REPLY), Rated(TICKET, None)])
def test_it_says_what_it_is_about(what: Rated) -> None:
    assert read_token(TOKENS, token_for(TOKENS, what)) == what
    assert link("https://desk.example/", TOKENS, what) == f"https://desk.example/r/{token_for(TOKENS, what)}"


def test_nothing_else_passes_as_one() -> None:
    good = token_for(TOKENS, Rated(TICKET, REPLY))
    others = ReplyTokens({1: b"x" * 32}, 1)
    altered = good[:-1] + ("a" if good[-1] != "a" else "q")
    message_id, reply_token = TOKENS.message_id(TICKET, "reply", "k"), TOKENS.sign(TICKET, "a@x.example")
    for wrong in ("", good[:-1], good + "a", altered, "é" * len(good), message_id, reply_token):
        assert read_token(TOKENS, wrong) is None
    assert read_token(others, good) is None
    assert TOKENS.ticket_of_message_id(good) is None
    assert TOKENS.read(good, "a@x.example") is None


def test_there_are_words_in_five_languages() -> None:
    assert all_words().keys() == {"en", "fr", "nl", "pt", "ja"}
    assert words_for(["xx", "pt-BR"], "en").language == "pt"
    assert words_for([None, "xx"], "nl").language == "nl"
    assert words_for([], "de").language == "en"
