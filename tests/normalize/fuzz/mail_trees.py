"""Mails that nobody sent: MIME trees made from a seed, and our own mails damaged by it."""

import base64
import random
from collections.abc import Sequence
from pathlib import Path
from quopri import encodestring

OWN = tuple(path.read_bytes() for path in sorted((Path(__file__).parents[2] / "golden" / "mail").glob("*.eml")))
_CHARSETS = (
    "utf-8", "us-ascii", "iso-8859-1", "windows-1252", "koi8-r", "iso-2022-jp", "gb2312", "shift_jis", "big5",
    "utf-7", "utf-16", "euc-kr", "hz-gb-2312", "x-unknown", "", "iso-8859-8-i", "cp1255", "utf-8*en", "'utf-8'",
    "undefined",
)  # fmt: skip
_ENCODINGS = ("", "7bit", "8bit", "base64", "quoted-printable", "x-uuencode", "base-64", "zip")
_TYPES = (
    "text/plain", "text/html", "text/plain; format=flowed", "text/calendar", "text/enriched", "text/rtf",
    "application/pdf", "application/ms-tnef", "image/png", "message/rfc822", "message/delivery-status",
    "application/pgp-signature", "text", "multipart/", "/", "text/plain (c)", "TEXT/HTML",
)  # fmt: skip
_MULTIPARTS = ("mixed", "alternative", "related", "report; report-type=delivery-status", "digest", "signed", "x")
_WORDS = (
    "order", "déjà vu", "注文した商品", "Привет", "שלום", "한국어", "😀", "\u202eabc", "a@b.example", "=?utf-8?Q?x?=",
    "> quoted", "On 1 Nov 2026, A wrote:", "-- ", "begin 644 x", "end", "\ufeff", "\u2028", "--b0", "From: x", "&#0;",
    "<b>x</b>", "<blockquote>", "</div>", "<a href=http://x.example/>", "{\\rtf1", "\\u1234?", "\x00", "\x1b$B",
    "\x7f", " ", "",
)  # fmt: skip
_FIELDS = (
    b"From: Anna <anna@customer.example>", b"From: =?utf-8?B?w4TDlg==?= <a@b.example", b"From: \"",
    b"To: a@b, c@d;, g:;", b"Cc: (c (d) <x@y>", b"Subject: =?koi8-r?B?8NLJ18XU?= =?utf-8?Q?=E4?=",
    b"Subject: \xcf\xf0\xe8\xe2\xe5\xf2", b"Subject:", b"Date: Tue, 3 Nov 2026 10:11:12 +0100", b"Date: never",
    b"Message-ID: <m1@x>", b"Message-ID: <<>", b"References: <a@b> <c", b"In-Reply-To: <a@b>",
    b"Auto-Submitted: auto-replied", b"Return-Path: <>", b"List-Id: x", b"no field at all", b" folded",
    b"Authentication-Results: mx.desk.example; dmarc=pass (\"", b"Content-Type: text/plain", b"X: \xff\xfe\x00",
    b"MIME-Version: 1.0", b"Reply-To: <b@c>", b"Sender: s@t", b":",
    b"Content-Disposition: attachment; filename*0*=utf-8''%E4",
)  # fmt: skip
_SCRAPS = (
    b"\n", b"\n\n", b"--", b"--b0", b"--b0--", b"=?", b"?=", b"=", b"\"", b"(", b"<", b">", b";", b":", b",", b"\xff",
    b"\x00", b"\xed\xa0\x80", b"\x1b$B", b"\x1b(B", b"=\n", b"= \n", b"begin 644 a\n", b"YQ==", b"\\'", b"+AOk-",
    b"<div ", b"&#x0;",
)  # fmt: skip


def mail_of(seed: int) -> bytes:
    """The mail of a seed, the same on every machine. Its line ends are line feeds."""
    rng = random.Random(seed)
    mail = rng.choice(OWN).replace(b"\r\n", b"\n").replace(b"\r", b"\n") if rng.random() < 0.5 else _tree(rng)
    for _ in range(rng.choice((0, 0, 1, 1, 2, 5))):
        mail = _damaged(rng, mail)
    return mail.replace(b"\r", b"")


def _tree(rng: random.Random) -> bytes:
    fields = [rng.choice(_FIELDS) for _ in range(rng.randrange(8))]
    return b"\n".join([*fields, _part(rng, 0)])


def _part(rng: random.Random, depth: int) -> bytes:
    """The head and body of a part."""
    if depth < 4 and rng.random() < 0.45:
        boundary = rng.choice(("b0", "b0", "b00", "b0--x", "b 0", "=_", "é", f"b{depth}"))
        parts = [_part(rng, depth + 1) for _ in range(rng.randrange(4))]
        head = f'Content-Type: multipart/{rng.choice(_MULTIPARTS)}; boundary="{boundary}"\n'.encode()
        line = b"--" + boundary.encode()
        end = rng.choice((line + b"--\n", b"", line + b"--"))
        return (
            head
            + b"\n"
            + rng.choice((b"", b"preamble\n"))
            + b"".join(line + b"\n" + part + b"\n" for part in parts)
            + end
        )
    return _leaf(rng)


def _leaf(rng: random.Random) -> bytes:
    charset = rng.choice(_CHARSETS)
    kind = rng.choice(_TYPES)
    encoding = "base64" if charset == "utf-16" else rng.choice(_ENCODINGS)
    text = rng.choice(("\n", " ")).join(rng.choices(_WORDS, k=rng.randrange(12)))
    try:
        octets = text.encode(rng.choice((charset, "utf-8")), "replace")
    except (LookupError, UnicodeError):
        octets = text.encode()
    if encoding == "base64" and rng.random() < 0.9:
        octets = base64.encodebytes(octets)
    elif encoding == "quoted-printable" and rng.random() < 0.9:
        octets = encodestring(octets)
    head = f"Content-Type: {kind}; charset={charset}\n" if rng.random() < 0.9 else ""
    head += f"Content-Transfer-Encoding: {encoding}\n" if encoding else ""
    head += rng.choice(
        ("", "", "Content-Disposition: inline\n", 'Content-Disposition: attachment; filename="a\\"b.txt"\n')
    )
    return head.encode() + rng.choice((b"\n", b"\n", b"\n", b"")) + octets


def _damaged(rng: random.Random, mail: bytes) -> bytes:
    """One thing done to a mail that a broken relay, or a hostile hand, might do."""
    at, more = rng.randrange(len(mail) + 1), rng.randrange(1, 60)
    before, there, after = mail[:at], mail[at : at + more], mail[at + more :]
    other = rng.choice(OWN).replace(b"\r", b"\n")
    return rng.choice((
        before + rng.choice(_SCRAPS) * rng.choice((1, 1, 2, 40)) + there + after,
        before + after,
        before,
        before + there * rng.randrange(2, 5) + after,
        before + bytes([rng.randrange(256)]) + there[1:] + after,
        before + other[rng.randrange(len(other)) :],
        _lines_swapped(rng, mail.split(b"\n")),
    ))  # fmt: skip


def _lines_swapped(rng: random.Random, lines: Sequence[bytes]) -> bytes:
    order = list(lines)
    a, b = rng.randrange(len(order)), rng.randrange(len(order))
    order[a], order[b] = order[b], order[a]
    return b"\n".join(order)
