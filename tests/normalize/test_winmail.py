"""`winmail.dat` and rich text (normalize/tnef.py, normalize/rtf.py), made here as Outlook makes them."""

import base64
import struct
from collections.abc import Sequence

import pytest

from normalize.rtf import read_rtf, unpack_rtf
from normalize.tnef import unpack_tnef
from tests.normalize.letters import letter, understand

CODEPAGE, NEXT, TITLE, DATA, OF_FILE, OF_MESSAGE, BODY = (
    0x069007, 0x069002, 0x018010, 0x06800F, 0x069005, 0x069003, 0x02800C,
)  # fmt: skip


def attribute(name: int, value: bytes, level: int = 2) -> bytes:
    return struct.pack("<BII", level, name, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def properties(*items: tuple[int, int, bytes]) -> bytes:
    out = struct.pack("<I", len(items))
    for kind, name, value in items:
        out += struct.pack("<HHII", kind, name, 1, len(value)) + value + b"\0" * (-len(value) % 4)
    return out


def stream(*attributes: bytes) -> bytes:
    return struct.pack("<IH", 0x223E9F78, 7) + b"".join(attributes)


FILES = (
    attribute(CODEPAGE, struct.pack("<II", 1251, 0), 1),
    attribute(NEXT, b"\0" * 14),
    attribute(TITLE, "отчёт.txt".encode("cp1251") + b"\0"),
    attribute(DATA, b"first file"),
    attribute(NEXT, b"\0" * 14),
    attribute(TITLE, b"REPORT~1.PDF\0"),
    attribute(DATA, b"%PDF"),
    attribute(OF_FILE, properties(
        (0x001F, 0x3707, "Report für März.pdf".encode("utf-16-le") + b"\0\0"),
        (0x001E, 0x370E, b"application/pdf\0"),
        (0x001E, 0x3712, b"part1@desk\0"),
    )),
)  # fmt: skip


def packed(data: bytes, *, text: str = "See the file.\n") -> bytes:
    parts = [
        f"--b\nContent-Type: text/plain\n\n{text}" if text else "",
        "--b\nContent-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n",
    ]
    body = "\n".join(parts).encode() + base64.encodebytes(data) + b"--b--\n"
    return letter("", 'Content-Type: multipart/mixed; boundary="b"').encode() + body


def test_files_take_the_place_of_the_winmail() -> None:
    outcome = understand(packed(stream(*FILES)))
    message = outcome.message
    assert [(each.name, each.media_type, each.content_id) for each in message.attachments] == [
        ("отчёт.txt", "text/plain", None),
        ("Report für März.pdf", "application/pdf", "part1@desk"),
    ]
    assert [outcome.blobs[each.blob or ""] for each in message.attachments] == [b"first file", b"%PDF"]
    assert message.text.strip() == "See the file."  # type: ignore[union-attr]
    assert "tnef:unpacked" in message.warnings


def test_the_body_counts_when_there_is_no_other() -> None:
    html = b"<p>Hello <b>there</b></p>"
    message = understand(packed(stream(attribute(OF_MESSAGE, properties((0x0102, 0x1013, html)), 1)), text="")).message
    assert (message.text, message.html) == ("Hello there", "<p>Hello <b>there</b></p>")
    plain = stream(attribute(CODEPAGE, struct.pack("<II", 1252, 0), 1), attribute(BODY, b"Gr\xfc\xdfe\r\n\0", 1))
    assert understand(packed(plain, text="")).message.text == "Grüße\n"


def test_named_and_multiple_properties_are_stepped_over() -> None:
    named = struct.pack("<HH", 0x001E, 0x8001) + b"\0" * 16 + struct.pack("<II", 1, 4) + "ab".encode("utf-16-le")
    named += struct.pack("<II", 1, 3) + b"xyz\0"
    many = struct.pack("<HHI", 0x1003, 0x3000, 2) + struct.pack("<II", 1, 2)
    text = struct.pack("<HHII", 0x001E, 0x1000, 1, 5) + b"hello\0\0\0"
    found = unpack_tnef(stream(attribute(OF_MESSAGE, struct.pack("<I", 3) + named + many + text, 1)))
    assert found is not None
    assert found.text == "hello"


def test_one_that_breaks_off_gives_what_came_before() -> None:
    whole = stream(*FILES)
    message = understand(packed(whole[:-140])).message
    assert message.attachments[0].name == "отчёт.txt"
    assert "tnef:damaged" in message.warnings


@pytest.mark.parametrize("data", [b"", b"nothing of the sort", struct.pack("<IH", 0x223E9F78, 1), stream()[:5]])
def test_what_is_none_stays_a_file(data: bytes) -> None:
    assert [each.name for each in understand(packed(data)).message.attachments] == ["winmail.dat"]


def lzfu(runs: Sequence[bytes | tuple[int, int]], size: int) -> bytes:
    """Packed rich text: literals, and (offset, length) references to what is in the window."""
    flags, body, count, out = 0, b"", 0, b""
    for run in runs:
        for item in [run] if isinstance(run, tuple) else [bytes([octet]) for octet in run]:
            if isinstance(item, tuple):
                flags |= 1 << count
                body += struct.pack(">H", item[0] << 4 | item[1] - 2)
            else:
                body += item
            count += 1
            if count == 8:
                out, flags, body, count = out + bytes([flags]) + body, 0, b"", 0
    out += bytes([flags]) + body
    return struct.pack("<IIII", len(out) + 12, size, 0x75465A4C, 0) + out


def test_packed_rich_text() -> None:
    # `{\rtf1\ansi` stands at the beginning of the window (MS-OXRTFCP §2.1.3.1)
    assert unpack_rtf(lzfu([(0, 11), b" hello}"], 18)) == b"{\\rtf1\\ansi hello}"
    assert unpack_rtf(struct.pack("<IIII", 20, 5, 0x414C454D, 0) + b"{\\rtf}") == b"{\\rtf"
    assert unpack_rtf(b"short") == b""


@pytest.mark.parametrize(
    ("rtf", "text"),
    [
        (rb"{\rtf1\ansi Hello\par world}", "Hello\nworld"),
        (rb"{\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8\'e2\'e5\'f2}", "Привет"),
        (rb"{\rtf1 \u8364? and \uc2\u26085??x \u-10179?\u-8704?}", "€ and 日x 😀"),
        (rb"{\rtf1{\fonttbl{\f0 Arial;}}{\*\generator x;}{\info{\title t}}seen\tab\{\}}", "seen\t{}"),
        (rb"{\rtf1 {{{{ deep", " deep"),
    ],
)
def test_words_of_rich_text(rtf: bytes, text: str) -> None:
    assert read_rtf(rtf).text.lstrip(" ") == text.lstrip(" ")


def test_html_that_was_made_into_rich_text() -> None:
    rtf = (
        rb"{\rtf1\ansi\fromhtml1 {\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Hello{\*\htmltag72 </p>}\htmlrtf\par}\htmlrtf0 }"
    )
    assert read_rtf(rtf).html == "<p>Hello</p>"
