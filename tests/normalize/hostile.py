"""Mails made to hurt, each in full size: by name, how it is made (reliability.md §3)."""

import base64
import struct
from collections.abc import Callable, Mapping, Sequence

from tests.normalize.letters import letter

MUCH = 10**6
MIXED = 'Content-Type: multipart/mixed; boundary="b"'
PLAIN = "Content-Type: text/plain"
HTML = "Content-Type: text/html"
BASE64 = "Content-Transfer-Encoding: base64"


def _base64(data: bytes) -> str:
    return base64.encodebytes(data).decode()


def _tnef(attributes: Sequence[tuple[int, bytes]]) -> str:
    pieces = [struct.pack("<BII", 1, name, len(value)) + value + b"\0\0" for name, value in attributes]
    stream = struct.pack("<IH", 0x223E9F78, 1) + b"".join(pieces)
    return letter(_base64(stream), "Content-Type: application/ms-tnef", BASE64)


def _rtf_bomb() -> str:
    body = b"\x00aaaaaaaa" + (b"\xff" + b"\x00\x1f" * 8) * 200_000
    packed = struct.pack("<IIII", len(body) + 12, 0x7FFFFFFF, 0x75465A4C, 0) + body
    return _tnef([(0x069003, struct.pack("<IHHII", 1, 0x0102, 0x1009, 1, len(packed)) + packed)])


def _nested(levels: int) -> str:
    return "".join(f'Content-Type: multipart/mixed; boundary="n{i}"\n\n--n{i}\n' for i in range(levels))


