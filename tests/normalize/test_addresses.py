"""Mailboxes, proper and improper (normalize/addresses.py)."""

import pytest

from normalize.addresses import Mailbox, canonical, parse_addresses


@pytest.mark.parametrize(
    ("field", "boxes"),
    [
        ("a@b.example", [(None, "a@b.example")]),
        ("Anna Bell <a@B.EXAMPLE>", [("Anna Bell", "a@b.example")]),
        ('"Bell, Anna" <a@b.example>', [("Bell, Anna", "a@b.example")]),
        ('"An \\"x\\" na" <a@b.example>', [('An "x" na', "a@b.example")]),
        ("Bell, Anna <a@b.example>, c@d.example", [("Bell, Anna", "a@b.example"), (None, "c@d.example")]),
        ("a@b.example (Anna Bell)", [("Anna Bell", "a@b.example")]),
        ("a@b.example (Anna (at home) Bell)", [("Anna (at home) Bell", "a@b.example")]),
        ("=?utf-8?q?J=C3=BCrgen=2C_X?= <j@b.example>", [("Jürgen, X", "j@b.example")]),
        ("=?utf-8?q?Anna_=3Ca=40b=2Eexample=3E?=", [("Anna", "a@b.example")]),
        ("Team: a@b.example, Bo <bo@b.example>; c@d.example", [
            (None, "a@b.example"), ("Bo", "bo@b.example"), (None, "c@d.example")]),
        ("undisclosed-recipients:;", []),
        ("<<a@b.example>>", [(None, "a@b.example")]),
        ("Anna <a@b.example", [("Anna", "a@b.example")]),
        ("Anna <a@b.example, c@d.example", [("Anna", "a@b.example"), (None, "c@d.example")]),
        ("Anna (Bell <a@b.example>", [("Anna Bell", "a@b.example")]),
        ("Anna Bell a@b.example", [("Anna Bell", "a@b.example")]),
        ("<mailto:a@b.example>", [(None, "a@b.example")]),
        ("<@relay.example:a@b.example>", [(None, "a@b.example")]),
        ("a @ b.example", [(None, "a@b.example")]),
        ("Jürgen <j@bücher.example>", [("Jürgen", "j@bücher.example")]),
        ("a@b.example; c@d.example", [(None, "a@b.example"), (None, "c@d.example")]),
        ("Bo <bo@b.example> Eva <eva@b.example>", [("Bo", "bo@b.example"), ("Eva", "eva@b.example")]),
        ("a@b.example c@d.example", [(None, "a@b.example"), (None, "c@d.example")]),
        ('"anna.bell"@b.example', [(None, "anna.bell@b.example")]),
        ('"anna bell"@b.example', [(None, '"anna bell"@b.example')]),
        ("<'a@b.example'>", [(None, "a@b.example")]),
        ("a@[127.0.0.1], <a@[IPv6:::1]>", [(None, "a@[127.0.0.1]"), (None, "a@[ipv6:::1]")]),
        ("Anna [a@b.example]", [("Anna", "a@b.example")]),
        ('"=?utf-8?Q?Bell=2C_Anna?=" =?utf-8?Q?(x)?= <a@b.example>', [("Bell, Anna (x)", "a@b.example")]),
        ('"Never closed <a@b.example>', [("Never closed", "a@b.example")]),
        ("a@b.example <c@d.example>", [("a@b.example", "c@d.example")]),
        ('"Anna" <>', []),
        ("", []),
    ],
)  # fmt: skip
def test_parsed(field: str, boxes: list[tuple[str | None, str]]) -> None:
    assert parse_addresses(field) == [Mailbox(name, address) for name, address in boxes]


def test_direction_marks_and_controls_do_not_survive() -> None:
    assert parse_addresses("\u202eelpmaxe <a\x07@b.example>")[0].name == "elpmaxe"
    assert "\x07" not in parse_addresses("<a\x07@b.example>")[0].address


def test_canonical_keeps_the_local_part() -> None:
    assert canonical(" <Anna.Bell@EXAMPLE.Org.> ") == "Anna.Bell@example.org"


def test_at_most_a_thousand() -> None:
    assert len(parse_addresses("a@b.example," * 1500)) == 1000
