"""Trees of parts, however malformed (normalize/structure.py), and texts of rarer types (normalize/bodies.py)."""

import base64

import pytest

from bus.errors import Invalid
from tests.normalize.letters import letter, read
from tests.normalize.test_bodies import multipart

MIXED = 'Content-Type: multipart/mixed; boundary="b"'
BASE64 = "Content-Transfer-Encoding: base64"
NESTED = '--b\nContent-Type: multipart/alternative; boundary="b--x"\n\n--b--x\n\none\n--b--x--\n--b--\n'
PART = "--b\nContent-Type: text/plain\n\none\n"


@pytest.mark.parametrize(
    ("name", "mail", "text"),
    [
        ("closed by a longer boundary's line", letter(NESTED, MIXED), "one"),
        ("blanks after the boundary", letter("--b  \nContent-Type: text/plain\n\none\n--b-- \n", MIXED), "one"),
        ("a part without a head", letter("--b\none\n--b--\n", MIXED), "one"),
        ("a part whose head does not end", letter("--b\nContent-Type: text/plain\none\n--b--\n", MIXED), "one"),
        ("a blank line before the head", letter(
            "--b\n\nContent-Type: text/html\n\n<p>one</p>\n--b--\n", MIXED), "one"),
        ("a boundary that begins with hyphens", letter(
            "----x\nContent-Type: text/plain\n\none\n----x--\n", "Content-Type: multipart/mixed"), "one"),
        ("a boundary beyond ASCII", letter(
            "--é\n\none\n--é--\n", 'Content-Type: multipart/mixed; boundary="é"'), "one"),
        ("a folded boundary", letter(
            "--a b\n\none\n--a b--\n", 'Content-Type: multipart/mixed; boundary="a\n b"'), "one"),
        ("no subtype", letter(PART + "--b--\n", "Content-Type: multipart/; boundary=b"), "one"),
        ("a second Content-Type with the parts", letter(PART + "--b--\n", "Content-Type: text/plain", MIXED), "one"),
        ("the whole in base64", letter(
            base64.encodebytes((PART + "--b--\n").encode()).decode(), MIXED, BASE64), "one"),
        ("an encoding that does not apply", letter(PART + "--b--\n", MIXED, BASE64), "one"),
        ("not closed", letter(PART, MIXED), "one\n"),
        ("mixed line ends", letter(PART.replace("\n", "\r\n") + "--b--\n", MIXED), "one"),
    ],
)  # fmt: skip
def test_the_words_are_found(name: str, mail: str, text: str) -> None:
    assert read(mail).text == text, name


def test_files_after_the_closing_line_are_kept() -> None:
    message = read(letter(PART + "--b--\n--b\nContent-Type: text/plain; name=late.txt\n\ntwo\n--b--\n", MIXED))
    assert (message.text, [each.name for each in message.attachments]) == ("one", ["late.txt"])


def test_words_before_the_parts_count_when_there_are_no_others() -> None:
    file = "--b\nContent-Type: application/pdf; name=a.pdf\n\npdf\n--b--\n"
    assert read(letter("It came open.\n\n" + file, MIXED)).text == "It came open."
    assert read(letter("This is a multi-part message in MIME format.\n" + file, MIXED)).text == ""
    assert read(letter("not shown\n" + PART + "--b--\n", MIXED)).text == "one"


def test_a_digest_keeps_its_messages_whole() -> None:
    message = read(multipart("digest", "\nContent-Type: text/plain\n\nx"))
    assert [each.media_type for each in message.attachments] == ["message/rfc822"]


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("text/enriched", "<bold>so</bold> <<said>", "so <said>"),
        ("text/rtf", "{\\rtf1 so\\par said}", "so\nsaid"),
        ("text/markdown", "so *said*", "so *said*"),
    ],
)
def test_texts_of_rarer_types_are_read_when_alone(kind: str, body: str, text: str) -> None:
    assert read(letter(body, f"Content-Type: {kind}")).text == text
    beside = read(multipart("alternative", "Content-Type: text/plain\n\nplain", f"Content-Type: {kind}\n\n{body}"))
    assert beside.text == "plain"
    assert [each.inline for each in beside.attachments] == [True]


def test_what_is_no_mail() -> None:
    whole = read("no head at all, only words:\nall of them are kept\n")
    assert whole.text == "no head at all, only words:\nall of them are kept\n"
    with pytest.raises(Invalid, match="Outlook"):
        read(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500)


def test_an_encoded_line_end_beside_a_real_one_is_one() -> None:
    mail = letter("one=0D\ntwo=0D\n", "Content-Transfer-Encoding: quoted-printable")
    assert read(mail).text == read(mail.replace("\n", "\r\n")).text == "one\ntwo\n"
