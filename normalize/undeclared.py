"""Which charset bytes are most likely in, when nobody says it and they are no UTF-8."""

import re
from collections.abc import Callable

_SAMPLE = 8192
_FEWEST = 6
_RUN = re.compile(rb"[\x80-\xff]+")
_GERMAN = frozenset(b"\xe4\xf6\xfc\xdf\xc4\xd6\xdc\x80")


def guess_charset(data: bytes) -> str | None:
    """Python's name of the charset, or None when it is Western, or too little to tell. Looks at the first 8 KiB."""
    sample = data[: 2 * _SAMPLE].replace(b"\r\n", b"\n")[:_SAMPLE]
    runs = _RUN.findall(sample)
    high = b"".join(runs)
    if len(high) < _FEWEST or _GERMAN.issuperset(high):
        return None
    # accents stand alone among Latin letters; elsewhere whole words are beyond ASCII, or kana begin with 82 or 83
    if len(high) < 2.2 * len(runs) and _within(high, 0x82, 0x83) < 0.4:
        return None
    if _within(high, 0xC0, 0xFF) >= 0.9:
        return _one_byte(high)
    return _two_bytes(sample) or ("cp874" if _within(high, 0xA1, 0xFB) == 1 else _decodes_as_chinese(sample))


def _within(high: bytes, first: int, last: int) -> float:
    return (len(high) - len(high.translate(None, bytes(range(first, last + 1))))) / len(high)


def _one_byte(high: bytes) -> str:
    """Which alphabet: where its small letters are, and which of them are frequent."""
    if _within(high, 0xC0, 0xCF) < 0.1 and _within(high, 0xD0, 0xDF) >= 0.4:
        return "iso8859_5"
    if _within(high, 0xC0, 0xDF) >= 0.55:
        return "koi8_r"
    if len(high) >= 12 and _within(high, 0xE0, 0xFA) == 1:
        return "cp1255"
    if len(high) >= 40 and _within(high, 0xE0, 0xE0) + _within(high, 0xEE, 0xEE) < 0.04:
        return "cp1253"
    return "cp1251"


def _two_bytes(sample: bytes) -> str | None:
    for charset, common, share in _EAST_ASIAN:
        text = sample.decode(charset, "replace")
        bad = text.count("\ufffd")
        beyond = [c for c in text if c > "\x7f" and c != "\ufffd"]
        # one may be cut in two where the sample ends, a few may be damaged
        if beyond and bad <= max(1, len(beyond) // 50) and sum(map(common, beyond)) >= share * len(beyond):
            return charset
    return None


def _kana(c: str) -> bool:
    return "\u3040" <= c <= "\u30ff"


def _hangul(c: str) -> bool:
    return "\uac00" <= c <= "\ud7a3" or "\u3000" <= c <= "\u303f"


def _frequent_han(c: str) -> bool:
    """The level 1 of GB 2312 has the frequent characters."""
    return 0xB0 <= c.encode("gb2312")[0] <= 0xD7 or "\u3000" <= c <= "\u303f" or "\uff00" <= c <= "\uff5e"


def _frequent_traditional(c: str) -> bool:
    return 0xA1 <= c.encode("big5")[0] <= 0xC6


def _decodes_as_chinese(sample: bytes) -> str | None:
    """GBK with characters outside of GB 2312."""
    beyond = [c for c in sample.decode("gb18030", "replace") if c > "\x7f"]
    return "gb18030" if sum("\u4e00" <= c <= "\u9fff" for c in beyond) >= 0.8 * len(beyond) else None


_EAST_ASIAN: tuple[tuple[str, Callable[[str], bool], float], ...] = (
    ("euc_jp", _kana, 0.2),
    ("cp932", _kana, 0.2),
    ("cp949", _hangul, 0.85),
    ("gb2312", _frequent_han, 0.8),
    ("big5", _frequent_traditional, 0.8),
)
