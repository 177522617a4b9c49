"""What senders mean by a charset's label: Python's name for it, or the superset that they really use."""

import codecs
import re
from collections.abc import Mapping
from functools import lru_cache

_MEANT: Mapping[str, str] = {
    # label, or Python's own name for it, without blanks and in lower case: the codec (WHATWG Encoding §4.2, vendors)
    "gb2312": "gb18030", "gbk": "gb18030", "gb_2312-80": "gb18030", "cn-gb": "gb18030", "gb13000": "gb18030",
    "cp936": "gb18030", "euc-cn": "gb18030",
    "ks_c_5601-1987": "cp949", "ks_c_5601-1989": "cp949", "ks_c_5601": "cp949", "euc_kr": "cp949", "korean": "cp949",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "windows-31j": "cp932", "cswindows31j": "cp932",
    "big5": "big5hkscs", "big-5": "big5hkscs", "cn-big5": "big5hkscs", "cp950": "big5hkscs",
    "iso8859-1": "cp1252", "latin_1": "cp1252", "latin-1": "cp1252", "ansi": "cp1252",
    "latin-2": "iso8859-2", "latin-9": "iso8859-15", "latin-5": "cp1254",
    "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874",
    "koi8": "koi8_r", "koi8r": "koi8_r", "koi8u": "koi8_u", "koi8-ru": "koi8_u",
    "macintosh": "mac_roman", "mac": "mac_roman", "mac-roman": "mac_roman", "macroman": "mac_roman",
    "mac-ce": "mac_latin2", "mac-centraleurroman": "mac_latin2", "mac-japanese": "cp932",
    "utf8": "utf-8", "utf8mb4": "utf-8", "utf-8mb4": "utf-8", "cesu-8": "utf-8", "65001": "utf-8",
    "unicode-1-1-utf-8": "utf-8", "unicode-1-1-utf-7": "utf-7",
    "unicode": "utf-16", "ucs-2": "utf-16", "iso-10646-ucs-2": "utf-16", "ucs-4": "utf-32", "iso-10646-ucs-4": "utf-32",
    "iso2022jp": "iso2022_jp", "csiso2022jp": "iso2022_jp", "cp50220": "iso2022_jp", "cp50221": "iso2022_jp",
}  # fmt: skip
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"})
_END = re.compile(r"[*\s;,(\"']")  # a language (RFC 2231), a comment, the next parameter
_CODE_PAGE = re.compile(r"(?:x-)?(?:windows|win|cp|ibm|dos|microsoft-cp)[-_]?(\d{3,5})(?:-\d)?")
_ISO = re.compile(r"(?:iso[-_ ]?)?8859[-_]?(\d{1,2})(?:-[ie]|:\d{4})?")


@lru_cache(maxsize=256)
def codec_of(label: str) -> str | None:
    """Python's name for a label, or None when nobody knows one that makes text of bytes."""
    name = _END.split(label.strip("'\" \t;,("), maxsplit=1)[0].lower()[:60]
    if "\0" in name or not name.isascii():
        return None
    if name.startswith("iso-2022-jp"):
        return "iso2022_jp"
    page, iso = _CODE_PAGE.fullmatch(name), _ISO.fullmatch(name)
    own = f"cp{page[1]}" if page else f"iso8859-{iso[1]}" if iso else name
    for candidate in (own, name, name.removeprefix("x-")):
        meant = _MEANT.get(candidate, candidate)
        try:
            b"a".decode(meant, "ignore")  # fails where Python's name is no charset's, as `base64`
            found = codecs.lookup(meant).name
        except (LookupError, ValueError, UnicodeError, TypeError):
            continue
        return None if found in _NO_CHARSETS else _MEANT.get(found, found)
    return None
