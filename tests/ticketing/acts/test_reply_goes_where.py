"""Where an answer goes, and what it answers there; pure."""

from dataclasses import replace

import pytest

from bus.errors import Invalid
from bus.message import Channel
from ticketing.acts.answered import Correspondence, LastMessage, Sender, Way, reply_subject, way

MAIL = LastMessage(
    "email", "support-mail", "email", "ann@x.example", "Ann", "private", "q2@x", references=["q0@x", "q1@x"]
)
TWEET = LastMessage("x", "x-acme", "x", "77", "Ann", "public", "1001", thread="1000")
POST = LastMessage("forum", "forum-acme", "forum", "9", "ann", "public", "55", thread="50")
FORM = LastMessage("web_form", "form", "email", "ann@x.example", None, "private", "sha")
CALL = LastMessage("phone", "pbx", "phone", "+4930123456", None, "private", "call-1")


def known(last: LastMessage | None, *addresses: str, via: str | None = None, sent: str | None = None) -> Correspondence:
    return Correspondence(last, addresses, (), Sender(reply_via=via), sent)


def test_a_mail_is_answered_by_its_own_connector_and_named_with_all_it_named() -> None:
    found = way(known(MAIL), "support-mail", public=False)
    assert found == Way(
        "email", "support-mail", "email", "ann@x.example", "Ann", "private", "q2@x", ["q0@x", "q1@x", "q2@x"], None
    )


def test_a_department_sends_by_its_own_connector() -> None:
    assert way(known(MAIL, via="sales-mail"), "support-mail", public=False).account == "sales-mail"


def test_the_chain_of_references_keeps_its_first() -> None:
    long = replace(MAIL, references=[f"r{n}@x" for n in range(40)])
    chain = way(known(long), "support-mail", public=False).references
    assert (len(chain), chain[0], chain[-1]) == (20, "r0@x", "q2@x")


@pytest.mark.parametrize(("public", "visibility"), [(True, "public"), (False, "private")])
def test_a_tweet_is_answered_in_public_only_when_the_agent_says_so(public: bool, visibility: str) -> None:
    found = way(known(TWEET), None, public=public)
    assert (found.channel, found.visibility, found.in_reply_to, found.thread) == ("x", visibility, "1001", "1000")


def test_the_forum_is_public_or_answered_by_mail() -> None:
    with pytest.raises(Invalid, match="say that it is public"):
        way(known(POST, "ann@x.example"), "support-mail", public=False)
    assert way(known(POST), None, public=True).visibility == "public"
    mailed = way(known(POST, "ann@x.example"), "support-mail", public=False, by="email")
    assert (mailed.channel, mailed.address, mailed.name, mailed.in_reply_to) == ("email", "ann@x.example", None, None)


@pytest.mark.parametrize("last", [FORM, CALL, None])
def test_what_cannot_be_answered_where_it_came_from_is_answered_by_mail(last: LastMessage | None) -> None:
    found = way(known(last, "ann@x.example", sent="c1@desk"), "support-mail", public=False)
    assert (found.channel, found.address, found.in_reply_to) == ("email", "ann@x.example", "c1@desk")
    assert list(found.references) == ["c1@desk"]


@pytest.mark.parametrize(
    ("last", "public", "by", "account", "words"),
    [
        (MAIL, True, None, "m", "a mail is not public"),
        (replace(TWEET, visibility="private"), True, None, "m", "would tell everybody"),
        (MAIL, False, "x", "m", "did not write by x"),
        (CALL, False, None, "m", "no mail address is known"),
        (MAIL, False, None, None, "no connector sends mail"),
        (replace(MAIL, address="not an address"), False, None, "m", "no mail address"),
    ],
)
def test_there_is_no_way(last: LastMessage, public: bool, by: Channel | None, account: str | None, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        way(known(last), account, public=public, by=by)


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Broken pump", "Re: Broken pump [#7]"),
        ("RE: AW: Broken: pump", "Re: Broken: pump [#7]"),
        ("Re: Broken pump [#7]", "Re: Broken pump [#7]"),
        (None, "Re: [#7]"),
        ("ポンプが\n壊れた", "Re: ポンプが 壊れた [#7]"),
    ],
)
def test_the_subject_says_once_that_it_is_a_reply_and_to_which_ticket(subject: str | None, expected: str) -> None:
    assert reply_subject(subject, 7) == expected
