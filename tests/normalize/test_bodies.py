"""Which parts are the text, which came along, and long texts (normalize/bodies.py, attachments.py, structure.py)."""

import hashlib

import pytest

from bus.message import INLINE_TEXT_BYTES
from bus.model import BlobRef
from normalize.html_text import html_to_text
from tests.normalize.letters import letter, read, understand


def multipart(kind: str, *parts: str, boundary: str = "b") -> str:
    body = "".join(f"--{boundary}\n{part}\n" for part in parts) + f"--{boundary}--\n"
    return letter(body, f'Content-Type: multipart/{kind}; boundary="{boundary}"')


def test_plain_is_preferred_and_html_kept() -> None:
    message = read(
        multipart("alternative", "Content-Type: text/plain\n\nplain", "Content-Type: text/html\n\n<p>rich</p>")
    )
    assert (message.text, message.html) == ("plain", "<p>rich</p>")


def test_html_fills_in_for_an_empty_plain_part() -> None:
    message = read(
        multipart("alternative", "Content-Type: text/plain\n\n \n", "Content-Type: text/html\n\n<p>rich</p>")
    )
    assert message.text == "rich"


def test_texts_around_an_attachment_are_one_text() -> None:
    message = read(multipart("mixed", "\nbefore", "Content-Type: image/png\n\nx", "\nafter"))
    assert message.text == "before\nafter"
    assert [a.media_type for a in message.attachments] == ["image/png"]


def test_a_named_text_is_an_attachment() -> None:
    outcome = understand(multipart("mixed", "\ntext", "Content-Type: text/plain; name=notes.txt\n\nnotes"))
    (found,) = outcome.message.attachments
    digest = hashlib.sha256(b"notes").hexdigest()
    assert (found.name, found.size, found.sha256, found.blob) == ("notes.txt", 5, digest, f"sha256/{digest}")
    assert outcome.blobs == {f"sha256/{digest}": b"notes"}


def test_a_name_alone_makes_no_file_of_the_only_words() -> None:
    message = read(multipart("mixed", "Content-Type: text/plain; name=notes.txt\n\nnotes", "Content-Type: a/b\n\nx"))
    assert message.text == "notes"
    assert (message.attachments[0].name, message.attachments[0].inline) == ("notes.txt", True)
    html = "Content-Type: text/html; name=page.html\n\n<p>rich</p>"
    assert read(multipart("alternative", "\nplain", html)).html == "<p>rich</p>"


def test_a_mail_that_is_nothing_but_a_text_file() -> None:
    message = read(letter("notes", 'Content-Disposition: attachment; filename="notes.txt"'))
    assert message.text == "notes"
    assert [(each.name, each.size) for each in message.attachments] == [("notes.txt", 5)]


def test_names_lose_folders_controls_and_direction_marks() -> None:
    part = 'Content-Type: a/b; name="=?utf-8?Q?C:\\\\x\\\\inv=E2=80=AEfdp=07.exe?="\n\nx'
    (found,) = read(multipart("mixed", "\nt", part)).attachments
    assert found.name == "invfdp .exe"


def test_boundaries_that_begin_alike() -> None:
    inner = 'Content-Type: multipart/alternative; boundary="bb"\n\n--bb\n\ninner\n--bb--'
    assert read(multipart("mixed", inner, "\nouter")).text == "inner\nouter"


def test_a_boundary_inside_a_line_is_text() -> None:
    assert read(multipart("mixed", "\nsee --b there")).text == "see --b there"


def test_a_missing_boundary_parameter_is_guessed() -> None:
    message = read(letter("--q\nContent-Type: text/plain\n\nfound\n--q--\n", "Content-Type: multipart/mixed"))
    assert message.text == "found"
    assert "structure:boundary-guessed" in message.warnings


def test_a_boundary_that_never_appears() -> None:
    message = read(letter("just text\n", 'Content-Type: multipart/mixed; boundary="no"'))
    assert message.text == "just text\n"
    assert "structure:boundary-missing" in message.warnings


def test_a_digest_holds_messages() -> None:
    message = read(multipart("digest", "\nSubject: one\n\nx"))
    assert [(a.name, a.media_type) for a in message.attachments] == [("one.eml", "message/rfc822")]


@pytest.mark.parametrize("long", ["x" * (INLINE_TEXT_BYTES + 1), "é" * (INLINE_TEXT_BYTES // 2 + 1)])
def test_a_long_text_goes_to_the_blob_store(long: str) -> None:
    outcome = understand(letter(long, "Content-Type: text/plain; charset=utf-8"))
    text = outcome.message.text
    assert isinstance(text, BlobRef)
    assert text.blob == "sha256/" + hashlib.sha256(long.encode()).hexdigest()
    assert outcome.blobs[text.blob] == long.encode()
    assert text.size == len(long.encode())
    assert len(outcome.message.to_json()) < 10_000


def test_a_text_at_the_limit_stays_inline() -> None:
    assert read(letter("x" * INLINE_TEXT_BYTES)).text == "x" * INLINE_TEXT_BYTES


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>a</p><p>b<br>c</p>", "a\n\nb\nc"),
        ("<ol><li>a<li>b</ol>", "1. a\n2. b"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "a\tb\nc"),
        ("<a href='https://x.example/p'>here</a>", "here <https://x.example/p>"),
        ("<a href='https://x.example/'>x.example</a>", "x.example"),
        ("<script>no</script><style>no</style><title>no</title>yes", "yes"),
        ("<div style='display:none'>no</div><i hidden>no</i>yes", "yes"),
        ("a &lt; b &amp; &eacute;", "a < b & é"),
        ("<blockquote>q</blockquote>a", "> q\n\na"),
        ("", ""),
    ],
)
def test_html(source: str, text: str) -> None:
    assert html_to_text(source).replace("> \n", "").replace("\n>\n", "\n") == text
