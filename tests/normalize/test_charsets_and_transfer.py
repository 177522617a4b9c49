"""Charsets and transfer encodings, right, wrong and damaged (normalize/charsets.py, normalize/transfer.py)."""

import base64

import pytest

from normalize.charsets import decode, decode_header_bytes
from normalize.iso2022 import decode_iso2022_jp
from normalize.transfer import decode_transfer, uuencoded_files


@pytest.mark.parametrize(
    ("data", "label", "text", "warning"),
    [
        (b"abc", None, "abc", None),
        ("é".encode(), "utf-8", "é", None),
        (b"\x93x\x94 \x80", "iso-8859-1", "“x” €", None),
        ("привет".encode("koi8-r"), "KOI8-R", "привет", None),
        ("zażółć".encode("cp1250"), "windows-1250", "zażółć", None),
        ("你好䶮".encode("gb18030"), "gb2312", "你好䶮", None),
        ("①".encode("cp932"), "shift_jis", "①", None),
        ("안녕".encode("cp949"), "ks_c_5601-1987", "안녕", None),
        (b"\x1b$B$3$s\x1b(B", "iso-2022-jp", "こん", None),
        ("é".encode(), None, "é", "charset:unknown-8bit"),
        (b"caf\xe9", None, "café", "charset:unknown-8bit"),
        (b"caf\xe9", "us-ascii", "café", "charset:unknown-8bit"),
        (b"\x1b$B$3$s\x1b(B", None, "こん", "charset:guessed-iso-2022-jp"),
        (b"caf\xe9", "utf-8", "café", "charset:wrong-label"),
        ("ééééééé".encode() + b"\xff", "utf-8", "ééééééé\ufffd", "charset:damaged"),
        ("é".encode(), "x-never-heard", "é", "charset:unknown-label:x-never-heard"),
        (b"a\0b", "utf-8", "a\ufffdb", None),
        (b"abc", "utf-16", "abc", "charset:wrong-label"),
        ("né".encode("utf-16-le"), "utf-16-le", "né", None),
        ("привет".encode("cp1251"), "'windows-1251' (comment)", "привет", None),
    ],
)
def test_decoded(data: bytes, label: str | None, text: str, warning: str | None) -> None:
    assert decode(data, label) == (text, warning)


def test_no_lone_surrogates() -> None:
    text, _ = decode(b"+2AA-", "utf-7")
    text.encode()


def test_raw_header_bytes() -> None:
    assert decode_header_bytes("Größe".encode()) == "Größe"
    assert decode_header_bytes("Größe".encode("cp1252")) == "Größe"
    assert decode_header_bytes("Где".encode("koi8-r"), "koi8-r") == "Где"


def test_nec_characters_and_half_width_katakana() -> None:
    assert decode_iso2022_jp(b"\x1b$B-!\x1b(B") == "①"
    assert decode_iso2022_jp(b"\x1b(I1\x1b(B!") == "ｱ!"


@pytest.mark.parametrize(
    ("data", "encoding", "octets", "warning"),
    [
        (b"YWJj", "base64", b"abc", None),
        (b"YW\r\nJj\r\n", "base64", b"abc", None),
        (b"YWI", "base64", b"ab", "transfer:damaged-base64"),
        (b"YQ==YmM=", "base64", b"abc", "transfer:damaged-base64"),
        (b"plain words, no base64 at all; see?", "base64", b"plain words, no base64 at all; see?",
         "transfer:not-base64"),
        (b"a=3Db=\n c", "quoted-printable", b"a=b c", None),
        (b"a=  \r\nb", "quoted-printable", b"ab", None),
        (b"=ZZ=", "quoted-printable", b"=ZZ", None),
        (b"x", "x-own", b"x", "transfer:unknown-encoding"),
        (b"x", "8bit", b"x", None),
        (b"a=3Db", "quoted printable", b"a=b", None),
        (b"YWJj", "x-base64", b"abc", None),
        (b"x", "8-bit", b"x", None),
        (b"YWJj\r\n--=_end--\r\n", "base64", b"abc", "transfer:damaged-base64"),
    ],
)  # fmt: skip
def test_transfer(data: bytes, encoding: str, octets: bytes, warning: str | None) -> None:
    assert decode_transfer(data, encoding) == (octets, warning)


def test_a_list_footer_after_base64_is_not_part_of_it() -> None:
    data = base64.encodebytes(b"payload" * 20) + b"\n-- \nTo unsubscribe, write a letter.\n"
    assert decode_transfer(data, "base64").data == b"payload" * 20


def test_uuencoded_file_in_a_text() -> None:
    (found,) = uuencoded_files(b"hello\nbegin 644 a.bin\n#86)C\n`\nend\nbye\n", 5)
    assert (found.name, found.data) == (b"a.bin", b"abc")
