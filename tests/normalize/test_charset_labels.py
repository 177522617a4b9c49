"""What labels mean (normalize/charset_labels.py)."""

import pytest

from normalize.charset_labels import codec_of


@pytest.mark.parametrize(
    ("labels", "codec"),
    [
        (
            "iso-8859-1 ISO_8859-1 iso88591 8859_1 latin1 latin-1 l1 cp819 windows-1252 win-1252 cp-1252 x-cp1252",
            "cp1252",
        ),
        ("iso-8859-1:1987 'iso-8859-1' iso-8859-1*en iso-8859-1(comment) windows-1252-1", "cp1252"),
        ("gb2312 gbk GB_2312-80 x-gbk cn-gb euc-cn cp936", "gb18030"),
        ("ks_c_5601-1987 euc-kr korean uhc", "cp949"),
        ("shift_jis x-sjis windows-31j ms_kanji", "cp932"),
        ("big5 big-5 cn-big5", "big5hkscs"),
        ("iso-2022-jp iso-2022-jp-2 iso-2022-jp-ms csISO2022JP", "iso2022_jp"),
        ("iso-8859-8 iso-8859-8-i iso-8859-8-e hebrew", "iso8859-8"),
        ("koi8-r koi8 koi8r", "koi8-r"),
        ("utf8 utf-8 x-utf-8 unicode-1-1-utf-8 utf8mb4 65001", "utf-8"),
        ("macintosh mac x-mac-roman", "mac_roman"),
        ("win1251 windows-1251 cp1251", "cp1251"),
        ("ibm850 dos-850 cp850", "cp850"),
    ],
)
def test_meant(labels: str, codec: str) -> None:
    assert {label: codec_of(label) for label in labels.split()} == dict.fromkeys(labels.split(), codec)


@pytest.mark.parametrize(
    "label",
    ["x-unknown", "default", "base64", "hex", "rot13", "idna", "unicode_escape", "undefined", "", "\0", "é", "zlib"],
)
def test_no_charset(label: str) -> None:
    assert codec_of(label) is None
