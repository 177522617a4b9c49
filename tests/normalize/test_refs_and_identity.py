"""References, tokens, ids, authentication (normalize/refs.py, identity.py, authentication.py)."""

import pytest

from bus.message import NormalizedMessage
from tests.normalize.letters import letter, read, record


def refs(message: NormalizedMessage, kind: str) -> list[str]:
    return [ref.value for ref in message.refs if ref.kind == kind]


def test_reply_tokens_come_from_own_plus_addresses_only() -> None:
    mail = letter("x", "Cc: Support+One@desk.example, support+one@DESK.example, other+two@desk.example")
    message = read(mail, record(envelope_to=("support+three@desk.example", "support@desk.example")))
    assert refs(message, "reply_token") == ["One", "one", "three"]


def test_delivered_to_counts() -> None:
    assert refs(read(letter("x", "Delivered-To: support+tok@desk.example")), "reply_token") == ["tok"]


def test_references_keep_the_root_and_the_nearest() -> None:
    ids = [f"{n}@x.example" for n in range(150)]
    message = read(letter("x", "References: " + "\n ".join(f"<{each}>" for each in [*ids, ids[3]])))
    assert refs(message, "references") == [ids[0], *ids[-99:]]


def test_a_reference_is_named_once() -> None:
    message = read(letter("x", "References: <a@x> <b@x> <a@x>", "In-Reply-To: <b@x>"))
    assert refs(message, "references") == ["a@x", "b@x"]
    assert refs(message, "in_reply_to") == ["b@x"]


@pytest.mark.parametrize(
    ("subject", "numbers"),
    [("Re: [#1042] Parcel", ["1042"]), ("#7 and #8 and #7", ["7", "8"]), ("C#5 is &#39; fine #", []), ("#12ab", [])],
)
def test_ticket_numbers(subject: str, numbers: list[str]) -> None:
    assert refs(read(letter("x", subject=subject)), "ticket_number") == numbers


def test_the_same_mail_by_another_way_is_the_same_message() -> None:
    one = read("Received: from a\n" + letter("text"))
    two = read("Received: from b\nReceived: from c\nX-Spam: no\n" + letter("text"))
    assert one.message_id == two.message_id
    assert one.source_id == "m1@customer.example"


def test_other_content_with_the_same_message_id_is_another_message() -> None:
    assert read(letter("text")).message_id != read(letter("other")).message_id


def test_without_a_message_id_the_authored_part_tells_mails_apart() -> None:
    bare = letter("text").replace("Message-ID: <m1@customer.example>\n", "")
    one, two = read("Received: from a\n" + bare), read("Received: from b\n" + bare)
    assert one.source_id == two.source_id
    assert one.source_id.startswith("sha256:")
    assert "message_id:missing" in one.warnings
    assert read(bare.replace("Question", "Another")).source_id != one.source_id


def test_only_the_topmost_field_of_the_trusted_server_is_believed() -> None:
    forged = "Authentication-Results: evil.example; dmarc=pass"
    real = (
        "Authentication-Results: mx.desk.example 1; dkim=fail; dkim=pass (good (really)); spf=softfail; dmarc=temperror"
    )
    later = "Authentication-Results: mx.desk.example; dmarc=pass"
    message = read(f"{forged}\n{real}\n{later}\n" + letter("x"))
    assert message.authentication is not None
    assert message.authentication.model_dump() == {"spf": "fail", "dkim": "pass", "dmarc": "temperror"}
    assert message.author.verified is False


def test_dmarc_pass_verifies_the_author() -> None:
    mail = "Authentication-Results: mx.desk.example; dmarc=pass\n" + letter("x")
    assert read(mail).author.verified is True
    assert read(mail, record(authserv_id=None)).author.verified is False
    assert read(mail, record(authserv_id=None)).authentication is None


def test_a_verdict_inside_a_comment_is_none() -> None:
    mail = "Authentication-Results: mx.desk.example; spf=fail (; dmarc=pass); dkim=none\n" + letter("x")
    found = read(mail).authentication
    assert found is not None
    assert found.dmarc == "none"


def test_control_headers_of_our_own_are_not_believed() -> None:
    plain, forged = read(letter("x")), read("X-Deskstream-Loop: chain;9\nX-Deskstream-Token: t\n" + letter("x"))
    assert plain == forged
