"""One confirmation or one reason; in the customer's language; never to a machine; never a weapon."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import ConfigError
from bus.message import Author, AutomationKind
from bus.reply import Reply
from bus.settings import DeskSettings
from ticketing.confirm import Confirming, Opening, Suppressed
from ticketing.tokens import ReplyTokens
from ticketing.wording import LANGUAGES, choose, parse_wording, wordings

TOKENS = ReplyTokens({1: bytes(32)}, 1)
DESK = DeskSettings(name="Example <Support>", domain="desk.example", language="nl", reply_via={"web_form": "support"})
CONFIRMING = Confirming(DESK, TOKENS)
OPENING = Opening(
    ticket_id=uuid.UUID(int=5).hex,
    number=1234,
    channel="email",
    account="support",
    author=Author(kind="email", address="ann@customer.example", name="Ann"),
    language="fr",
    source_id="q1@customer.example",
    automation="human",
    sent_last_day=0,
    now=datetime(2026, 3, 1, tzinfo=UTC),
)


def confirmed(opening: Opening, confirming: Confirming = CONFIRMING) -> Reply:
    reply = confirming.confirm(opening)
    assert isinstance(reply, Reply)
    return reply


def test_a_human_is_confirmed_to() -> None:
    reply = confirmed(OPENING)
    assert (reply.purpose, reply.channel, reply.account) == ("confirmation", "email", "support")
    assert reply.recipient.address == "ann@customer.example"
    assert "1234" in (reply.subject or "")
    assert "1234" in reply.text
    assert reply.html is not None
    assert "1234" in reply.html
    assert reply.automatic
    assert reply.in_reply_to == "q1@customer.example"
    assert reply.references == ["q1@customer.example"]
    assert TOKENS.verify(reply.reply_token or "", "ann@customer.example") == OPENING.ticket_id
    assert TOKENS.ticket_of_message_id(reply.message_id or "") == OPENING.ticket_id
    assert (reply.message_id or "").endswith("@desk.example")


def test_it_is_always_the_same_reply() -> None:
    assert confirmed(OPENING) == confirmed(OPENING)
    other = confirmed(replace(OPENING, ticket_id=uuid.UUID(int=6).hex))
    assert other.reply_id != confirmed(OPENING).reply_id


@pytest.mark.parametrize("kind", [kind for kind in get_args(AutomationKind) if kind != "human"])
def test_a_machine_never_is(kind: AutomationKind) -> None:
    assert CONFIRMING.confirm(replace(OPENING, automation=kind)) == Suppressed("machine")


@pytest.mark.parametrize(("sent", "cap", "suppressed"), [(2, 3, False), (3, 3, True), (0, 0, True), (1, 2, False)])
def test_at_most_so_many_a_day_to_one_address(sent: int, cap: int, suppressed: bool) -> None:
    confirming = Confirming(DESK.model_copy(update={"confirmations_per_day": cap}), TOKENS)
    found = confirming.confirm(replace(OPENING, sent_last_day=sent))
    assert (found == Suppressed("capped")) == suppressed


def test_it_can_be_switched_off() -> None:
    confirming = Confirming(DESK.model_copy(update={"confirm": False}), TOKENS)
    assert confirming.confirm(OPENING) == Suppressed("off")


@pytest.mark.parametrize(
    "address", ["", "nobody", "@customer.example", "a b@customer.example", "a@b\r\nBcc: c@d", "<a@b>", "a,b@c"]
)
def test_without_an_address_there_is_no_way(address: str) -> None:
    opening = replace(OPENING, author=Author(kind="email", address=address))
    assert CONFIRMING.confirm(opening) == Suppressed("no_way")


def test_a_form_is_confirmed_by_mail_through_the_connector_that_is_named() -> None:
    reply = confirmed(replace(OPENING, channel="web_form", account="contact-page", source_id="form-7"))
    assert (reply.channel, reply.account, reply.in_reply_to) == ("email", "support", None)
    assert CONFIRMING.confirm(replace(OPENING, channel="website", account="help")) == Suppressed("no_way")
    phone = replace(OPENING, channel="phone", account="line", author=Author(kind="phone", address="+3112345678"))
    assert CONFIRMING.confirm(phone) == Suppressed("no_way")


def test_a_chat_is_confirmed_in_the_chat() -> None:
    reply = confirmed(
        replace(OPENING, channel="chat", account="site", author=Author(kind="chat", address="v1", verified=True))
    )
    assert (reply.channel, reply.account, reply.message_id, reply.html) == ("chat", "site", None, None)


@pytest.mark.parametrize(
    ("language", "chosen"), [("fr", "fr"), ("pt-BR", "pt"), ("PT_pt", "pt"), ("de", "nl"), (None, "nl"), ("", "nl")]
)
def test_the_customers_language_else_the_desks(language: str | None, chosen: str) -> None:
    reply = confirmed(replace(OPENING, language=language))
    assert reply.language == chosen
    assert wordings()[chosen].body[0].substitute(number=1234) in reply.text


def test_every_language_says_the_same_things_in_its_own_words() -> None:
    texts = {language: confirmed(replace(OPENING, language=language)) for language in LANGUAGES}
    assert len({reply.text for reply in texts.values()}) == len(LANGUAGES)
    assert all("1234" in reply.text and DESK.name in reply.text for reply in texts.values())
    assert all("Example &lt;Support&gt;" in (reply.html or "") for reply in texts.values())


CHOSEN = st.text(st.characters(codec="utf-8"), min_size=6).filter(lambda text: len(text.strip()) > 5)


@given(CHOSEN)
def test_nothing_an_unverified_sender_chose_is_repeated(name: str) -> None:
    marked = f"Zq{name}qZ"
    reply = confirmed(replace(OPENING, author=Author(kind="email", address="ann@customer.example", name=marked)))
    assert reply == confirmed(OPENING)
    assert reply.recipient.name is None


@given(CHOSEN)
def test_a_verified_name_stands_on_one_line_and_is_no_markup(name: str) -> None:
    author = Author(kind="email", address="ann@customer.example", name=f"<b>\r\n{name}", verified=True)
    reply = confirmed(replace(OPENING, author=author))
    assert "<b>" not in (reply.html or "")
    greeting = reply.text.split("\n\n")[0]
    assert "\n" not in greeting
    assert len(greeting) < 100
    assert greeting.isprintable()


def test_a_message_id_that_is_none_is_not_answered() -> None:
    for source_id in ("digest0123", "a b@c", "x@y\r\nBcc: z@w", "<a@b>", "a" * 600 + "@b"):
        assert confirmed(replace(OPENING, source_id=source_id)).in_reply_to is None


WORDING = """
subject = "[#$number]"
greeting = "Hello"
greeting_name = "Hello $name"
body = "It is $number"
signature = "$desk"
"""


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("It is $number", "It is $number, $subject", "unknown placeholder subject"),
        ("It is $number", "It is $number for 5 $", "unknown placeholder"),
        ("It is $number", "It is there", r"lacks \$number"),
        ('"Hello"', '"Hello $name"', "unknown placeholder name"),
        ('signature = "$desk"', "", "wants exactly"),
        ('signature = "$desk"', 'signature = "$desk"\nfooter = ""', "wants exactly"),
    ],
)
def test_a_wording_with_a_mistake_is_refused(old: str, new: str, complaint: str) -> None:
    parse_wording("en", WORDING)
    with pytest.raises(ConfigError, match=complaint):
        parse_wording("en", WORDING.replace(old, new))


def test_languages_are_compared_by_their_first_part() -> None:
    assert choose("ja-JP", "en") == "ja"
    assert choose("english", "nl") == "nl"
