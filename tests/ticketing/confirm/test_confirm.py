"""One confirmation or one reason; in the customer's language; never to a machine; never a weapon."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import ConfigError
from bus.message import CHANNELS, Author, AutomationKind, Channel, Identity
from bus.reply import Reply
from bus.settings import ConfirmationSettings, DeskSettings
from ticketing.confirm import Confirming, Opening, Suppressed
from ticketing.tokens import ReplyTokens, in_body
from ticketing.wording import LANGUAGES, choose, parse_wording, wordings, wordings_from

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
    now=datetime(2026, 3, 1, tzinfo=UTC),
    received_at=datetime(2026, 3, 1, tzinfo=UTC),
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


def test_a_caller_is_confirmed_by_mail_when_an_address_is_known() -> None:
    confirming = Confirming(DESK.model_copy(update={"reply_via": {"phone": "support"}}), TOKENS)
    also = [Identity(kind="email", address="ann@customer.example")]
    caller = Author(kind="phone", address="+3112345678", name="Ann the caller", verified=True, also=also)
    reply = confirmed(replace(OPENING, channel="phone", account="line", author=caller), confirming)
    assert (reply.channel, reply.account, reply.recipient.address) == ("email", "support", "ann@customer.example")
    # the number is vouched for, the address is not
    assert (reply.recipient.name, "caller" in reply.text) == (None, False)


@pytest.mark.parametrize("channel", ["website", "web_form", "phone", "forum", "x", "facebook"])
def test_channels_that_cannot_confirm_do_so_by_mail(channel: Channel) -> None:
    confirming = Confirming(DESK.model_copy(update={"reply_via": {channel: "support"}}), TOKENS)
    reply = confirmed(replace(OPENING, channel=channel, account="there"), confirming)
    assert (reply.channel, reply.account) == ("email", "support")


_TYPED = [Identity(kind="email", address="ann@customer.example")]
_WAYS: list[tuple[Channel, Author, bool, str]] = [
    # channel, author, in public → how it is confirmed when every channel that can have a `reply_via` has one
    ("email", Author(kind="email", address="ann@customer.example"), False, "email to ann@customer.example"),
    ("website", Author(kind="email", address="ann@customer.example"), False, "email to ann@customer.example"),
    ("web_form", Author(kind="email", address="ann@customer.example"), False, "email to ann@customer.example"),
    ("web_form", Author(kind="chat", address="anonymous:f1"), False, "no_way"),
    ("phone", Author(kind="phone", address="+31201234567"), False, "no_way"),
    ("phone", Author(kind="phone", address="+31201234567", also=_TYPED), False, "email to ann@customer.example"),
    ("phone", Author(kind="phone", address="anonymous:c1"), False, "no_way"),
    ("chat", Author(kind="chat", address="v1"), False, "chat to v1"),
    ("chat", Author(kind="chat", address="v1", also=_TYPED), False, "chat to v1"),
    (
        "chat",
        Author(kind="email", address="ann@customer.example", verified=True),
        False,
        "chat to ann@customer.example",
    ),
    ("chat", Author(kind="phone", address="+31201234567"), False, "chat to +31201234567"),
    ("forum", Author(kind="forum", address="7"), True, "public"),
    ("forum", Author(kind="forum", address="7"), False, "forum to 7"),
    ("forum", Author(kind="forum", address="7", also=_TYPED), True, "email to ann@customer.example"),
    ("x", Author(kind="x", address="42"), True, "public"),
    ("x", Author(kind="x", address="42"), False, "x to 42"),
    ("facebook", Author(kind="facebook", address="9"), True, "public"),
    ("facebook", Author(kind="facebook", address="9"), False, "facebook to 9"),
    ("facebook", Author(kind="facebook", address="anonymous:p1"), True, "public"),
]


@pytest.mark.parametrize(("channel", "author", "public", "how"), _WAYS)
def test_by_which_way(channel: Channel, author: Author, *, public: bool, how: str) -> None:
    confirming = Confirming(DESK.model_copy(update={"reply_via": dict.fromkeys(CHANNELS, "support")}), TOKENS)
    visibility: Literal["public", "private"] = "public" if public else "private"
    found = confirming.confirm(
        replace(OPENING, channel=channel, account="there", author=author, visibility=visibility, conversation="t1")
    )
    if isinstance(found, Suppressed):
        assert found.reason == how
        return
    assert f"{found.channel} to {found.recipient.address}" == how
    assert found.account == ("support" if found.channel == "email" and channel != "email" else "there")
    assert found.provider_thread == (None if found.channel == "email" else "t1")
    assert found.visibility == "private"


@pytest.mark.parametrize("kind", ["forum", "x", "facebook"])
def test_a_public_post_is_confirmed_in_public_only_if_configured(kind: Literal["forum", "x", "facebook"]) -> None:
    author = Author(kind=kind, address="7", name="Ann Example", verified=True)
    post = replace(OPENING, channel=kind, account="there", author=author, visibility="public", conversation="t1")
    assert CONFIRMING.confirm(post) == Suppressed("public")
    reply = confirmed(post, Confirming(DESK.model_copy(update={"confirm_publicly": [kind]}), TOKENS))
    assert (reply.channel, reply.visibility, reply.reply_token, reply.recipient.name) == (kind, "public", None, None)
    assert (reply.provider_thread, reply.in_reply_to) == ("t1", OPENING.source_id)
    assert "Ann" not in reply.text
    assert "[ref:" not in reply.text


def test_a_channel_that_keeps_neither_address_nor_conversation_gets_the_token_in_the_text() -> None:
    author = Author(kind="phone", address="+31201234567")
    reply = confirmed(replace(OPENING, channel="chat", account="sms", author=author))
    [token] = in_body(reply.text, 5)
    assert TOKENS.verify(token, "+31201234567") == OPENING.ticket_id
    assert in_body(confirmed(replace(OPENING, channel="chat", author=author, conversation="t1")).text, 5) == []


@pytest.mark.parametrize(
    "address",
    ["support+x@desk.example", "Old-Support@desk.example", "no-reply@shop.example", "MAILER-DAEMON@x.example"],
)
def test_our_own_addresses_and_machines_are_not_written_to(address: str) -> None:
    settings = ConfirmationSettings(own_addresses=["old-support@desk.example"])
    confirming = Confirming(DESK, TOKENS, settings, frozenset({"support@desk.example"}))
    form = replace(OPENING, channel="web_form", author=Author(kind="email", address=address))
    assert confirming.confirm(form) == Suppressed("machine")


def test_it_is_recognizable_as_ours() -> None:
    reply = confirmed(OPENING)
    local, _, hops = (reply.loop or "").partition(" ")
    assert (TOKENS.ticket_of_message_id(local), hops) == (OPENING.ticket_id, "1")
    assert reply.from_name == DESK.name
    assert "via" not in reply.from_name


@pytest.mark.parametrize(
    ("declared", "earlier", "detected", "chosen"),
    [
        ("pt-BR", "fr", "ja", "pt"),
        (None, "fr", "ja", "fr"),
        (None, None, "ja", "ja"),
        ("de", None, "xx", "nl"),
        ("de", "fr", "ja", "fr"),
    ],
)
def test_which_language(declared: str | None, earlier: str | None, detected: str, chosen: str) -> None:
    assert confirmed(replace(OPENING, declared=declared, earlier=earlier, language=detected)).language == chosen


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
        ("It is $number", "It is $number for 5 $", "begins no placeholder"),
        ("It is $number", "It is there", r"lacks \$number"),
        ('"Hello"', '"Hello $name"', "unknown placeholder name"),
        ('signature = "$desk"', "", "wants exactly"),
        ('signature = "$desk"', 'signature = "$desk"\nfooter = ""', "wants exactly"),
        ('signature = "$desk"', "signature = 5", "signature: wants text"),
        ('"[#$number]"', '"""[#$number]\nBcc: x"""', "subject: wants one line"),
        ('signature = "$desk"', 'signature = "$desk"\nhtml = "<p>$body</p>"', r"html: lacks \$greeting"),
        ('signature = "$desk"', 'signature = "$desk"\nhtml = "$greeting$body$signature$name"', "placeholder name"),
        ('signature = "$desk"', 'signature = "$desk', "at line"),
    ],
)
def test_a_wording_with_a_mistake_is_refused(old: str, new: str, complaint: str) -> None:
    parse_wording("en", WORDING)
    with pytest.raises(ConfigError, match=complaint):
        parse_wording("en", WORDING.replace(old, new))