HOSTILE: Mapping[str, Callable[[], str | bytes]] = {
    "a million parts": lambda: letter("--b\n\nx\n" * MUCH, MIXED),
    "a hundred thousand levels": lambda: "Subject: s\n" + _nested(100_000),
    "messages in messages": lambda: "Subject: s\n" + "Content-Type: message/rfc822\n\n" * 100_000,
    "a hundred megabytes of one header": lambda: b"Subject: s\nX: " + b"x" * (100 * MUCH),
    "a hundred megabytes of folded header": lambda: b"Subject: s\nX: " + b"x\n " * (33 * MUCH),
    "a million headers": lambda: b"A: b\n" * MUCH,
    "a million addresses": lambda: "To: " + ", ".join(f"a{i}@b.example" for i in range(MUCH)) + "\nSubject: s\n\nx",
    "addresses up to the limit": lambda: "To: " + ", ".join(f"a{i}@b.example" for i in range(3500)) + "\n\nx",
    "brackets in From": lambda: "From: " + "<" * 60_000 + "\n\nx",
    "brackets and names in From": lambda: "From: " + "a <a@b.c> " * 6_000 + "\n\nx",
    "addresses without commas": lambda: "From: " + "a@b " * 15_000 + "\n\nx",
    "groups in From": lambda: "From: " + "a:;" * 20_000 + "\n\nx",
    "escaped quotes in From": lambda: "From: " + '"\\' * 30_000 + "\n\nx",
    "encoded words that do not end": lambda: "From: " + "=?utf-8?q?" * 6_000 + "\n\nx",
    "encoded words in encoded words": lambda: "Subject: " + "=?utf-8?Q?=3D=3Futf-8=3FQ=3F?= " * 2_000 + "\n\nx",
    "a head without colons": lambda: b"x" * 65_000,
    "parts without colons": lambda: letter(("--b\n" + "x" * 65_000 + "\n") * 400, MIXED),
    "parameters": lambda: letter("x", "Content-Type: text/plain;" + "a=b;" * 15_000),
    "sections of a parameter": lambda: letter(
        "x", "Content-Type: text/plain; " + "; ".join(f"name*{i}*=%41" for i in range(999))
    ),
    "blanks in References": lambda: "References: <a" + " " * 60_000 + "\nSubject: s\n\nx",
    "parentheses in Date": lambda: "Date: " + "(" * 60_000 + "\n\nx",
    "results in comments": lambda: "Authentication-Results: mx.desk.example;" + '("' * 30_000 + "\n\nx",
    "base64, 54 MB": lambda: letter(_base64(b"x" * (40 * MUCH)), BASE64, "Content-Type: application/x"),
    "base64 of text, 54 MB": lambda: letter(_base64(b"x y\n" * (10 * MUCH)), BASE64),
    "base64 in padded runs": lambda: letter("YQ==\n" * (12 * MUCH), BASE64, "Content-Type: application/x"),
    "soft breaks with blanks": lambda: letter("=41= \n" * (10 * MUCH), "Content-Transfer-Encoding: quoted-printable"),
    "plain text, 60 MB": lambda: letter("hello world\n" * (5 * MUCH)),
    "bytes beyond ASCII, 60 MB": lambda: letter("x").encode() + b"\xe9 " * (30 * MUCH),
    "UTF-8 under another label": lambda: letter("é中" * (4 * MUCH), "Content-Type: text/plain; charset=gb2312"),
    "escapes of ISO-2022-JP": lambda: letter("\x1b$B-!\x1b(B" * (2 * MUCH), f"{PLAIN}; charset=iso-2022-jp"),
    "UTF-7": lambda: letter("+AOk-" * (4 * MUCH), "Content-Type: text/plain; charset=utf-7"),
    "paragraphs, 32 MB": lambda: letter("<p>x</p>" * (4 * MUCH), HTML),
    "nested elements": lambda: letter("<div>" * MUCH, HTML),
    "nested tables": lambda: letter("<table><tr><td>" * 50_000, HTML),
    "links in links": lambda: letter("<a href=http://x.example/><table><tr><td>" * 300 + "w " * 10_000, HTML),
    "attributes": lambda: letter("<p " + " ".join(f"a{i}=b" for i in range(100_000)) + ">x", HTML),
    "attributes with brackets": lambda: letter("<p " + " ".join(f"a{i}='>'" for i in range(50_000)) + ">x", HTML),
    "attributes up to the limit": lambda: letter(("<p " + " ".join(f"a{i}" for i in range(1900)) + ">x") * 90, HTML),
    "quotes that do not end": lambda: letter('<p "' * 100_000, HTML),
    "blanks in pre": lambda: letter("<pre>" + " " * 900_000 + "x", HTML),
    "quotes and lists": lambda: letter("<blockquote><ul><li>" * 80 + "<br>x<li>" * 30_000, HTML),
    "brackets": lambda: letter("<" * MUCH, HTML),
    "uuencoded files": lambda: letter("begin 644 x\n#0V%T\n`\nend\n" * 100_000),
    "uuencode, 37 MB": lambda: letter("begin 644 x\n" + ("M" + "0" * 60 + "\n") * 600_000 + "`\nend\n"),
    "closing lines": lambda: letter("--b--\n" * MUCH, MIXED),
    "lines of a longer boundary": lambda: letter("--b--x\n" * MUCH, MIXED),
    "a boundary of one character": lambda: letter("--a" * (5 * MUCH), 'Content-Type: multipart/mixed; boundary="a"'),
    "a boundary of a hyphen": lambda: letter("-" * (10 * MUCH), 'Content-Type: multipart/mixed; boundary="-"'),
    "twenty levels around 40 MB": lambda: letter(
        "".join(f"--b{i}\nContent-Type: multipart/mixed; boundary=b{i + 1}\n\n" for i in range(19))
        + "x\n" * (20 * MUCH),
        "Content-Type: multipart/mixed; boundary=b0",
    ),
    "flowed quotes": lambda: letter((">" * 500 + " a \n") * 20_000, "Content-Type: text/plain; format=flowed"),
    "properties of a winmail.dat": lambda: _tnef(
        [(0x069003, struct.pack("<I", 0xFFFFFFFF) + struct.pack("<HHI", 3, 1, 0) * 200_000)] * 10
    ),
    "files of a winmail.dat": lambda: _tnef([(0x069002, b"x"), (0x06800F, b"y")] * 500_000),
    "packed rich text": _rtf_bomb,
    "groups of rich text": lambda: letter("{\\rtf1 " + "{\\b " * MUCH, "Content-Type: text/rtf"),
    "blank lines": lambda: "\n \n" * (5 * MUCH),
    "carriage returns": lambda: letter("a\rb" * (5 * MUCH)),
    "NULs": lambda: letter("\0" * (10 * MUCH)),
    "quote marks": lambda: letter(">" * (5 * MUCH)),
    "words before a colon": lambda: letter("a: b\n" * 300_000),
    "over the limit of size": lambda: letter("x" * (65 * MUCH)),
}  # fmt: skip
