"""Encoded words, whole and broken (normalize/encoded_words.py)."""

import pytest

from normalize.encoded_words import decode_words


@pytest.mark.parametrize(
    ("encoded", "text"),
    [
        ("plain =? text", "plain =? text"),
        ("=?utf-8?Q?caf=C3=A9?=", "café"),
        ("=?UTF-8*fr?q?caf=C3=A9_noir?=", "café noir"),
        ("=?utf-8?B?Y2Fmw6k=?=", "café"),
        ("=?utf-8?B?Y2Fmw6k?=", "café"),  # padding is missing
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?=\t =?iso-8859-1?q?=E9?=", "aé"),
        ("=?utf-8?q?a?= and =?utf-8?q?b?=", "a and b"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é"),  # a character torn between words
        ("=?utf-8?B?Y2Fm?= =?utf-8?B?w6k=?=", "café"),
        ("=?utf-8?B?Y2Fmw?= =?utf-8?B?6k=?=", "café"),  # a base64 group torn between words
        ("=?iso-8859-1?Q?a b c?=", "a b c"),  # raw blanks
        ("=?utf-8?Q?why??=", "why?"),
        ("x=?utf-8?Q?=C3=A9?=y", "xéy"),  # glued to its neighbours
        ("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
        ("=?gb2312?B?xOO6ww==?=", "你好"),
        ("=?no-such-charset?Q?abc?=", "abc"),
        ("=?utf-8?Q?=C3=A4=?= =?utf-8?Q?C3=B6?=", "äö"),  # an octet torn between words
        ("=?utf-8?B?w4TDlsO?=", "ÄÖ\ufffd"),  # cut off
        ("=?utf-8?Q?=3D=3Futf-8=3FQ=3Fabc=3F=3D?=", "abc"),  # encoded once more on its way
        ("=?utf-8?B?8J+YgA==?==?utf-8?B?8J+YgA==?=", "😀😀"),
        ("=?ISO-8859-8-I?Q?=F9=EC=E5=ED?=", "שלום"),
        ("=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
        ("=?utf-8?Q?never closed", "=?utf-8?Q?never closed"),
        ("=?iso-8859-1?Q?Fr\xf6sche?=", "Frösche"),
    ],
)
def test_decoded(encoded: str, text: str) -> None:
    assert decode_words(encoded) == text