def test_words_of_ones_own_take_the_place_of_ours_or_stand_beside_them(tmp_path: Path) -> None:
    (tmp_path / "nl.toml").write_text(WORDING.replace("Hello", "Dag"), "utf-8")
    page = 'html = "<html><b>$desk</b>$greeting<i>$body</i>$signature</html>"\n'
    (tmp_path / "de.toml").write_text(WORDING.replace("Hello", "Guten Tag <5 $$>") + page, "utf-8")
    confirming = Confirming(
        DESK.model_copy(update={"language": "de"}), TOKENS, ConfirmationSettings(templates=tmp_path)
    )
    assert confirmed(replace(OPENING, language="nl"), confirming).text.startswith("Dag\n\nIt is 1234")
    german = confirmed(replace(OPENING, language="it"), confirming)
    assert german.text.startswith("Guten Tag <5 $>\n\n")
    assert (german.html or "").startswith("<html><b>Example &lt;Support&gt;</b><p>Guten Tag &lt;5 $&gt;</p><i><p>It is")
    assert confirmed(OPENING, confirming).text == confirmed(OPENING).text


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("nl.toml", b"subject = ", r"nl\.toml: "),
        (
            "nl.toml",
            WORDING.replace("$number", "$password").encode(),
            r"nl\.toml: subject: unknown placeholder password",
        ),
        ("nl.toml", WORDING.replace("$desk", "${desk.__class__}").encode(), r"nl\.toml: signature: a \$ that begins"),
        ("nl.toml", b"\xff\xfe", r"nl\.toml: is not UTF-8"),
        ("nl.toml", WORDING.encode() + b"#" * 70_000, "larger than"),
        ("dutch.toml", WORDING.encode(), "name of a language"),
        ("nl.txt", b"", "name of a language"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_name(tmp_path: Path, name: str, content: bytes, complaint: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=complaint):
        wordings_from(tmp_path)


def test_a_folder_or_a_language_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="templates"):
        wordings_from(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"\[desk\] language: no words in de"):
        Confirming(DESK.model_copy(update={"language": "de"}), TOKENS)


def test_languages_are_compared_by_their_first_part() -> None:
    assert choose(["ja-JP"], LANGUAGES, "en") == "ja"
    assert choose(["english"], LANGUAGES, "nl") == "nl"
    assert choose([None, "de", "fr-CA", "ja"], LANGUAGES, "en") == "fr"
